//! Parts: what a group says, and what a policy is, read as a document says them.

use std::collections::BTreeMap;

use super::document::Document;
use super::draft::Draft;
use super::read::{self, read};
use super::tree::Tree;
use crate::engine::{Engine, EngineError, GroupChange, OverrideChange};
use crate::quota::{Group, Layer, Policy};

impl Engine {
    /// Reads what a group says: `{"media_bytes": "500MB/month", "max_upload_bytes": "20MB"}`.
    ///
    /// # Errors
    /// Bad input: the first thing that is wrong, and where it stands; unavailable if the store is.
    pub async fn read_group(&self, tree: &Tree) -> Result<Group, EngineError> {
        Ok(read::terms(tree, &self.policy().await?)?.0)
    }

    /// Reads the same as a change: what it does not say stays; null takes `extends` and `timezone`
    /// away.
    ///
    /// # Errors
    /// As [`Engine::read_group`].
    pub async fn read_group_change(&self, tree: &Tree) -> Result<GroupChange, EngineError> {
        let is_taken = |key: &str| tree.at(key) == Some(&Tree::Null);
        let (no_extends, no_timezone) = (is_taken("extends"), is_taken("timezone"));
        let (group, lifts) = read::terms(&without_taken(tree), &self.policy().await?)?;
        let Group { extends, limits, max_upload_bytes, timezone } = group;
        Ok(GroupChange {
            limits,
            max_upload_bytes: max_upload_bytes.map(Some).or(lifts.then_some(None)),
            extends: extends.map(Some).or(no_extends.then_some(None)),
            timezone: timezone.map(Some).or(no_timezone.then_some(None)),
            default: false,
        })
    }

    /// Reads the limits of an override, which are those of a group without its settings.
    ///
    /// # Errors
    /// As [`Engine::read_group`].
    pub async fn read_overrides(&self, tree: &Tree) -> Result<OverrideChange, EngineError> {
        let (group, lifts) = read::terms(tree, &self.policy().await?)?;
        let Group { extends, limits, max_upload_bytes, timezone } = group;
        if extends.is_some() || timezone.is_some() {
            let text = "extends and timezone are settings of a group: leave them out".to_owned();
            return Err(EngineError::BadInput(text));
        }
        if limits.is_empty() && max_upload_bytes.is_none() && !lifts {
            let text = "limits names nothing: write {\"media_bytes\": \"1GB/month\"}".to_owned();
            return Err(EngineError::BadInput(text));
        }
        let max_upload_bytes = max_upload_bytes.map(Some).or(lifts.then_some(None));
        Ok(OverrideChange { limits, max_upload_bytes, until: None, note: None })
    }
}

/// Returns what a change says beside the settings that it takes away.
fn without_taken(tree: &Tree) -> Tree {
    let Tree::Table(entries) = tree else { return tree.clone() };
    let is_setting = |name: &str| matches!(name, "extends" | "timezone");
    let entries = entries.iter().filter(|(name, it)| *it != Tree::Null || !is_setting(name));
    Tree::Table(entries.cloned().collect())
}

impl Draft {
    /// Returns the policy that it is on its own, which [`Engine::simulate`] takes.
    ///
    /// # Errors
    /// Bad input: the first thing that is wrong, and if it says anything of subjects or events.
    pub fn policy(&self) -> Result<Layer, EngineError> {
        let Document { layer, grants, ledger } = read(self, &Policy::default())?.document;
        if grants != BTreeMap::new() || ledger.is_some() {
            return Err(EngineError::BadInput(
                "a policy to be tried says nothing of single subjects and events: leave them out"
                    .to_owned(),
            ));
        }
        layer.consistent()?;
        Ok(layer)
    }
}
