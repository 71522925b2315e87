//! How resources are counted that are not plain sums.

use serde::{Deserialize, Serialize};

use super::{not_found_near, not_in_file};
use crate::engine::{Engine, EngineError};
use crate::quota::{Measure, Policy, Resource};

/// A resource that can be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct DeclaredResource {
    /// Its name.
    pub resource: Resource,
    /// How it is counted.
    #[serde(flatten)]
    pub measure: Measure,
    /// What declares it.
    #[serde(rename = "from")]
    pub declared_by: DeclaredBy,
}

/// What declares a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeclaredBy {
    /// The configuration file says how it is counted.
    File,
    /// The store does.
    Store,
    /// A group or a capability names it; it is counted as its name says.
    Name,
}

impl DeclaredBy {
    fn of(policy: &Policy, resource: &Resource) -> Self {
        if policy.file.resources.contains_key(resource) {
            Self::File
        } else if policy.store.resources.contains_key(resource) {
            Self::Store
        } else {
            Self::Name
        }
    }

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Store => "store",
            Self::Name => "name",
        }
    }
}

impl DeclaredResource {
    /// Returns every resource that `policy` declares, by name.
    #[must_use]
    pub fn all(policy: &Policy) -> Vec<Self> {
        let declared = |resource: &Resource| Self {
            resource: resource.clone(),
            measure: policy.measure(resource),
            declared_by: DeclaredBy::of(policy, resource),
        };
        policy.resources().into_iter().map(declared).collect()
    }
}

impl Engine {
    /// Says how `resource` is counted, and thereby declares it. What the ledger holds of it is
    /// counted anew.
    ///
    /// # Errors
    /// Bad input for a measure that contradicts itself; conflict if the file declares it;
    /// unavailable if the store is.
    pub async fn set_resource(
        &self,
        resource: &Resource,
        measure: &Measure,
    ) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            let in_file = policy.file.resources.contains_key(resource);
            not_in_file(policy, in_file, "resource", resource.as_str())?;
            layer.resources.insert(resource.clone(), measure.clone());
            Ok(())
        })
        .await
    }

    /// Takes back how `resource` is counted: named by a group or capability it is a sum again,
    /// otherwise it is no longer declared. The ledger keeps what was used.
    ///
    /// # Errors
    /// Not found; conflict if the file declares it; unavailable if the store is.
    pub async fn remove_resource(&self, resource: &Resource) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            let in_file = policy.file.resources.contains_key(resource);
            not_in_file(policy, in_file, "resource", resource.as_str())?;
            if layer.resources.remove(resource).is_some() {
                return Ok(());
            }
            if policy.resource(resource.as_str()).is_ok() {
                return Err(EngineError::NotFound(format!(
                    "resource \"{resource}\" is counted as its name says: it is gone when no group and no capability names it"
                )));
            }
            let known = layer.resources.keys().map(Resource::as_str);
            Err(not_found_near("resource", resource.as_str(), known))
        })
        .await
    }

    /// Returns every declared resource by name, how it is counted, and what says so.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn resources_declared(&self) -> Result<Vec<DeclaredResource>, EngineError> {
        Ok(DeclaredResource::all(&self.refresh().await?.policy))
    }
}
