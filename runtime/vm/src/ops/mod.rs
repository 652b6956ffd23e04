//! What the instructions do: one small method each. `dispatch` decides where evaluation goes on.

mod access;
mod arithmetic;
mod collect;
mod compare;
mod control;
