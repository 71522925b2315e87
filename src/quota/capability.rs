//! Capability: the resources one action draws on.

use serde::{Deserialize, Serialize};

use super::Resource;

/// The capability that uploads are gated by; it is built in.
pub const UPLOAD: &str = "upload_media";

/// What an action draws on. It is denied if any of these has no room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capability {
    /// The resources; asked for the bytes of the action, or for one where they are counts.
    pub resources: Vec<Resource>,
}
