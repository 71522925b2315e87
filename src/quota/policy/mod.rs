//! Policy: all that is declared; which limits bind a subject, and why.
//!
//! It has two layers: the *file* layer, written from the configuration file at start, and the
//! *store* layer, changed by command line and API. An entry of the file shadows one of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::capability::UPLOAD;
use super::invalid::{Invalid, nearest};
use super::{Amount, Capability, Grants, Group, Limit, Period, Resource, Subject, Zone};
use crate::clock::Timestamp;

/// Counts the changes of everything that decisions depend on. A plan made from an older version
/// is refused by the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyVersion(pub i64);

/// Puts every subject whose name matches into a group; the first matching rule counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// A glob over the whole name: `*` is any text, `?` any one character.
    #[serde(rename = "match")]
    pub pattern: String,
    /// The group.
    pub group: String,
}

impl Rule {
    /// Returns true if `subject` matches.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        WildMatch::new(&self.pattern).matches(subject.as_str())
    }
}

/// One layer of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The groups by name.
    #[serde(default)]
    pub groups: BTreeMap<String, Group>,
    /// The group of everyone who is in no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_group: Option<String>,
    /// The capabilities by name.
    #[serde(default)]
    pub capabilities: BTreeMap<String, Capability>,
    /// Who is in which group by name, first match first.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The zone in which days begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
    /// The period of limits that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
}

/// Both layers, and the version of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How many changes it has seen.
    pub version: PolicyVersion,
    /// From the configuration file; shadows `store`.
    pub file: Layer,
    /// From command line and API.
    pub store: Layer,
}

/// Where a subject's limits come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The subject is exempt.
    Exempt,
    /// The subject has an override for this resource.
    Override,
    /// The subject was put in this group.
    Assigned(String),
    /// A rule puts the subject in this group.
    Matched(String),
    /// Everyone is in this group.
    Default(String),
    /// No limit is declared for it.
    Nothing,
}

/// `exempt`, `override`, `group free`, `rule bridges`, `default free`, `none`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exempt => f.write_str("exempt"),
            Self::Override => f.write_str("override"),
            Self::Assigned(group) => write!(f, "group {group}"),
            Self::Matched(group) => write!(f, "rule {group}"),
            Self::Default(group) => write!(f, "default {group}"),
            Self::Nothing => f.write_str("none"),
        }
    }
}

impl Policy {
    /// Returns the group called `name`.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.file.groups.get(name).or_else(|| self.store.groups.get(name))
    }

    /// Returns all groups by name.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<&str, &Group> {
        let both = self.store.groups.iter().chain(&self.file.groups);
        both.map(|(name, group)| (name.as_str(), group)).collect()
    }

    /// Returns the name of the group of everyone who is in no other.
    #[must_use]
    pub fn default_group(&self) -> Option<&str> {
        self.file.default_group.as_deref().or(self.store.default_group.as_deref())
    }

    /// Returns all capabilities by name, the built-in one included.
    #[must_use]
    pub fn capabilities(&self) -> BTreeMap<String, Capability> {
        let both = self.store.capabilities.iter().chain(&self.file.capabilities);
        let mut all: BTreeMap<_, _> = both.map(|(name, c)| (name.clone(), c.clone())).collect();
        all.entry(UPLOAD.to_owned()).or_insert_with(upload);
        all
    }

    /// Returns the capability called `name`.
    ///
    /// # Errors
    /// If there is none; suggests the nearest.
    pub fn capability(&self, name: &str) -> Result<Capability, Invalid> {
        let declared = self.file.capabilities.get(name);
        if let Some(found) = declared.or_else(|| self.store.capabilities.get(name)) {
            return Ok(found.clone());
        }
        if name == UPLOAD {
            return Ok(upload());
        }
        let known = self.capabilities();
        let hint = nearest(name, known.keys().map(String::as_str));
        Err(Invalid::new(format!("there is no capability \"{name}\"{hint}")))
    }

    /// Returns every declared resource: those that a group or capability names.
    #[must_use]
    pub fn resources(&self) -> BTreeSet<Resource> {
        let limited = self.groups().into_values().flat_map(|group| group.limits.keys().cloned());
        let drawn = self.capabilities().into_values().flat_map(|capability| capability.resources);
        limited.chain(drawn).collect()
    }

    /// Returns the declared resource called `name`.
    ///
    /// # Errors
    /// If it is not declared; suggests the nearest.
    pub fn resource(&self, name: &str) -> Result<Resource, Invalid> {
        let known = self.resources();
        known.iter().find(|resource| resource.as_str() == name).cloned().ok_or_else(|| {
            let hint = nearest(name, known.iter().map(Resource::as_str));
            Invalid::new(format!(
                "there is no resource \"{name}\"{hint}: name it in a group or capability to declare it"
            ))
        })
    }

    /// Returns the rules, those of the file first.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.file.rules.iter().chain(&self.store.rules)
    }

    /// Returns the period of limits that name none.
    #[must_use]
    pub fn period(&self) -> Period {
        self.file.period.or(self.store.period).unwrap_or(Period::Month)
    }

    /// Returns what binds `subject` at `now`.
    #[must_use]
    pub fn terms<'a>(&'a self, subject: &Subject, grants: &'a Grants, now: Timestamp) -> Terms<'a> {
        let group = self.group_of(subject, grants, now);
        let zone = group
            .as_ref()
            .and_then(|(group, _)| group.timezone.as_ref())
            .or(self.file.timezone.as_ref())
            .or(self.store.timezone.as_ref());
        let exempt = grants.exempt.as_ref().and_then(|grant| grant.live(now)).is_some();
        Terms { grants, group, exempt, now, zone: zone.cloned().unwrap_or_default() }
    }

    fn group_of(
        &self,
        subject: &Subject,
        grants: &Grants,
        now: Timestamp,
    ) -> Option<(&Group, Source)> {
        let assigned = grants.group.as_ref().and_then(|grant| grant.live(now));
        let matched = || self.rules().find(|rule| rule.matches(subject));
        let (name, source) = if let Some(name) = assigned {
            (name.as_str(), Source::Assigned(name.clone()))
        } else if let Some(rule) = matched() {
            (rule.group.as_str(), Source::Matched(rule.group.clone()))
        } else {
            let name = self.default_group()?;
            (name, Source::Default(name.to_owned()))
        };
        self.group(name).map(|group| (group, source))
    }
}

fn upload() -> Capability {
    Capability { resources: "media_bytes".parse().into_iter().collect() }
}

/// What binds one subject at one moment.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    grants: &'a Grants,
    group: Option<(&'a Group, Source)>,
    exempt: bool,
    now: Timestamp,
    /// The zone in which the subject's days begin.
    pub zone: Zone,
}

impl Terms<'_> {
    /// Returns the limit on `resource`, and where it comes from: exemption, override, group.
    #[must_use]
    pub fn limit(&self, resource: &Resource) -> (Limit, Source) {
        if self.exempt {
            return (Limit::unlimited(), Source::Exempt);
        }
        let own = self.grants.overrides.get(resource).and_then(|grant| grant.live(self.now));
        if let Some(limit) = own {
            return (limit.clone(), Source::Override);
        }
        match &self.group {
            Some((group, source)) => match group.limits.get(resource) {
                Some(limit) => (limit.clone(), source.clone()),
                None => (Limit::unlimited(), source.clone()),
            },
            None => (Limit::unlimited(), Source::Nothing),
        }
    }

    /// Returns the most bytes one upload may have, none meaning any size, and where that comes
    /// from.
    #[must_use]
    pub fn max_upload(&self) -> (Option<Amount>, Source) {
        if self.exempt {
            return (None, Source::Exempt);
        }
        let own = self.grants.max_upload_bytes.as_ref().and_then(|grant| grant.live(self.now));
        match (own, &self.group) {
            (Some(size), _) => (*size, Source::Override),
            (None, Some((group, source))) => (group.max_upload_bytes, source.clone()),
            (None, None) => (None, Source::Nothing),
        }
    }

    /// Returns the group the subject is in, whatever overrides it has.
    #[must_use]
    pub fn group(&self) -> Option<&Source> {
        self.group.as_ref().map(|(_, source)| source)
    }
}

#[cfg(test)]
mod tests;
