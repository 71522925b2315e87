//! What we say about ourselves, and to whom; and what is never said.

mod cause;
#[cfg(feature = "server")]
pub mod log;
mod secret;

pub use cause::cause;
pub use secret::Secret;
