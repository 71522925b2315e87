//! Resource: what is counted, and how it adds up.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Measure;
use super::invalid::Invalid;

/// The name of something that is counted, such as `media_bytes`.
///
/// How it is counted is declared by a [`Measure`]; without one it is a sum, of bytes where the
/// name ends in `bytes`, otherwise of things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resource(Arc<str>);

/// Keys of a group that are settings, not resources.
pub const RESERVED: [&str; 3] = ["max_upload_bytes", "extends", "timezone"];

impl Resource {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns how it is counted unless it is declared otherwise: a sum, of bytes where the name
    /// ends in `bytes`.
    #[must_use]
    pub fn usual_measure(&self) -> Measure {
        if self.0.ends_with("bytes") { Measure::BYTES } else { Measure::COUNT }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Resource {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if RESERVED.contains(&text) {
            return Err(Invalid::new(format!(
                "\"{text}\" is a setting of a group, not a resource"
            )));
        }
        name(text, "resource").map(Self)
    }
}

impl TryFrom<String> for Resource {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> Self {
        resource.0.as_ref().to_owned()
    }
}

/// Reads the name of a `what` (resource, group, capability): 1 to 64 of `a-z 0-9 _ - .`.
///
/// # Errors
/// A fragment that says what a name is made of.
pub fn name(text: &str, what: &str) -> Result<Arc<str>, Invalid> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
        return Err(Invalid::new(format!(
            "\"{text}\" is not the name of a {what}: 1 to 64 letters, digits, \"_\", \"-\" and \".\""
        )));
    }
    Ok(text.into())
}
