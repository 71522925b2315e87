//! Additions to one subject's limits.

use std::collections::BTreeMap;

use super::put::adds;
use crate::clock::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::quota::grant::{Grant, note};
use crate::quota::{Amount, Grants, Policy, Resource, Subject};

/// An addition to the limits of one subject, beside those it has.
#[derive(Clone, Debug, Default)]
pub struct BoostChange {
    /// How much more of which resource, in every window of its own; above zero.
    pub amounts: BTreeMap<Resource, Amount>,
    /// The first moment it no longer holds; none if it stays.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub note: Option<String>,
}

impl BoostChange {
    /// Adds them to those that are there.
    pub(super) fn add_to(&self, policy: &Policy, grants: &mut Grants) -> Result<(), EngineError> {
        for (resource, amount) in &self.amounts {
            let resource = policy.resource(resource.as_str())?;
            adds(resource, *amount)?;
            let boost = Grant { what: *amount, until: self.until, note: self.note.clone() };
            grants.boosts.entry(resource.clone()).or_default().push(boost);
        }
        Ok(())
    }
}

impl Engine {
    /// Adds boosts to those that `subject` has: all of `change`, or none of it.
    ///
    /// # Errors
    /// Bad input for a resource that is not declared, an amount that is not above zero, and a
    /// note that is not one line; unavailable if the store is.
    pub async fn add_boosts(
        &self,
        subject: &Subject,
        change: &BoostChange,
    ) -> Result<(), EngineError> {
        change.note.as_deref().map(note).transpose()?;
        self.grant(subject, |policy, grants| change.add_to(policy, grants)).await
    }

    /// Takes boosts of `resource` from `subject`, or of every resource if none is named: all of
    /// them, or only the one with this `number`, counted from 1 in the order they were added.
    ///
    /// # Errors
    /// Not found if there is none such; unavailable if the store is.
    pub async fn remove_boosts(
        &self,
        subject: &Subject,
        resource: Option<&str>,
        number: Option<usize>,
    ) -> Result<(), EngineError> {
        self.grant(subject, |_, grants| {
            let mut removed = false;
            let named = |name: &Resource| resource.is_none_or(|only| only == name.as_str());
            for (_, boosts) in grants.boosts.iter_mut().filter(|(name, _)| named(name)) {
                let before = boosts.len();
                let mut place = 0;
                boosts.retain(|_| {
                    place += 1;
                    number.is_some_and(|number| number != place)
                });
                removed |= boosts.len() < before;
            }
            grants.boosts.retain(|_, boosts| !boosts.is_empty());
            if removed {
                return Ok(());
            }
            let number = number.map(|number| format!(" number {number}")).unwrap_or_default();
            let of = resource.map(|name| format!(" of {name}")).unwrap_or_default();
            Err(EngineError::NotFound(format!("{subject} has no boost{number}{of}")))
        })
        .await
    }
}
