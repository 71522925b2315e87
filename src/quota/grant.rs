//! Grant: what one subject has of its own: a group, overrides, boosts, an exemption; each may end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::once::once;
use super::{Amount, Limit, Resource};
use crate::clock::{Timestamp, exact};

/// Something given to one subject, perhaps only until a date, perhaps with a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Grant<T> {
    /// What is given.
    pub what: T,
    /// The first moment it no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exact::optional")]
    pub until: Option<Timestamp>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl<T> Grant<T> {
    /// Returns what is given, if it still holds at `now`.
    pub fn live(&self, now: Timestamp) -> Option<&T> {
        self.until.is_none_or(|end| now < end).then_some(&self.what)
    }
}

/// Reads why something is given.
///
/// # Errors
/// If it is more than one line, or holds what moves a terminal's cursor.
pub fn note(text: &str) -> Result<String, Invalid> {
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("a note is one line of text"));
    }
    Ok(text.to_owned())
}

/// All that one subject has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// The group it was put in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Grant<String>>,
    /// Set if nothing is ever refused to it; it is still counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt: Option<Grant<()>>,
    /// Limits in place of its group's.
    #[serde(default, deserialize_with = "once", skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<Resource, Grant<Limit>>,
    /// Additions to its limits, each of an amount above zero.
    #[serde(default, deserialize_with = "once", skip_serializing_if = "BTreeMap::is_empty")]
    pub boosts: BTreeMap<Resource, Vec<Grant<Amount>>>,
    /// The size of one upload in place of its group's; none inside means any size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_upload_bytes: Option<Grant<Option<Amount>>>,
}

impl Grants {
    /// Returns what the boosts of `resource` that hold at `now` add up to, at most what can be
    /// counted.
    #[must_use]
    pub fn boost(&self, resource: &Resource, now: Timestamp) -> Amount {
        let all = self.boosts.get(resource).into_iter().flatten();
        let live = all.filter_map(|grant| grant.live(now));
        live.fold(Amount::ZERO, |sum, more| sum.plus(*more).unwrap_or(Amount::MAX))
    }

    /// Returns true if it has nothing of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
