//! What we say about ourselves, and to whom; and what is never said.

pub mod log;
mod secret;

pub use secret::Secret;
