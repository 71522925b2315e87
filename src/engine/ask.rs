//! Ask: what an action wants.

use std::sync::Arc;

use crate::quota::capability::UPLOAD;
use crate::quota::event::member;
use crate::quota::policy::{Source, Terms};
use crate::quota::{Aggregate, Amount, Invalid, Limit, Policy, Resource};

/// What an action wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To do what `capability` names, with so many bytes; without a number: one unit.
    Capability {
        /// Its name.
        name: String,
        /// The size of the action; none asks for one unit of each resource.
        amount: Option<Amount>,
    },
    /// So much of one resource.
    Resource {
        /// The resource.
        resource: Resource,
        /// How much.
        amount: Amount,
    },
    /// So much of each of several resources, or nothing.
    Items(Vec<(Resource, Amount)>),
    /// One more member of a resource that counts different ones.
    Member {
        /// The resource.
        resource: Resource,
        /// Which one.
        member: Arc<str>,
    },
    /// The same under a limit that the caller brings, in place of the subject's own; pools hold
    /// all the same.
    Within {
        /// What is wanted, of one resource.
        ask: Box<Ask>,
        /// The limit.
        limit: Limit,
    },
    /// So much more for what was granted before.
    Addition {
        /// What was granted.
        to: Box<Ask>,
        /// How much more.
        more: Amount,
    },
}

/// What is asked of one resource.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) resource: Resource,
    pub(super) amount: Amount,
    pub(super) member: Option<Arc<str>>,
    /// It is charged by what the action turns out to be.
    pub(super) metered: bool,
}

impl Ask {
    /// Returns the question whether `bytes` more may be uploaded.
    #[must_use]
    pub fn upload(bytes: Amount) -> Self {
        Self::Capability { name: UPLOAD.to_owned(), amount: Some(bytes) }
    }

    /// Returns the question for `amount` of `resource`, which adds up as `aggregate`, or for one
    /// `member` of it where different ones are counted.
    pub(super) fn one(
        resource: Resource,
        aggregate: Aggregate,
        amount: Amount,
        which: Option<&str>,
    ) -> Result<Self, Invalid> {
        match (aggregate, which) {
            (Aggregate::Unique, Some(which)) => {
                Ok(Self::Member { resource, member: member(which)? })
            }
            (Aggregate::Unique, None) => Err(Invalid::new(format!(
                "{resource} counts different members: say which one, not how many"
            ))),
            (aggregate, Some(_)) => Err(has_no_members(&resource, aggregate)),
            (_, None) => Ok(Self::Resource { resource, amount }),
        }
    }

    /// Returns the same question under `limit`, if there is one.
    #[must_use]
    pub fn within(self, limit: Option<Limit>) -> Self {
        match limit {
            Some(limit) => Self::Within { ask: Box::new(self), limit },
            None => self,
        }
    }

    /// Returns what it asks of each resource.
    pub(super) fn items(&self, policy: &Policy) -> Result<Vec<Wanted>, Invalid> {
        let plain = |resource: &Resource, amount| Wanted {
            resource: resource.clone(),
            amount,
            member: None,
            metered: true,
        };
        match self {
            Self::Resource { resource, amount } => Ok(vec![plain(resource, *amount)]),
            Self::Member { resource, member } => {
                let aggregate = policy.measure(resource).aggregate;
                if aggregate != Aggregate::Unique {
                    return Err(has_no_members(resource, aggregate));
                }
                let member = Some(member.clone());
                Ok(vec![Wanted { member, ..plain(resource, Amount::ONE) }])
            }
            Self::Items(items) => {
                distinct(items)?;
                let all = items.iter().map(|(resource, amount)| plain(resource, *amount));
                Ok(by_bytes(policy, all.collect()))
            }
            Self::Capability { name, amount } => {
                let asked = amount.unwrap_or(Amount::ONE);
                let resources = policy.capability(name)?.resources().iter();
                let all = resources
                    .map(|resource| plain(resource, policy.measure(resource).share_of(asked)));
                Ok(by_bytes(policy, all.collect()))
            }
            Self::Within { ask, limit } => {
                limit.is_one_s_own()?;
                let items = ask.items(policy)?;
                if items.len() > 1 {
                    return Err(Invalid::new(
                        "a limit given with the call is for one resource: ask for one, not for several",
                    ));
                }
                Ok(items)
            }
            Self::Addition { to, more } => {
                let metered = to.items(policy)?.into_iter().filter(|wanted| wanted.metered);
                Ok(metered.map(|wanted| Wanted { amount: *more, ..wanted }).collect())
            }
        }
    }

    /// Returns the limit that the caller brings.
    pub(super) fn limit(&self) -> Option<&Limit> {
        match self {
            Self::Within { limit, .. } => Some(limit),
            Self::Addition { to, .. } => to.limit(),
            Self::Capability { .. }
            | Self::Resource { .. }
            | Self::Items(_)
            | Self::Member { .. } => None,
        }
    }

    /// Returns the most bytes the action may have at once, if its kind has such a limit.
    pub(super) fn size_limit(&self, terms: &Terms<'_>) -> (Option<Amount>, Source) {
        match self {
            Self::Capability { name, .. } if name == UPLOAD => terms.max_upload(),
            Self::Within { ask: other, .. } | Self::Addition { to: other, .. } => {
                other.size_limit(terms)
            }
            Self::Capability { .. }
            | Self::Resource { .. }
            | Self::Items(_)
            | Self::Member { .. } => (None, Source::Nothing),
        }
    }

    /// Returns the question for `more` of the same.
    pub(super) fn addition(&self, more: Amount) -> Self {
        Self::Addition { to: Box::new(self.clone()), more }
    }

    /// Returns the name of the capability it is about, if it is about one.
    pub(super) fn capability(&self) -> Option<&str> {
        match self {
            Self::Capability { name, .. } => Some(name),
            Self::Within { ask, .. } | Self::Addition { to: ask, .. } => ask.capability(),
            Self::Resource { .. } | Self::Items(_) | Self::Member { .. } => None,
        }
    }

    /// Returns how much is asked for, if it says so: of several resources, the most.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        match self {
            Self::Capability { amount, .. } => *amount,
            Self::Resource { amount, .. } | Self::Addition { more: amount, .. } => Some(*amount),
            Self::Items(items) => items.iter().map(|(_, amount)| *amount).max(),
            Self::Within { ask, .. } => ask.amount(),
            Self::Member { .. } => None,
        }
    }
}

fn has_no_members(resource: &Resource, aggregate: Aggregate) -> Invalid {
    Invalid::new(format!("{resource} is a {aggregate}: say how much, not which one"))
}

fn distinct(items: &[(Resource, Amount)]) -> Result<(), Invalid> {
    for (index, (resource, _)) in items.iter().enumerate() {
        if items.iter().take(index).any(|(other, _)| other == resource) {
            return Err(Invalid::new(format!("asks for {resource} twice: once is enough")));
        }
    }
    Ok(())
}

/// Says which items are charged by what the action turns out to be: those in bytes, or all if
/// none is.
fn by_bytes(policy: &Policy, mut items: Vec<Wanted>) -> Vec<Wanted> {
    let in_bytes = |wanted: &Wanted| policy.measure(&wanted.resource).in_bytes();
    if items.iter().any(in_bytes) {
        for wanted in &mut items {
            wanted.metered = in_bytes(wanted);
        }
    }
    items
}
