//! over: who has reached a limit.

use std::collections::{BTreeMap, HashMap};

use super::plan::{Planned, plan};
use super::report::windows;
use super::{Engine, EngineError, Used, WindowDecision};
use crate::clock::Timestamp;
use crate::quota::plan::{Bound, Plan, Reading, Readings};
use crate::quota::{Aggregate, Amount, Grants, Measure, Per, Policy, Resource, Shape, Subject};
use crate::store::{Page, Usage};

/// How many subjects are looked at in one step: at first few, since most may be over, then more.
const FEWEST: usize = 64;
const MOST: usize = 2000;
/// How often a bucket whose counters are not kept is read for one subject, before it is read for
/// all of them at once.
const SINGLY: usize = 64;

impl Engine {
    /// Returns those who have reached a limit on `resource`, by name, with the window they reached:
    /// the last of them to reset. A page that is not full is the last.
    ///
    /// Each is judged by the policy as it was at one moment of the call.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn over(&self, resource: &Resource, page: Page) -> Result<Vec<Used>, EngineError> {
        let Page { mut after, most } = page;
        let mut search = Search::of(self);
        let mut over = Vec::new();
        let mut step = most.clamp(FEWEST, MOST);
        while over.len() < most {
            let page = Page { after, most: step };
            step = step.saturating_mul(2).min(MOST);
            let users = self.0.store.users(resource, search.now, page).await?;
            let (Some(first), Some(last)) = (users.first(), users.last()) else { break };
            let (snapshot, grants) = self.grants_between(&first.subject, &last.subject).await?;
            after = Some(last.subject.clone());
            for usage in users {
                if over.len() == most {
                    break;
                }
                over.extend(search.reached(&snapshot.policy, &grants, usage).await?);
            }
        }
        Ok(over)
    }
}

/// One search for those who are over.
pub(super) struct Search<'a> {
    engine: &'a Engine,
    now: Timestamp,
    /// The policy that is tried in place of the present one.
    tried: Option<&'a Policy>,
    /// The buckets, by key, whose counters are not kept.
    buckets: HashMap<String, Unkept>,
}

/// A bucket whose counters are not kept.
#[derive(Default)]
struct Unkept {
    /// How often it was read.
    asked: usize,
    /// What all who used something used in it, once it was read too often.
    all: Option<HashMap<Subject, Amount>>,
}

impl<'a> Search<'a> {
    fn of(engine: &'a Engine) -> Self {
        Self { engine, now: engine.now(), tried: None, buckets: HashMap::new() }
    }

    /// Returns a search by `policy`, which is the present one but for what it says.
    pub(super) fn by(engine: &'a Engine, policy: &'a Policy) -> Self {
        Self { tried: Some(policy), ..Self::of(engine) }
    }

    /// Returns the limit that one who has used something has reached, if any.
    pub(super) async fn reached(
        &mut self,
        policy: &Policy,
        everyone: &BTreeMap<Subject, Grants>,
        usage: Usage,
    ) -> Result<Option<Used>, EngineError> {
        let (now, nothing) = (self.now, Grants::default());
        let grants = everyone.get(&usage.subject).unwrap_or(&nothing);
        let asked = std::slice::from_ref(&usage.resource).into();
        let planned = plan(policy, grants, &usage.subject, asked, now, now)?;
        let measure = planned.measure(&usage.resource);
        let Some(own) = own_limits(&planned) else { return Ok(None) };
        let windows = match self.counted(&own, &usage, measure.aggregate).await? {
            Some(found) => {
                let windows = windows(&own, &vec![found], now);
                if !windows.iter().any(|window| window.over) || lies_still(&own) {
                    windows
                } else {
                    // When it resets is not told by the count alone.
                    self.read(&usage, &own).await?
                }
            }
            None => self.read(&usage, &own).await?,
        };
        Ok(last_to_reset(usage, measure, windows))
    }

    /// Returns what was used in each window of `plan`, if that is known without asking for one
    /// subject alone.
    async fn counted(
        &mut self,
        plan: &Plan,
        usage: &Usage,
        aggregate: Aggregate,
    ) -> Result<Option<Vec<Reading>>, EngineError> {
        let mut found = Vec::new();
        for bound in plan.items.iter().flat_map(|item| &item.bounds) {
            let kept = usage.counters.iter().find(|(key, _)| *key == bound.bucket.key);
            let used = match kept {
                Some((_, used)) => Some(*used),
                None => self.used_by(usage, bound, aggregate).await?,
            };
            let Some(used) = used else { return Ok(None) };
            // Whether it is over depends on what is charged alone.
            found.push(Reading { used, ..Reading::default() });
        }
        Ok(Some(found))
    }

    /// Returns what was used in a bucket whose counters are not kept, once that is known of all.
    async fn used_by(
        &mut self,
        usage: &Usage,
        bound: &Bound,
        aggregate: Aggregate,
    ) -> Result<Option<Amount>, EngineError> {
        let Bound { bucket, .. } = bound;
        let unkept = self.buckets.entry(bucket.key.clone()).or_default();
        unkept.asked += 1;
        if unkept.asked <= SINGLY {
            return Ok(None);
        }
        if unkept.all.is_none() {
            let store = &self.engine.0.store;
            let all = store.top(&usage.resource, aggregate, bucket, None, usize::MAX).await?;
            unkept.all = Some(all.into_iter().map(|it| (it.subject, it.used)).collect());
        }
        let all = unkept.all.as_ref();
        Ok(all.map(|all| all.get(&usage.subject).copied().unwrap_or_default()))
    }

    /// Returns the windows of one subject as the store reads them; `own` is what they were.
    async fn read(&self, usage: &Usage, own: &Plan) -> Result<Vec<WindowDecision>, EngineError> {
        let store = &self.engine.0.store;
        if let Some(readings) = store.read(own, self.now).await? {
            return Ok(windows(own, &charged(readings), self.now));
        }
        if self.tried.is_some() {
            // Whoever tries it looks whether it still is the present one but for that.
            return Ok(Vec::new());
        }
        let asked = std::slice::from_ref(&usage.resource);
        let mut planning = self.engine.planning(&usage.subject, asked, Some(self.now));
        loop {
            let Some(own) = own_limits(&planning.next().await?) else { return Ok(Vec::new()) };
            if let Some(readings) = store.read(&own, self.now).await? {
                return Ok(windows(&own, &charged(readings), self.now));
            }
        }
    }
}

/// Returns the plan of nothing but the limited windows that the subject has alone, if there are
/// any.
fn own_limits(planned: &Planned) -> Option<Plan> {
    let mut plan = planned.plan.clone();
    for item in &mut plan.items {
        item.bounds.retain(|bound| bound.limit.is_some() && bound.per == Per::Subject);
    }
    plan.items.iter().any(|item| !item.bounds.is_empty()).then_some(plan)
}

fn lies_still(plan: &Plan) -> bool {
    let mut bounds = plan.items.iter().flat_map(|item| &item.bounds);
    bounds.all(|bound| bound.bucket.shape == Shape::Stretch)
}

/// Returns the same without what is set aside.
fn charged(mut readings: Readings) -> Readings {
    for reading in readings.iter_mut().flatten() {
        reading.held = Amount::ZERO;
    }
    readings
}

fn last_to_reset(usage: Usage, measure: Measure, windows: Vec<WindowDecision>) -> Option<Used> {
    let reached = windows.into_iter().filter(|window| window.over);
    let window = reached.max_by_key(|window| window.resets_at.unwrap_or(Timestamp::MAX))?;
    Some(Used {
        subject: usage.subject,
        resource: usage.resource,
        measure,
        used: window.used,
        limit: window.limit,
        period: window.period,
        resets_at: window.resets_at,
    })
}
