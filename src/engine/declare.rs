//! declare: change the policy: groups, capabilities, rules, and what one subject has of its own.

use std::collections::BTreeMap;

use super::{Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::capability::UPLOAD;
use crate::quota::grant::Grant;
use crate::quota::nearest;
use crate::quota::policy::Rule;
use crate::quota::{
    Amount, Capability, Grants, Group, Layer, Limit, Policy, PolicyVersion, Resource, Subject,
};
use crate::store::{LayerKind, Page};

/// How often a change is made again because someone else changed the policy meanwhile, at most.
const TRIES: usize = 32;

/// A change of one group: what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// New limits.
    pub limits: BTreeMap<Resource, Limit>,
    /// A new size of one upload; `Some(None)` lifts it.
    pub max_upload_bytes: Option<Option<Amount>>,
    /// Make it the group of everyone who is in no other.
    pub default: bool,
}

/// Everything about one subject's place in the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectView {
    /// Who.
    pub subject: Subject,
    /// What it has of its own.
    pub grants: Grants,
    /// Its group and why: `group free`, `rule bridges`, `default free`; none without a group.
    pub group: Option<String>,
}

impl Engine {
    /// Returns the present policy.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn policy(&self) -> Result<Policy, EngineError> {
        Ok(self.0.store.policy().await?)
    }

    /// Returns the group `name`.
    ///
    /// # Errors
    /// Not found; unavailable if the store is.
    pub async fn group(&self, name: &str) -> Result<Group, EngineError> {
        let policy = self.policy().await?;
        let group = policy.group(name).cloned();
        group.ok_or_else(|| no_group(&policy, name))
    }

    /// Replaces the file layer of the policy, in one step.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn apply_file(&self, layer: &Layer) -> Result<PolicyVersion, EngineError> {
        for _ in 0..TRIES {
            let seen = self.refresh().await?.policy.version;
            match self.0.store.write_layer(LayerKind::File, layer.clone(), seen).await {
                Ok(version) => return Ok(version),
                Err(crate::store::StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(busy())
    }

    /// Makes or changes the group `name`.
    ///
    /// # Errors
    /// Conflict if the file declares it; unavailable if the store is.
    pub async fn set_group(&self, name: &str, change: &GroupChange) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            not_in_file(policy.file.groups.contains_key(name), "group", name)?;
            let group = layer.groups.entry(name.to_owned()).or_default();
            group.limits.extend(change.limits.clone());
            if let Some(size) = change.max_upload_bytes {
                group.max_upload_bytes = size;
            }
            if change.default {
                not_in_file(policy.file.default_group.is_some(), "setting", "default_group")?;
                layer.default_group = Some(name.to_owned());
            }
            Ok(())
        })
        .await
    }

    /// Removes the group `name`.
    ///
    /// # Errors
    /// Not found; conflict if the file declares it, or a rule or the default needs it;
    /// unavailable if the store is.
    pub async fn remove_group(&self, name: &str) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            not_in_file(policy.file.groups.contains_key(name), "group", name)?;
            layer.groups.remove(name).ok_or_else(|| no_group(policy, name))?;
            if policy.default_group() == Some(name) {
                return Err(EngineError::Conflict(format!(
                    "group \"{name}\" is the default group: make another one the default first"
                )));
            }
            if policy.rules().any(|rule| rule.group == name) {
                return Err(EngineError::Conflict(format!(
                    "a rule puts subjects into group \"{name}\": remove the rule first"
                )));
            }
            Ok(())
        })
        .await
    }

    /// Makes or replaces the capability `name`.
    ///
    /// # Errors
    /// Conflict if the file declares it; unavailable if the store is.
    pub async fn set_capability(
        &self,
        name: &str,
        resources: Vec<Resource>,
    ) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            not_in_file(policy.file.capabilities.contains_key(name), "capability", name)?;
            let capability = Capability { resources: resources.clone() };
            layer.capabilities.insert(name.to_owned(), capability);
            Ok(())
        })
        .await
    }

    /// Removes the capability `name`; the built-in one becomes what it was built as.
    ///
    /// # Errors
    /// Not found; conflict if the file declares it; unavailable if the store is.
    pub async fn remove_capability(&self, name: &str) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            not_in_file(policy.file.capabilities.contains_key(name), "capability", name)?;
            if layer.capabilities.remove(name).is_some() {
                return Ok(());
            }
            if name == UPLOAD {
                return Err(EngineError::NotFound(format!(
                    "capability \"{UPLOAD}\" is as it was built in: there is nothing to remove"
                )));
            }
            let known = layer.capabilities.keys().map(String::as_str);
            Err(not_found_near("capability", name, known))
        })
        .await
    }

    /// Puts a rule behind the others; an existing rule with the same pattern is replaced.
    ///
    /// # Errors
    /// Not found for an unknown group; unavailable if the store is.
    pub async fn add_rule(&self, rule: &Rule) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            policy.group(&rule.group).ok_or_else(|| no_group(policy, &rule.group))?;
            match layer.rules.iter_mut().find(|other| other.pattern == rule.pattern) {
                Some(other) => *other = rule.clone(),
                None => layer.rules.push(rule.clone()),
            }
            Ok(())
        })
        .await
    }

    /// Removes the rule with `pattern`.
    ///
    /// # Errors
    /// Not found; conflict if the file declares it; unavailable if the store is.
    pub async fn remove_rule(&self, pattern: &str) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            let with = |rule: &Rule| rule.pattern == pattern;
            let before = layer.rules.len();
            layer.rules.retain(|rule| !with(rule));
            if layer.rules.len() == before {
                not_in_file(policy.file.rules.iter().any(with), "rule", pattern)?;
                let known = layer.rules.iter().map(|rule| rule.pattern.as_str());
                return Err(not_found_near("rule", pattern, known));
            }
            Ok(())
        })
        .await
    }

    /// Puts `subject` in a group.
    ///
    /// # Errors
    /// Not found for an unknown group; unavailable if the store is.
    pub async fn assign(
        &self,
        subject: &Subject,
        group: &str,
        until: Option<Timestamp>,
    ) -> Result<(), EngineError> {
        self.grant(subject, |policy, grants| {
            policy.group(group).ok_or_else(|| no_group(policy, group))?;
            grants.group = Some(Grant { what: group.to_owned(), until, note: None });
            Ok(())
        })
        .await
    }

    /// Lifts every limit of `subject`; what it uses is still counted.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn exempt(
        &self,
        subject: &Subject,
        until: Option<Timestamp>,
    ) -> Result<(), EngineError> {
        self.grant(subject, |_, grants| {
            grants.exempt = Some(Grant { what: (), until, note: None });
            Ok(())
        })
        .await
    }

    /// Takes group and exemption from `subject`; overrides stay.
    ///
    /// # Errors
    /// Not found if it has neither; unavailable if the store is.
    pub async fn unassign(&self, subject: &Subject) -> Result<(), EngineError> {
        self.grant(subject, |_, grants| {
            if grants.group.take().is_none() & grants.exempt.take().is_none() {
                return Err(EngineError::NotFound(format!(
                    "{subject} has neither a group nor an exemption of its own"
                )));
            }
            Ok(())
        })
        .await
    }

    /// Gives `subject` a limit of its own.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn set_override(
        &self,
        subject: &Subject,
        resource: &Resource,
        limit: Grant<Limit>,
    ) -> Result<(), EngineError> {
        self.grant(subject, |_, grants| {
            grants.overrides.insert(resource.clone(), limit.clone());
            Ok(())
        })
        .await
    }

    /// Gives `subject` a size of one upload of its own; none inside lifts it.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn set_max_upload(
        &self,
        subject: &Subject,
        size: Grant<Option<Amount>>,
    ) -> Result<(), EngineError> {
        self.grant(subject, |_, grants| {
            grants.max_upload_bytes = Some(size.clone());
            Ok(())
        })
        .await
    }

    /// Takes the overrides called `names` from `subject`; without names, all of them.
    ///
    /// # Errors
    /// Not found if there is none of that name; unavailable if the store is.
    pub async fn remove_overrides(
        &self,
        subject: &Subject,
        names: &[String],
    ) -> Result<(), EngineError> {
        self.grant(subject, |_, grants| {
            let before = (grants.overrides.len(), grants.max_upload_bytes.is_some());
            let named = |name: &str| names.is_empty() || names.iter().any(|other| other == name);
            grants.overrides.retain(|resource, _| !named(resource.as_str()));
            if named("max_upload_bytes") {
                grants.max_upload_bytes = None;
            }
            if before == (grants.overrides.len(), grants.max_upload_bytes.is_some()) {
                return Err(EngineError::NotFound(format!(
                    "{subject} has no override{}{}",
                    if names.is_empty() { "" } else { " of " },
                    names.join(" or ")
                )));
            }
            Ok(())
        })
        .await
    }

    /// Returns what binds `subject`.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn subject(&self, subject: &Subject) -> Result<SubjectView, EngineError> {
        self.refresh().await?;
        let (snapshot, grants) = self.grants(subject).await?;
        let terms = snapshot.policy.terms(subject, &grants, self.now());
        let group = terms.group().map(ToString::to_string);
        Ok(SubjectView { subject: subject.clone(), grants: grants.as_ref().clone(), group })
    }

    /// Returns those who have something of their own, by name, a page at a time.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn subjects_with_grants(
        &self,
        page: Page,
    ) -> Result<Vec<(Subject, Grants)>, EngineError> {
        Ok(self.0.store.all_grants(page).await?)
    }

    /// Changes the store layer; again, on the new state, if someone else was faster.
    async fn edit(
        &self,
        change: impl Fn(&Policy, &mut Layer) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let snapshot = self.refresh().await?;
            let mut layer = snapshot.policy.store.clone();
            change(&snapshot.policy, &mut layer)?;
            let seen = snapshot.policy.version;
            match self.0.store.write_layer(LayerKind::Store, layer, seen).await {
                Ok(_) => return Ok(()),
                Err(crate::store::StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(busy())
    }

    /// Changes what `subject` has of its own; again, on the new state, if someone else was faster.
    async fn grant(
        &self,
        subject: &Subject,
        change: impl Fn(&Policy, &mut Grants) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            self.refresh().await?;
            let (snapshot, grants) = self.grants(subject).await?;
            let mut grants = grants.as_ref().clone();
            change(&snapshot.policy, &mut grants)?;
            let seen = snapshot.policy.version;
            match self.0.store.write_grants(subject, grants, seen).await {
                Ok(_) => return Ok(()),
                Err(crate::store::StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(busy())
    }
}

fn not_in_file(in_file: bool, what: &str, name: &str) -> Result<(), EngineError> {
    if in_file {
        return Err(EngineError::Conflict(format!(
            "{what} \"{name}\" is declared in the configuration file: change it there"
        )));
    }
    Ok(())
}

/// Says that there is no such group; suggests the nearest.
fn no_group(policy: &Policy, name: &str) -> EngineError {
    not_found_near("group", name, policy.groups().into_keys())
}

fn not_found_near<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> EngineError {
    let hint = nearest(name, known);
    EngineError::NotFound(format!("there is no {what} \"{name}\"{hint}"))
}

fn busy() -> EngineError {
    EngineError::Conflict("the policy keeps being changed by others: try again".to_owned())
}

/// A group of nothing but limits; for those who build a policy in code.
impl From<BTreeMap<Resource, Limit>> for Group {
    fn from(limits: BTreeMap<Resource, Limit>) -> Self {
        Self { limits, ..Self::default() }
    }
}
