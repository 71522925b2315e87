//! Assignment: `media_bytes=500MB`, as it is typed after a group or an override.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::quota::{Amount, Invalid, Limit, Measure, Policy, Resource};

/// The name of the setting that is no resource: the size of one upload.
pub(super) const MAX_UPLOAD: &str = "max_upload_bytes";

/// A name and what it is to be, neither of them looked at yet: what a number may be depends on
/// the resource, and whether that has to exist on the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    name: String,
    value: String,
}

impl FromStr for Assignment {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Invalid::new("write RESOURCE=LIMIT, such as media_bytes=500MB/month"))?;
        Ok(Self { name: name.trim().to_owned(), value: value.trim().to_owned() })
    }
}

/// What was assigned, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assigned {
    /// The limit of each resource that was named.
    pub(super) limits: BTreeMap<Resource, Limit>,
    /// The size of one upload, if it was named.
    pub(super) max_upload_bytes: Option<Size>,
}

/// The size of one upload; none means any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) Option<Amount>);

impl Assigned {
    /// Understands `assignments`; `resource` says which resource a name means.
    ///
    /// # Errors
    /// For a name that is given twice, or that `resource` refuses, and for a value that is no
    /// limit.
    pub(super) fn read(
        assignments: &[Assignment],
        policy: &Policy,
        resource: impl Fn(&str) -> Result<Resource, Invalid>,
    ) -> Result<Self, Invalid> {
        let mut assigned = Self::default();
        let mut seen = BTreeSet::new();
        for Assignment { name, value } in assignments {
            if !seen.insert(name) {
                return Err(Invalid::new(format!(
                    "{name} is given twice: write several limits as {name}=A,B"
                )));
            }
            if name == MAX_UPLOAD {
                assigned.max_upload_bytes = Some(size(value).map_err(|e| within(name, &e))?);
            } else {
                let resource = resource(name)?;
                let limit = Limit::parse(value, &policy.measure(&resource));
                let limit = limit.map_err(|e| within(name, &e))?;
                assigned.limits.insert(resource, limit);
            }
        }
        Ok(assigned)
    }
}

/// Understands `assignments` of amounts, of resources that `policy` declares.
///
/// # Errors
/// For a name that is given twice or is not declared, and for a value that is no amount.
pub(super) fn amounts(
    assignments: &[Assignment],
    policy: &Policy,
) -> Result<BTreeMap<Resource, Amount>, Invalid> {
    let mut amounts = BTreeMap::new();
    for Assignment { name, value } in assignments {
        let _: Resource = name.parse()?;
        let resource = policy.resource(name)?.clone();
        let amount = policy.measure(&resource).parse(value).map_err(|e| within(name, &e))?;
        if amounts.insert(resource, amount).is_some() {
            return Err(Invalid::new(format!("{name} is given twice: write the sum of both")));
        }
    }
    Ok(amounts)
}

/// Reads the size of one upload: an amount of bytes, or `unlimited`.
fn size(text: &str) -> Result<Size, Invalid> {
    if text == "unlimited" {
        return Ok(Size(None));
    }
    let size = Measure::BYTES.parse(text)?;
    if size.is_negative() {
        return Err(Invalid::new("a size is not below zero: write 0 for no uploads, or unlimited"));
    }
    Ok(Size(Some(size)))
}

fn within(name: &str, invalid: &Invalid) -> Invalid {
    Invalid::new(format!("{name}: {invalid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Assigned, String> {
        let parsed: Result<Vec<Assignment>, _> = texts.iter().map(|text| text.parse()).collect();
        let parsed = parsed.map_err(|error| error.to_string())?;
        Assigned::read(&parsed, &Policy::default(), str::parse).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_and_the_size_of_one_upload_are_told_apart() {
        let read = read(&["media_bytes=500MB/month,50MB/day", "max_upload_bytes=20MB"]).unwrap();
        let limit = &read.limits[&"media_bytes".parse().unwrap()];
        assert_eq!(limit.to_string(), "500000000/month,50000000/day");
        assert_eq!(read.max_upload_bytes, Some(Size(Some(Amount::new(20_000_000)))));
    }

    #[test]
    fn unlimited_lifts_the_size_of_one_upload() {
        let read = read(&["max_upload_bytes=unlimited"]).unwrap();
        assert_eq!(read.max_upload_bytes, Some(Size(None)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, complaint) in [
            ("media_bytes", "RESOURCE=LIMIT"),
            ("media_bytes=5G", "media_bytes: \"5G\" is ambiguous"),
            ("max_upload_bytes=-1", "not below zero"),
            ("timezone=UTC", "setting of a group"),
            ("=5", "not the name of a resource"),
        ] {
            let error = read(&[text]).unwrap_err();
            assert!(error.contains(complaint), "{text}: {error}");
        }
        let twice = read(&["requests=1", "requests=2"]).unwrap_err();
        assert!(twice.contains("requests=A,B"), "{twice}");
    }
}
