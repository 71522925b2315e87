//! put: what is there becomes what is said, whole; and changes of a place, part by part.

use super::{no_group, not_in_file};
use crate::clock::Timestamp;
use crate::engine::{BoostChange, Engine, EngineError, OverrideChange};
use crate::quota::grant::{Grant, note};
use crate::quota::{Amount, Grants, Group, Invalid, Subject};

/// A change of the place of one subject: what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceChange {
    /// The group it is put in; `Some(None)` takes it out.
    pub group: Option<Option<String>>,
    /// Whether every limit of it is lifted.
    pub exempt: Option<bool>,
    /// The first moment that what is given here no longer holds; none if it stays.
    pub until: Option<Timestamp>,
}

impl Engine {
    /// Makes the group `name` what `group` says and nothing else; `default` says whether it is the
    /// group of everyone who is in no other, none leaves that as it is.
    ///
    /// # Errors
    /// As [`Engine::set_group`].
    pub async fn put_group(
        &self,
        name: &str,
        group: &Group,
        default: Option<bool>,
    ) -> Result<(), EngineError> {
        self.edit(|policy, layer| {
            not_in_file(policy, policy.file.groups.contains_key(name), "group", name)?;
            let unknown = |base: &&String| *base != name && policy.group(base).is_none();
            if let Some(base) = group.extends.as_ref().filter(unknown) {
                return Err(no_group(policy, base));
            }
            layer.groups.insert(name.to_owned(), group.clone());
            let is_default = policy.default_group() == Some(name);
            if default.is_some_and(|default| default != is_default) {
                let in_file = policy.file.default_group.is_some();
                not_in_file(policy, in_file, "setting", "default_group")?;
                layer.default_group = (!is_default).then(|| name.to_owned());
            }
            Ok(())
        })
        .await
    }

    /// Changes the place of `subject`: all of `change`, or none of it.
    ///
    /// # Errors
    /// Not found for an unknown group; unavailable if the store is.
    pub async fn place(&self, subject: &Subject, change: &PlaceChange) -> Result<(), EngineError> {
        self.grant(subject, |policy, grants| {
            let until = change.until;
            match &change.group {
                None => {}
                Some(None) => grants.group = None,
                Some(Some(group)) => {
                    policy.group(group).ok_or_else(|| no_group(policy, group))?;
                    grants.group = Some(Grant { what: group.clone(), until, note: None });
                }
            }
            if let Some(exempt) = change.exempt {
                grants.exempt = exempt.then_some(Grant { what: (), until, note: None });
            }
            Ok(())
        })
        .await
    }

    /// Makes the limits that `subject` has of its own those of `change` and no others.
    ///
    /// # Errors
    /// As [`Engine::set_overrides`].
    pub async fn put_overrides(
        &self,
        subject: &Subject,
        change: &OverrideChange,
    ) -> Result<(), EngineError> {
        change.note.as_deref().map(note).transpose()?;
        self.grant(subject, |policy, grants| {
            *grants = Grants {
                overrides: change.overrides(policy)?,
                max_upload_bytes: change.size(),
                ..grants.clone()
            };
            Ok(())
        })
        .await
    }

    /// Makes the boosts of `subject` those of `change` and no others.
    ///
    /// # Errors
    /// As [`Engine::add_boosts`].
    pub async fn put_boosts(
        &self,
        subject: &Subject,
        change: &BoostChange,
    ) -> Result<(), EngineError> {
        change.note.as_deref().map(note).transpose()?;
        self.grant(subject, |policy, grants| {
            grants.boosts.clear();
            change.add_to(policy, grants)
        })
        .await
    }

    /// Refuses a date that has passed: what is given until then would take away what was there,
    /// and never be in force.
    ///
    /// # Errors
    /// Bad input if it has.
    pub fn refuse_past(&self, until: Option<Timestamp>) -> Result<(), EngineError> {
        match until.filter(|end| *end <= self.now()) {
            Some(end) => Err(Invalid::new(format!("{end} has passed: write a later one")).into()),
            None => Ok(()),
        }
    }
}

/// Returns an error unless `amount` adds something.
pub(super) fn adds(resource: &impl std::fmt::Display, amount: Amount) -> Result<(), Invalid> {
    if amount > Amount::ZERO {
        return Ok(());
    }
    Err(Invalid::new(format!("a boost of {resource} adds something: write an amount above zero")))
}
