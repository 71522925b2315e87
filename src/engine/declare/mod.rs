//! declare: change the policy, each change made again if someone else was faster.

mod layer;
mod missing;
mod subject;

use std::collections::BTreeMap;

pub use missing::{Members, MissingGroup, NeededBy};
pub use subject::OverrideChange;

use super::{Engine, EngineError};
use crate::quota::nearest;
use crate::quota::{Amount, Grants, Group, Layer, Limit, Policy, PolicyVersion, Resource, Subject};
use crate::store::{LayerKind, StoreError};

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
    /// Bad input for what is no name; unavailable if the store is.
    pub async fn apply_file(&self, layer: &Layer) -> Result<PolicyVersion, EngineError> {
        for _ in 0..TRIES {
            let seen = self.refresh().await?.policy.version;
            if let Some(version) = self.write(LayerKind::File, layer.clone(), seen).await? {
                return Ok(version);
            }
        }
        Err(busy())
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
            if self.write(LayerKind::Store, layer, seen).await?.is_some() {
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Writes a layer; none if someone else was faster. Nothing gets into the store but by this,
    /// so here is where names are looked at.
    async fn write(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<Option<PolicyVersion>, EngineError> {
        layer.consistent()?;
        match self.0.store.write_layer(kind, layer, seen).await {
            Ok(version) => Ok(Some(version)),
            Err(StoreError::Conflict(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
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
                Err(StoreError::Conflict(_)) => {}
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
