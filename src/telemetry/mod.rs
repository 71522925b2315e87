//! What we say about ourselves, and to whom; and what is never said.

// In lines.
#[cfg(feature = "server")]
mod access;
mod cause;
#[cfg(feature = "server")]
pub mod log;
#[cfg(feature = "server")]
mod path;
#[cfg(feature = "server")]
mod request_id;
// In figures.
#[cfg(feature = "server")]
pub mod labels;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
pub mod names;
#[cfg(feature = "server")]
pub mod tally;
// Never.
mod secret;

#[cfg(feature = "server")]
pub use access::{Access, Asked, End};
pub use cause::cause;
#[cfg(feature = "server")]
pub use metrics::{Metrics, MetricsError};
#[cfg(feature = "server")]
pub use request_id::{RequestId, X_REQUEST_ID};
pub use secret::Secret;
