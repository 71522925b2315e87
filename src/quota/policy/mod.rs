//! Policy: all that is declared; which limits bind a subject, and why.
//!
//! It has two layers: the *file* layer, written from the configuration file at start, and the
//! *store* layer, changed by command line and API. An entry of the file shadows one of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::capability::UPLOAD;
use super::invalid::{Invalid, nearest};
use super::once::once;
use super::resource::name;
use super::{Amount, Capability, Grants, Group, Limit, Pattern, Period, Resource, Subject, Zone};
use crate::clock::Timestamp;

/// Counts the changes of everything that decisions depend on. A plan made from an older version
/// is refused by the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyVersion(pub i64);

/// Puts every subject whose name matches into a group; the first matching rule counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whom.
    #[serde(rename = "match")]
    pub pattern: Pattern,
    /// The group.
    pub group: String,
}

/// One layer of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The groups by name.
    #[serde(default, deserialize_with = "once")]
    pub groups: BTreeMap<String, Group>,
    /// The group of everyone who is in no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_group: Option<String>,
    /// The capabilities by name.
    #[serde(default, deserialize_with = "once")]
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

impl Layer {
    /// Returns an error if a group or capability is called what nothing may be called.
    ///
    /// # Errors
    /// A fragment that says what a name is made of.
    pub fn well_named(&self) -> Result<(), Invalid> {
        let named = self.groups.keys().chain(&self.default_group);
        let groups = named.chain(self.rules.iter().map(|rule| &rule.group));
        let groups = groups.map(|group| name(group, "group"));
        let mut all = groups.chain(self.capabilities.keys().map(|it| name(it, "capability")));
        all.try_for_each(|named| named.map(drop))
    }
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
    pub fn capabilities(&self) -> BTreeMap<&str, &Capability> {
        let built_in = [(UPLOAD, Capability::upload())];
        let both = self.store.capabilities.iter().chain(&self.file.capabilities);
        built_in.into_iter().chain(both.map(|(name, it)| (name.as_str(), it))).collect()
    }

    /// Returns the capability called `name`.
    ///
    /// # Errors
    /// If there is none; suggests the nearest.
    pub fn capability(&self, name: &str) -> Result<&Capability, Invalid> {
        let declared = self.file.capabilities.get(name);
        let declared = declared.or_else(|| self.store.capabilities.get(name));
        let built_in = || (name == UPLOAD).then(Capability::upload);
        declared.or_else(built_in).ok_or_else(|| {
            let hint = nearest(name, self.capabilities().into_keys());
            Invalid::new(format!("there is no capability \"{name}\"{hint}"))
        })
    }

    /// Returns every declared resource: those that a group or capability names.
    #[must_use]
    pub fn resources(&self) -> BTreeSet<&Resource> {
        self.named_resources().collect()
    }

    /// Returns the declared resource called `name`.
    ///
    /// # Errors
    /// If it is not declared; suggests the nearest.
    pub fn resource(&self, name: &str) -> Result<&Resource, Invalid> {
        let found = self.named_resources().find(|resource| resource.as_str() == name);
        found.ok_or_else(|| {
            let known = self.resources();
            let hint = nearest(name, known.iter().map(|resource| resource.as_str()));
            Invalid::new(format!(
                "there is no resource \"{name}\"{hint}: name it in a group or capability to declare it"
            ))
        })
    }

    /// Returns the resources wherever they are named, some of them several times.
    fn named_resources(&self) -> impl Iterator<Item = &Resource> {
        let groups = unshadowed(&self.file.groups, &self.store.groups);
        let drawn = unshadowed(&self.file.capabilities, &self.store.capabilities);
        let built_in = Some(Capability::upload()).filter(|_| {
            !self.file.capabilities.contains_key(UPLOAD)
                && !self.store.capabilities.contains_key(UPLOAD)
        });
        let limited = groups.flat_map(|group| group.limits.keys());
        limited.chain(drawn.chain(built_in).flat_map(Capability::resources))
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

    /// Returns the group `subject` is in. A group that is declared nowhere is passed over: it
    /// must not lift the limits that the next rule, or the default group, would set.
    fn group_of(
        &self,
        subject: &Subject,
        grants: &Grants,
        now: Timestamp,
    ) -> Option<(&Group, Source)> {
        let group = |name: &str, source: fn(String) -> Source| {
            self.group(name).map(|group| (group, source(name.to_owned())))
        };
        let assigned = grants.group.as_ref().and_then(|grant| grant.live(now));
        let assigned = assigned.and_then(|name| group(name, Source::Assigned));
        let matching = || self.rules().filter(|rule| rule.pattern.matches(subject));
        assigned
            .or_else(|| matching().find_map(|rule| group(&rule.group, Source::Matched)))
            .or_else(|| self.default_group().and_then(|name| group(name, Source::Default)))
    }
}

/// Returns the entries of the file, and those of the store that it does not shadow.
fn unshadowed<'a, T>(
    file: &'a BTreeMap<String, T>,
    store: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = &'a T> {
    let other = store.iter().filter(|(name, _)| !file.contains_key(*name));
    file.values().chain(other.map(|(_, entry)| entry))
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
    pub fn limit(&self, resource: &Resource) -> (&Limit, Source) {
        static UNLIMITED: Limit = Limit::unlimited();
        if self.exempt {
            return (&UNLIMITED, Source::Exempt);
        }
        let own = self.grants.overrides.get(resource).and_then(|grant| grant.live(self.now));
        if let Some(limit) = own {
            return (limit, Source::Override);
        }
        match &self.group {
            Some((group, source)) => {
                (group.limits.get(resource).unwrap_or(&UNLIMITED), source.clone())
            }
            None => (&UNLIMITED, Source::Nothing),
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
