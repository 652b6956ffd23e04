//! The endpoints: a file each. An endpoint takes a request and gives an answer; it knows nothing of connections.

pub(crate) mod compile;
pub(crate) mod data;
pub(crate) mod documents;
pub(crate) mod explain;
pub(crate) mod filters;
pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod policies;
pub(crate) mod query;
pub(crate) mod settings;
