//! The door out: whoever asked is told of warnings and overages.
//!
//! The store keeps an outbox, in which a notice stands with the charge that caused it or not at
//! all. Each target is told of it in order and at least once: a notice is behind it once it has
//! taken it, and until then all others wait. How far each has come is kept in the store, too, so
//! that a restart goes on where it was; several instances on one store look there before each
//! delivery, and so seldom tell twice. What is told, and how it is signed, follows the
//! [Standard Webhooks](https://www.standardwebhooks.com) specification.

// To whom.
mod endpoint;
mod signature;
mod target;
// How.
mod delivery;
mod messenger;
mod notifier;

pub use endpoint::{BadEndpoint, Endpoint};
pub use notifier::{Notifier, meet};
pub use signature::{BadSecret, Signer};
pub use target::Target;
