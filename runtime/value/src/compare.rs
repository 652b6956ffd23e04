//! Equality, order and hash as OPA defines them.
