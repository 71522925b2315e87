//! declare: change the policy, each change made again if someone else was faster.

mod boost;
mod layer;
mod missing;
mod put;
mod resource;
mod subject;

use std::collections::BTreeMap;

pub use boost::BoostChange;
pub use missing::{Members, MissingGroup, NeededBy};
pub use put::PlaceChange;
pub use resource::{DeclaredBy, DeclaredResource};
pub use subject::OverrideChange;

use super::known::TRIES;
use super::{Engine, EngineError};
use crate::quota::nearest;
use crate::quota::{
    Amount, Grants, Group, Layer, Limit, Policy, PolicyVersion, Resource, Subject, Zone,
};
use crate::store::{LayerKind, StoreError};

/// A change of one group: what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// New limits.
    pub limits: BTreeMap<Resource, Limit>,
    /// A new size of one upload; `Some(None)` lifts it.
    pub max_upload_bytes: Option<Option<Amount>>,
    /// The group whose limits hold where this one names none; `Some(None)` means no group.
    pub extends: Option<Option<String>>,
    /// The zone in which its days begin; `Some(None)` means the policy's.
    pub timezone: Option<Option<Zone>>,
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
        declared_group(&policy, name).cloned()
    }

    /// Replaces the file layer of the policy, in one step.
    ///
    /// # Errors
    /// Bad input for what is no name, and for groups that extend each other in a circle;
    /// unavailable if the store is.
    pub async fn apply_file(&self, layer: &Layer) -> Result<PolicyVersion, EngineError> {
        for _ in 0..TRIES {
            let snapshot = self.refresh().await?;
            let written = self.write(LayerKind::File, layer.clone(), &snapshot.policy).await?;
            if let Some(version) = written {
                return Ok(version);
            }
        }
        Err(EngineError::outrun())
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
            if self.write(LayerKind::Store, layer, &snapshot.policy).await?.is_some() {
                return Ok(());
            }
        }
        Err(EngineError::outrun())
    }

    /// Writes a layer in place of its former self in `seen`; none if someone else was faster.
    /// Nothing gets into the store but by this, so here is where names are looked at.
    async fn write(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: &Policy,
    ) -> Result<Option<PolicyVersion>, EngineError> {
        layer.consistent()?;
        with_layer(seen, kind, &layer).has_no_circle()?;
        match self.0.store.write_layer(kind, layer, seen.version).await {
            Ok(version) => {
                // Whoever changed it goes by it at once.
                self.refresh().await?;
                Ok(Some(version))
            }
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
        Err(EngineError::outrun())
    }
}

/// Returns `policy` as it is with `layer` in it.
fn with_layer(policy: &Policy, kind: LayerKind, layer: &Layer) -> Policy {
    let (version, layer) = (policy.version, layer.clone());
    match kind {
        LayerKind::File => Policy { version, file: layer, store: policy.store.clone() },
        LayerKind::Store => Policy { version, file: policy.file.clone(), store: layer },
    }
}

/// Refuses to change what the file layer of `policy` declares, and names the file.
fn not_in_file(policy: &Policy, in_file: bool, what: &str, name: &str) -> Result<(), EngineError> {
    if in_file {
        let file = policy.file.origin.as_deref().unwrap_or("the configuration file");
        return Err(EngineError::Conflict(format!(
            "{what} \"{name}\" is declared in {file}: change it there"
        )));
    }
    Ok(())
}

/// Returns the group `name` of `policy`.
///
/// # Errors
/// Not found; suggests the nearest.
pub fn declared_group<'a>(policy: &'a Policy, name: &str) -> Result<&'a Group, EngineError> {
    policy.group(name).ok_or_else(|| no_group(policy, name))
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

/// A group of nothing but limits; for those who build a policy in code.
impl From<BTreeMap<Resource, Limit>> for Group {
    fn from(limits: BTreeMap<Resource, Limit>) -> Self {
        Self { limits, ..Self::default() }
    }
}
