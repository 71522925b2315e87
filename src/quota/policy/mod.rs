//! Policy: all that is declared; which limits bind a subject, and why.
//!
//! It has two layers: the *file* layer, written from the configuration file at start, and the
//! *store* layer, changed by command line and API. An entry of the file shadows one of the store.

mod claims;
mod source;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::capability::UPLOAD;
use super::invalid::{Invalid, nearest};
use super::once::once;
use super::resource::name;
use super::{Capability, Group, Limit, Measure, Pattern, Per, Period, Resource, Window, Zone};

pub use claims::{Claim, Standing};
pub use source::Source;
pub use terms::{Capped, Terms};

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
    /// The file it was read from, for people who want to change what it declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The groups by name.
    #[serde(default, deserialize_with = "once")]
    pub groups: BTreeMap<String, Group>,
    /// The group of everyone who is in no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_group: Option<String>,
    /// How resources are counted that are not plain sums.
    #[serde(default, deserialize_with = "once", skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<Resource, Measure>,
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
    /// Returns an error if something in it makes no sense: a name that nothing may have, a
    /// measure that contradicts itself.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn consistent(&self) -> Result<(), Invalid> {
        let bases = self.groups.values().filter_map(|group| group.extends.as_ref());
        let named = self.groups.keys().chain(&self.default_group).chain(bases);
        let groups = named.chain(self.rules.iter().map(|rule| &rule.group));
        let groups = groups.map(|group| name(group, "group"));
        let mut all = groups.chain(self.capabilities.keys().map(|it| name(it, "capability")));
        all.try_for_each(|named| named.map(drop))?;
        self.resources.iter().try_for_each(|(resource, measure)| {
            let wrong = |error| Invalid::new(format!("resource \"{resource}\": {error}"));
            measure.consistent().map_err(wrong)
        })
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

    /// Returns the group called `name` and those it extends, nearest first.
    ///
    /// One that is declared nowhere ends the line, and so does one that has come before.
    #[must_use]
    pub fn line_of<'a>(&'a self, name: &'a str) -> Vec<(&'a str, &'a Group)> {
        let mut line: Vec<(&str, &Group)> = Vec::new();
        let mut next = Some(name);
        while let Some(name) = next.filter(|name| line.iter().all(|(seen, _)| seen != name)) {
            let Some(group) = self.group(name) else { break };
            line.push((name, group));
            next = group.extends.as_deref();
        }
        line
    }

    /// Returns an error if a group extends itself, by however many others.
    ///
    /// # Errors
    /// A fragment that names the groups.
    pub fn has_no_circle(&self) -> Result<(), Invalid> {
        for name in self.groups().into_keys() {
            let line = self.line_of(name);
            let last = line.last().and_then(|(_, group)| group.extends.as_deref());
            if last.is_some_and(|base| line.iter().any(|(seen, _)| *seen == base)) {
                let names: Vec<_> = line.iter().map(|(seen, _)| *seen).chain(last).collect();
                let names = names.join(" → ");
                return Err(Invalid::new(format!("groups extend each other in a circle: {names}")));
            }
        }
        Ok(())
    }

    /// Returns the windows on `resource` that everyone shares, of whatever group declares them.
    pub fn server_windows(&self, resource: &Resource) -> impl Iterator<Item = &Window> {
        let groups = unshadowed(&self.file.groups, &self.store.groups);
        let limits = groups.filter_map(|group| group.limits.get(resource));
        limits.flat_map(Limit::windows).filter(|window| window.per == Per::Server)
    }

    /// Returns how `resource` is counted.
    #[must_use]
    pub fn measure(&self, resource: &Resource) -> Measure {
        let declared = self.file.resources.get(resource);
        let declared = declared.or_else(|| self.store.resources.get(resource));
        declared.cloned().unwrap_or_else(|| resource.usual_measure())
    }

    /// Returns the zone in which days begin where neither limit nor group says otherwise.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.file.timezone.as_ref().or(self.store.timezone.as_ref()).cloned().unwrap_or_default()
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

    /// Returns every declared resource: those that a group or capability names, and those with a
    /// measure of their own.
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
        let limited = limited.chain(self.file.resources.keys()).chain(self.store.resources.keys());
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
}

/// Returns the entries of the file, and those of the store that it does not shadow.
fn unshadowed<'a, T>(
    file: &'a BTreeMap<String, T>,
    store: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = &'a T> {
    let other = store.iter().filter(|(name, _)| !file.contains_key(*name));
    file.values().chain(other.map(|(_, entry)| entry))
}

#[cfg(test)]
mod tests;
