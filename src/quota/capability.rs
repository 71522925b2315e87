//! Capability: the resources one action draws on.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Resource;
use super::invalid::Invalid;

/// The capability that uploads are gated by; it is built in.
pub const UPLOAD: &str = "upload_media";

/// What an action draws on, at least one resource, each once. It is denied if any of these has no
/// room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Resource>", into = "Vec<Resource>")]
pub struct Capability(Vec<Resource>);

impl Capability {
    /// Returns the capability that draws on `resources`.
    ///
    /// # Errors
    /// If there are none, or one is named twice.
    pub fn new(resources: Vec<Resource>) -> Result<Self, Invalid> {
        if resources.is_empty() {
            return Err(Invalid::new("draws on no resource: write one, like \"media_bytes\""));
        }
        for (index, resource) in resources.iter().enumerate() {
            if resources.iter().take(index).any(|other| other == resource) {
                return Err(Invalid::new(format!("names {resource} twice: once is enough")));
            }
        }
        Ok(Self(resources))
    }

    /// Returns the resources; asked for the bytes of the action, or for one where they are counts.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.0
    }

    /// Returns what [`UPLOAD`] draws on unless it is declared otherwise.
    pub(super) fn upload() -> &'static Self {
        static BUILT_IN: LazyLock<Capability> =
            LazyLock::new(|| Capability("media_bytes".parse().into_iter().collect()));
        &BUILT_IN
    }
}

impl TryFrom<Vec<Resource>> for Capability {
    type Error = Invalid;

    fn try_from(resources: Vec<Resource>) -> Result<Self, Invalid> {
        Self::new(resources)
    }
}

impl From<Capability> for Vec<Resource> {
    fn from(capability: Capability) -> Self {
        capability.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Capability, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn it_draws_on_something_and_on_nothing_twice() {
        assert!(read("[]").unwrap_err().contains("draws on no resource"));
        assert!(read(r#"["uploads","uploads"]"#).unwrap_err().contains("names uploads twice"));
        assert!(read(r#"["max_upload_bytes"]"#).is_err());
        assert_eq!(read(r#"["uploads"]"#).unwrap().resources(), ["uploads".parse().unwrap()]);
    }

    #[test]
    fn it_survives_being_written_and_read() {
        let before = Capability::upload();
        let json = serde_json::to_string(before).unwrap();
        assert_eq!(json, r#"["media_bytes"]"#);
        assert_eq!(&read(&json).unwrap(), before);
    }
}
