//! Capability: the resources one action draws on, and what becomes of it while nobody can count.

use std::sync::LazyLock;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Resource;
use super::invalid::Invalid;
use super::on_outage::OnOutage;

/// The capability that uploads are gated by; it is built in.
pub const UPLOAD: &str = "upload_media";

/// What an action draws on, at least one resource, each once. It is denied if any of these has no
/// room.
///
/// Written as the list of its resources, or, where it says what becomes of it while the store is
/// out, as a table: `{"on_outage": "open", "resources": [...]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    resources: Vec<Resource>,
    on_outage: Option<OnOutage>,
}

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
        Ok(Self { resources, on_outage: None })
    }

    /// Returns the same with a word of its own on what becomes of it while the store is out; none
    /// leaves that to the settings.
    #[must_use]
    pub fn when_out(self, on_outage: Option<OnOutage>) -> Self {
        Self { on_outage, ..self }
    }

    /// Returns the resources; asked for the bytes of the action, or for one where they are counts.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Returns its own word on what becomes of it while the store is out.
    #[must_use]
    pub const fn on_outage(&self) -> Option<OnOutage> {
        self.on_outage
    }

    /// Returns what [`UPLOAD`] draws on unless it is declared otherwise.
    pub(super) fn upload() -> &'static Self {
        static BUILT_IN: LazyLock<Capability> = LazyLock::new(|| Capability {
            resources: "media_bytes".parse().into_iter().collect(),
            on_outage: None,
        });
        &BUILT_IN
    }
}

/// A capability as a table.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_outage: Option<OnOutage>,
    resources: Vec<Resource>,
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.on_outage {
            None => self.resources.serialize(out),
            on_outage => Written { on_outage, resources: self.resources.clone() }.serialize(out),
        }
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let Written { on_outage, resources } = input.deserialize_any(EitherWay)?;
        let capability = Self::new(resources).map_err(serde::de::Error::custom)?;
        Ok(capability.when_out(on_outage))
    }
}

/// Reads a list or a table.
struct EitherWay;

impl<'de> Visitor<'de> for EitherWay {
    type Value = Written;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of resources, or a table with resources and on_outage")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Written, A::Error> {
        let resources = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Written { on_outage: None, resources })
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Written, A::Error> {
        Written::deserialize(MapAccessDeserializer::new(table))
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
        let open = before.clone().when_out(Some(OnOutage::Open));
        let json = serde_json::to_string(&open).unwrap();
        assert_eq!(json, r#"{"on_outage":"open","resources":["media_bytes"]}"#);
        assert_eq!(read(&json).unwrap(), open);
        assert!(read(r#"{"resources":["a"],"on_outage":"ajar"}"#).unwrap_err().contains("ajar"));
        assert!(read(r#"{"resources":[]}"#).unwrap_err().contains("draws on no resource"));
    }
}
