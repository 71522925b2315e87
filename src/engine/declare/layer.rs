//! What binds many: groups, capabilities, rules.

use super::missing::members;
use super::{GroupChange, no_group, not_found_near, not_in_file};
use crate::engine::known::TRIES;
use crate::engine::{Engine, EngineError};
use crate::quota::capability::UPLOAD;
use crate::quota::policy::Rule;
use crate::quota::{Capability, Layer, Policy};
use crate::store::LayerKind;

impl Engine {
    /// Makes or changes the group `name`.
    ///
    /// # Errors
    /// Bad input for what is no name, and if it would extend itself; not found for an unknown
    /// group to extend; conflict if the file declares it; unavailable if the store is.
    pub async fn set_group(&self, name: &str, change: &GroupChange) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            not_in_file(policy, policy.file.groups.contains_key(name), "group", name)?;
            let group = layer.groups.entry(name.to_owned()).or_default();
            group.limits.extend(change.limits.clone());
            if let Some(size) = change.max_upload_bytes {
                group.max_upload_bytes = size;
            }
            if let Some(base) = &change.extends {
                let unknown = |base: &&String| *base != name && policy.group(base).is_none();
                if let Some(base) = base.as_ref().filter(unknown) {
                    return Err(no_group(policy, base));
                }
                group.extends.clone_from(base);
            }
            if let Some(zone) = &change.timezone {
                group.timezone.clone_from(zone);
            }
            if change.default {
                not_in_file(
                    policy,
                    policy.file.default_group.is_some(),
                    "setting",
                    "default_group",
                )?;
                layer.default_group = Some(name.to_owned());
            }
            Ok(())
        })
        .await
    }

    /// Removes the group `name`.
    ///
    /// # Errors
    /// Not found; conflict if the file declares it, or the default, a rule, a group that extends it
    /// or a subject needs it; unavailable if the store is.
    pub async fn remove_group(&self, name: &str) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let (snapshot, everyone) = self.everyone().await?;
            let policy = &snapshot.policy;
            let layer = without_group(policy, name)?;
            // Whoever is put into it from here on changes the version, so that the write fails.
            let members = members(everyone, self.now()).remove(name).unwrap_or_default();
            if members.count > 0 {
                return Err(EngineError::Conflict(format!(
                    "group \"{name}\" is that of {members}: put them into another group first"
                )));
            }
            if self.write(LayerKind::Store, layer, policy).await?.is_some() {
                return Ok(());
            }
        }
        Err(EngineError::outrun())
    }

    /// Makes or replaces the capability `name`.
    ///
    /// # Errors
    /// Bad input for what is no name; conflict if the file declares it; unavailable if the store is.
    pub async fn set_capability(
        &self,
        name: &str,
        capability: Capability,
    ) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            not_in_file(policy, policy.file.capabilities.contains_key(name), "capability", name)?;
            layer.capabilities.insert(name.to_owned(), capability.clone());
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
            not_in_file(policy, policy.file.capabilities.contains_key(name), "capability", name)?;
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
    /// Not found for an unknown group; conflict if the file declares the pattern; unavailable if
    /// the store is.
    pub async fn add_rule(&self, rule: &Rule) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            let declared = policy.file.rules.iter().any(|other| other.pattern == rule.pattern);
            not_in_file(policy, declared, "rule", rule.pattern.as_str())?;
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
            let with = |rule: &Rule| rule.pattern.as_str() == pattern;
            let before = layer.rules.len();
            layer.rules.retain(|rule| !with(rule));
            if layer.rules.len() == before {
                not_in_file(policy, policy.file.rules.iter().any(with), "rule", pattern)?;
                let known = layer.rules.iter().map(|rule| rule.pattern.as_str());
                return Err(not_found_near("rule", pattern, known));
            }
            Ok(())
        })
        .await
    }
}

/// Returns the store layer without the group `name`, unless others need it.
fn without_group(policy: &Policy, name: &str) -> Result<Layer, EngineError> {
    not_in_file(policy, policy.file.groups.contains_key(name), "group", name)?;
    let mut layer = policy.store.clone();
    layer.groups.remove(name).ok_or_else(|| no_group(policy, name))?;
    // Also one that the file shadows: it counts again when the file says nothing any more.
    let defaults = [&policy.file.default_group, &policy.store.default_group];
    if defaults.into_iter().flatten().any(|default| default == name) {
        return Err(EngineError::Conflict(format!(
            "group \"{name}\" is the default group: make another one the default first"
        )));
    }
    if policy.rules().any(|rule| rule.group == name) {
        return Err(EngineError::Conflict(format!(
            "a rule puts subjects into group \"{name}\": remove the rule first"
        )));
    }
    let mut groups = policy.file.groups.iter().chain(&layer.groups);
    if let Some((other, _)) = groups.find(|(_, group)| group.extends.as_deref() == Some(name)) {
        return Err(EngineError::Conflict(format!(
            "group \"{other}\" extends group \"{name}\": let it extend another one, or none, first"
        )));
    }
    Ok(layer)
}
