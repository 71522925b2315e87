//! Question → plan: windows, buckets, limits. Pure; what is not, is to plan again when stale.

use super::ask::Wanted;
use super::known::TRIES;
use super::{Ask, Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::plan::{Bound, Item, Plan, Readings};
use crate::quota::policy::{Capped, Source, Terms};
use crate::quota::strictness::Mode;
use crate::quota::{
    Amount, Bucket, Grants, Invalid, Limit, Measure, Per, Period, Policy, Resource, Strictness,
    Subject, Window, Zone,
};

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
    fn items(self, policy: &Policy) -> Result<Vec<Wanted>, Invalid> {
        match self {
            Self::Ask(ask) => ask.items(policy),
            Self::Of(resources) => {
                let nothing = |resource: &Resource| Wanted {
                    resource: resource.clone(),
                    amount: Amount::ZERO,
                    member: None,
                    metered: true,
                };
                Ok(resources.iter().map(nothing).collect())
            }
        }
    }

    fn limit(&self) -> Option<&Limit> {
        match *self {
            Self::Ask(ask) => ask.limit(),
            Self::Of(_) => None,
        }
    }

    const fn is_addition(&self) -> bool {
        matches!(self, Self::Ask(Ask::Addition { .. }))
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
    /// How the resource of each item is counted.
    pub(super) measures: Vec<Measure>,
}

impl Planned {
    /// Returns how `resource`, which it asks for, is counted.
    pub(super) fn measure(&self, resource: &Resource) -> Measure {
        let items = self.plan.items.iter().zip(&self.measures);
        let found = items.into_iter().find(|(item, _)| item.resource == *resource);
        found.map_or_else(|| resource.usual_measure(), |(_, measure)| measure.clone())
    }
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
    let (growing, limit) = (question.is_addition(), question.limit());
    let items = question.items(policy)?.into_iter();
    let items: Vec<_> = items.map(|wanted| item(policy, &terms, wanted, limit, at)).collect();
    let measures = items.iter().map(|item| policy.measure(&item.resource)).collect();
    let group = terms.group().and_then(Source::group).cloned();
    let (version, subject) = (policy.version, subject.clone());
    let plan = Plan { version, subject, group, at, growing, items };
    let (max_size, max_size_source) = question.size_limit(&terms);
    Ok(Planned { plan, max_size, max_size_source, zone: terms.zone, measures })
}

fn item<'a>(
    policy: &'a Policy,
    terms: &Terms<'a>,
    wanted: Wanted,
    call: Option<&'a Limit>,
    at: Timestamp,
) -> Item {
    let Wanted { resource, amount, member, metered } = wanted;
    let (capped, source) = capped(terms, &resource, call);
    let mut bounds: Vec<_> = capped.iter().map(|it| bound(policy, terms, *it, at)).collect();
    for counted in [policy.period(), Period::Never] {
        let bucket = Bucket::of(counted, &terms.zone, at);
        let there = |bound: &Bound| bound.per == Per::Subject && bound.bucket.key == bucket.key;
        if !bounds.iter().any(there) {
            bounds.push(Bound::counting(counted, bucket));
        }
    }
    let aggregate = policy.measure(&resource).aggregate;
    Item { resource, aggregate, amount, member, metered, source, bounds }
}

/// Returns the windows that bind on `resource`, and where the subject's own come from; they are
/// the first bounds of its item, in this order.
pub(super) fn capped<'a>(
    terms: &Terms<'a>,
    resource: &Resource,
    call: Option<&'a Limit>,
) -> (Vec<Capped<'a>>, Source) {
    let (mut all, source): (Vec<_>, _) = if let Some(limit) = call {
        let boost = Amount::ZERO;
        (limit.windows().iter().map(|window| Capped { window, boost }).collect(), Source::Call)
    } else {
        let (limit, source) = terms.limit(resource);
        (terms.own(limit, resource).collect(), source)
    };
    all.extend(terms.pools(resource));
    (all, source)
}

/// Returns the zone in which the days of `window` begin.
pub(super) fn zone_of(policy: &Policy, terms: &Terms<'_>, window: &Window) -> Zone {
    match (&window.timezone, window.per) {
        (Some(zone), _) => zone.clone(),
        (None, Per::Subject | Per::Group) => terms.zone.clone(),
        // All share it, so it has the days of all.
        (None, Per::Server) => policy.zone(),
    }
}

fn bound(policy: &Policy, terms: &Terms<'_>, capped: Capped<'_>, at: Timestamp) -> Bound {
    let Capped { window, boost } = capped;
    let period = window.period.unwrap_or(policy.period());
    let zone = zone_of(policy, terms, window);
    let boosted = |amount: Amount| match window.strictness.mode {
        Mode::Hard | Mode::Soft => amount.plus(boost).unwrap_or(Amount::MAX),
        Mode::Observe => amount,
    };
    Bound {
        period,
        bucket: Bucket::of(period, &zone, at),
        per: window.per,
        limit: Some(boosted(window.amount)),
        strictness: Strictness {
            ceiling: window.strictness.ceiling.map(boosted),
            ..window.strictness
        },
    }
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
                return Err(EngineError::outrun());
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
