//! What one subject has of its own: a group, an exemption, overrides.

use std::collections::BTreeMap;

use super::{SubjectView, no_group};
use crate::clock::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::quota::grant::{Grant, note};
use crate::quota::{Amount, Grants, Invalid, Limit, Policy, Resource, Subject};
use crate::store::Page;

/// A change of what one subject has in place of its group's limits: what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct OverrideChange {
    /// New limits.
    pub limits: BTreeMap<Resource, Limit>,
    /// A new size of one upload; `Some(None)` means any size.
    pub max_upload_bytes: Option<Option<Amount>>,
    /// The first moment all of this no longer holds; none if it stays.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub note: Option<String>,
}

impl OverrideChange {
    fn given<T>(&self, what: T) -> Grant<T> {
        Grant { what, until: self.until, note: self.note.clone() }
    }

    /// Returns its limits, if they make sense under `policy`.
    pub(super) fn overrides(
        &self,
        policy: &Policy,
    ) -> Result<BTreeMap<Resource, Grant<Limit>>, Invalid> {
        let each = self.limits.iter().map(|(resource, limit)| {
            let resource = policy.resource(resource.as_str())?;
            let wrong = |error| Invalid::new(format!("{resource}: {error}"));
            limit.is_one_s_own().map_err(wrong)?;
            Ok((resource.clone(), self.given(limit.clone())))
        });
        each.collect()
    }

    /// Returns the size of one upload, if it names one.
    pub(super) fn size(&self) -> Option<Grant<Option<Amount>>> {
        self.max_upload_bytes.map(|size| self.given(size))
    }
}

impl Engine {
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

    /// Gives `subject` limits of its own: all of `change`, or none of it.
    ///
    /// # Errors
    /// Bad input for a resource that is not declared, for windows that are shared (those belong
    /// to groups), and for a note that is not one line; unavailable if the store is.
    pub async fn set_overrides(
        &self,
        subject: &Subject,
        change: &OverrideChange,
    ) -> Result<(), EngineError> {
        change.note.as_deref().map(note).transpose()?;
        self.grant(subject, |policy, grants| {
            grants.overrides.extend(change.overrides(policy)?);
            grants.max_upload_bytes = change.size().or(grants.max_upload_bytes.take());
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
}
