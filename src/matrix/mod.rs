//! What requests mean: the only place that knows the Matrix specification.
//!
//! Written against client-server API v1.18. Known are the routes that store media, those that tell
//! about limits on it, and those that end sessions; every other route passes without being read,
//! unless a pattern of the configuration names it.

// What a request asks for, and who asks.
mod credentials;
mod disguise;
mod pattern;
mod routes;
mod user_id;
mod whoami;
// How we answer ourselves.
mod cors;
mod error;
mod json;

pub use cors::allow_any_origin;
pub use credentials::{Ambiguous, Credentials};
pub use error::{ErrCode, MatrixError};
pub use json::json;
pub use pattern::{Disguised, PathPattern, Taken};
pub use routes::Endpoint;
pub use user_id::{BadUserId, UserId};
pub use whoami::{Ask, Identity, Oddity, Refusal, Settings, Whoami, WhoamiError};
