//! Question → plan: windows, buckets, limits. Pure; what is not, is to plan again when stale.

use super::{Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::capability::UPLOAD;
use crate::quota::plan::{Bound, Item, Plan, Readings};
use crate::quota::policy::{Source, Terms};
use crate::quota::{
    Amount, Bucket, Grants, Invalid, Period, Policy, Resource, Subject, Unit, Zone,
};

/// How often a plan is made again because the policy changed under it, at most.
const TRIES: usize = 32;

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
    /// So many bytes more for what `capability` names; its counts were asked for before.
    More {
        /// Its name.
        name: String,
        /// How much more.
        amount: Amount,
    },
    /// So much of one resource.
    Resource {
        /// The resource.
        resource: Resource,
        /// How much.
        amount: Amount,
    },
}

impl Ask {
    /// Returns the question whether `bytes` more may be uploaded.
    #[must_use]
    pub fn upload(bytes: Amount) -> Self {
        Self::Capability { name: UPLOAD.to_owned(), amount: Some(bytes) }
    }

    fn items(&self, policy: &Policy) -> Result<Vec<(Resource, Amount)>, Invalid> {
        match self {
            Self::Resource { resource, amount } => Ok(vec![(resource.clone(), *amount)]),
            Self::More { name, amount } => {
                let resources = policy.capability(name)?.resources().iter();
                let in_bytes = resources.filter(|resource| resource.unit() == Unit::Bytes);
                Ok(in_bytes.map(|resource| (resource.clone(), *amount)).collect())
            }
            Self::Capability { name, amount } => {
                let asked = amount.unwrap_or(Amount::ONE);
                let resources = policy.capability(name)?.resources().iter();
                Ok(resources.map(|resource| (resource.clone(), resource.share_of(asked))).collect())
            }
        }
    }

    /// Returns the most bytes the action may have at once, if its kind has such a limit.
    fn size_limit(&self, terms: &Terms<'_>) -> (Option<Amount>, Source) {
        match self {
            Self::Capability { name, .. } | Self::More { name, .. } if name == UPLOAD => {
                terms.max_upload()
            }
            Self::Capability { .. } | Self::More { .. } | Self::Resource { .. } => {
                (None, Source::Nothing)
            }
        }
    }

    /// Returns the question for `more` of the same.
    pub(super) fn addition(&self, more: Amount) -> Self {
        match self {
            Self::Capability { name, .. } | Self::More { name, .. } => {
                Self::More { name: name.clone(), amount: more }
            }
            Self::Resource { resource, .. } => {
                Self::Resource { resource: resource.clone(), amount: more }
            }
        }
    }

    /// Returns how much is asked for, if it says so.
    pub(super) fn amount(&self) -> Option<Amount> {
        match self {
            Self::Capability { amount, .. } => *amount,
            Self::More { amount, .. } | Self::Resource { amount, .. } => Some(*amount),
        }
    }
}

/// What is to be planned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question<'a> {
    /// What an action wants.
    Ask(&'a Ask),
    /// Nothing of these: they are looked at, or reset.
    Of(&'a [Resource]),
}

impl<'a> From<&'a Ask> for Question<'a> {
    fn from(ask: &'a Ask) -> Self {
        Self::Ask(ask)
    }
}

impl<'a> From<&'a [Resource]> for Question<'a> {
    fn from(resources: &'a [Resource]) -> Self {
        Self::Of(resources)
    }
}

impl Question<'_> {
    fn items(self, policy: &Policy) -> Result<Vec<(Resource, Amount)>, Invalid> {
        match self {
            Self::Ask(ask) => ask.items(policy),
            Self::Of(resources) => {
                Ok(resources.iter().map(|resource| (resource.clone(), Amount::ZERO)).collect())
            }
        }
    }

    fn size_limit(self, terms: &Terms<'_>) -> (Option<Amount>, Source) {
        match self {
            Self::Ask(ask) => ask.size_limit(terms),
            Self::Of(_) => (None, Source::Nothing),
        }
    }
}

/// A plan, and the size of one action beside it.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// The most bytes the action may have at once.
    pub(super) max_size: Option<Amount>,
    /// Where that comes from.
    pub(super) max_size_source: Source,
    /// The zone in which the subject's days begin.
    pub(super) zone: Zone,
}

/// Works `question` out for `subject` at `at`.
///
/// Every item is also counted per default period and in all, limited or not.
pub(super) fn plan(
    policy: &Policy,
    grants: &Grants,
    subject: &Subject,
    question: Question<'_>,
    at: Timestamp,
    now: Timestamp,
) -> Result<Planned, Invalid> {
    let terms = policy.terms(subject, grants, now);
    let items = question.items(policy)?.into_iter();
    let items = items.map(|(resource, amount)| item(policy, &terms, resource, amount, at));
    let plan =
        Plan { version: policy.version, subject: subject.clone(), at, items: items.collect() };
    let (max_size, max_size_source) = question.size_limit(&terms);
    Ok(Planned { plan, max_size, max_size_source, zone: terms.zone })
}

fn item(
    policy: &Policy,
    terms: &Terms<'_>,
    resource: Resource,
    amount: Amount,
    at: Timestamp,
) -> Item {
    let (limit, source) = terms.limit(&resource);
    let bound =
        |period, limit| Bound { period, bucket: Bucket::of(period, &terms.zone, at), limit };
    let windows = limit.windows().iter();
    let mut bounds: Vec<_> = windows
        .map(|window| bound(window.period.unwrap_or(policy.period()), Some(window.amount)))
        .collect();
    for counted in [policy.period(), Period::Never] {
        if !bounds.iter().any(|bound| bound.period == counted) {
            bounds.push(bound(counted, None));
        }
    }
    Item { resource, amount, source, bounds }
}

/// One question, planned anew each time the store finds the plan stale.
#[derive(Debug)]
pub(super) struct Planning<'a> {
    engine: &'a Engine,
    subject: &'a Subject,
    question: Question<'a>,
    at: Option<Timestamp>,
    tries: usize,
}

impl Planning<'_> {
    /// Returns a plan from what is known; after the first one, from what the store says.
    pub(super) async fn next(&mut self) -> Result<Planned, EngineError> {
        match self.tries {
            0 => {}
            TRIES => {
                return Err(EngineError::Conflict(
                    "the policy keeps changing: try again".to_owned(),
                ));
            }
            _ => drop(self.engine.refresh().await?),
        }
        self.tries += 1;
        let (snapshot, grants) = self.engine.grants(self.subject).await?;
        let now = self.engine.now();
        let at = self.at.unwrap_or(now);
        Ok(plan(&snapshot.policy, &grants, self.subject, self.question, at, now)?)
    }
}

impl Engine {
    /// Begins to plan `question` for `subject`, for the buckets of `at`; without one, of now.
    pub(super) fn planning<'a>(
        &'a self,
        subject: &'a Subject,
        question: impl Into<Question<'a>>,
        at: Option<Timestamp>,
    ) -> Planning<'a> {
        Planning { engine: self, subject, question: question.into(), at, tries: 0 }
    }

    /// Reads the windows of a question; writes nothing.
    pub(super) async fn read(
        &self,
        subject: &Subject,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<(Readings, Planned), EngineError> {
        let mut planning = self.planning(subject, ask, Some(now));
        loop {
            let planned = planning.next().await?;
            if let Some(readings) = self.0.store.read(&planned.plan, now).await? {
                return Ok((readings, planned));
            }
        }
    }
}
