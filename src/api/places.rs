//! Places: what one subject has of its own, as it is told.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::{Timestamp, exact};
use crate::quota::grant::Grant;
use crate::quota::{Amount, Grants, Limit, Policy, Resource, Subject};

/// The name of the setting that is no resource: the size of one upload.
const SIZE: &str = "max_upload_bytes";

/// The place of one subject.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Place {
    pub(super) subject: Subject,
    /// The group it is in now.
    #[schema(example = "patron")]
    group: Option<String>,
    /// Why: `group`, `rule` or `default`.
    #[schema(example = "group")]
    by: Option<String>,
    /// The first moment it is no longer in it, if it was put in it until then.
    #[serde(serialize_with = "exact::optional")]
    until: Option<Timestamp>,
    /// The group it was put in, though that may have ended, or be declared nowhere.
    assigned: Option<Assigned>,
    /// Every limit of it is lifted now.
    exempt: bool,
    /// The first moment that no longer holds.
    #[serde(serialize_with = "exact::optional")]
    exempt_until: Option<Timestamp>,
    /// Limits in place of its group's, by resource; and `max_upload_bytes`.
    overrides: BTreeMap<String, Override>,
    /// Additions to its limits, by resource.
    boosts: BTreeMap<Resource, Vec<Boost>>,
}

/// A group that a subject was put in.
#[derive(Debug, Serialize, ToSchema)]
struct Assigned {
    group: String,
    /// The first moment it no longer holds.
    #[serde(serialize_with = "exact::optional")]
    until: Option<Timestamp>,
    note: Option<String>,
}

/// A limit in place of the group's.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Override {
    limit: What,
    /// The first moment it no longer holds.
    #[serde(serialize_with = "exact::optional")]
    until: Option<Timestamp>,
    /// Why, for people.
    note: Option<String>,
}

/// What stands in an override.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = OverriddenLimit)]
enum What {
    Limit(Limit),
    /// The size of one upload; null means any size.
    Size(Option<Amount>),
}

/// An addition to limits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Boost {
    amount: Amount,
    /// The first moment it no longer holds.
    #[serde(serialize_with = "exact::optional")]
    until: Option<Timestamp>,
    /// Why, for people.
    note: Option<String>,
}

/// The limits that one subject has of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Overrides {
    subject: Subject,
    overrides: BTreeMap<String, Override>,
}

/// The boosts of one subject.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Boosts {
    subject: Subject,
    boosts: BTreeMap<Resource, Vec<Boost>>,
}

impl Place {
    /// Returns the place that `grants` and `policy` give `subject` at `now`.
    pub(super) fn of(policy: &Policy, subject: &Subject, grants: &Grants, now: Timestamp) -> Self {
        let told = policy.terms(subject, grants, now).group().map(ToString::to_string);
        let (by, group) = told.as_deref().and_then(|told| told.split_once(' ')).unzip();
        let assigned = grants.group.as_ref();
        let exempt = grants.exempt.as_ref().filter(|grant| grant.live(now).is_some());
        Self {
            subject: subject.clone(),
            group: group.map(str::to_owned),
            by: by.map(str::to_owned),
            until: assigned.filter(|_| by == Some("group")).and_then(|grant| grant.until),
            assigned: assigned.map(|Grant { what, until, note }| Assigned {
                group: what.clone(),
                until: *until,
                note: note.clone(),
            }),
            exempt: exempt.is_some(),
            exempt_until: exempt.and_then(|grant| grant.until),
            overrides: overrides(grants),
            boosts: boosts(grants),
        }
    }
}

impl Overrides {
    /// Returns those in `grants`.
    pub(super) fn of(subject: &Subject, grants: &Grants) -> Self {
        Self { subject: subject.clone(), overrides: overrides(grants) }
    }
}

impl Boosts {
    /// Returns those in `grants`.
    pub(super) fn of(subject: &Subject, grants: &Grants) -> Self {
        Self { subject: subject.clone(), boosts: boosts(grants) }
    }
}

/// Returns whether there are overrides among `grants`.
pub(super) fn overrides_any(grants: &Grants) -> bool {
    !grants.overrides.is_empty() || grants.max_upload_bytes.is_some()
}

/// Returns whether there are boosts among `grants`.
pub(super) fn boosts_any(grants: &Grants) -> bool {
    grants.boosts.values().any(|boosts| !boosts.is_empty())
}

fn overrides(grants: &Grants) -> BTreeMap<String, Override> {
    let limits = grants.overrides.iter();
    let limits = limits
        .map(|(name, grant)| (name.to_string(), given(grant, What::Limit(grant.what.clone()))));
    let size = grants.max_upload_bytes.as_ref();
    let size = size.map(|grant| (SIZE.to_owned(), given(grant, What::Size(grant.what))));
    limits.chain(size).collect()
}

fn given<T>(grant: &Grant<T>, limit: What) -> Override {
    Override { limit, until: grant.until, note: grant.note.clone() }
}

fn boosts(grants: &Grants) -> BTreeMap<Resource, Vec<Boost>> {
    let boost = |Grant { what, until, note }: &Grant<Amount>| Boost {
        amount: *what,
        until: *until,
        note: note.clone(),
    };
    let each = grants.boosts.iter().filter(|(_, boosts)| !boosts.is_empty());
    each.map(|(name, boosts)| (name.clone(), boosts.iter().map(boost).collect())).collect()
}
