//! Remedy: what would have to change for a yes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Asked;
use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::engine::plan::Planned;
use crate::quota::bucket::Shape;
use crate::quota::grant::Grant;
use crate::quota::plan::{Reading, Readings};
use crate::quota::policy::Source;
use crate::quota::rule::{self, Case, Verdict};
use crate::quota::{Amount, Grants, Per, Resource};

/// How many groups are tried at most.
const GROUPS: usize = 100;
/// How exactly it is told when a rolling window has room again, in milliseconds.
const EXACT: i64 = 1000;

/// What would have to change for a yes. Each of these alone would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Remedy {
    /// From when on it is a yes if nothing else is used; none if waiting does not help.
    pub wait_until: Option<Timestamp>,
    /// Only reservations stand in the way: it may be a yes as soon as they end.
    pub reservations: bool,
    /// How much is lacking of each resource that there is too little of.
    pub lacks: BTreeMap<Resource, Amount>,
    /// Boosts that would do, all of them together; empty if none does: they raise what the
    /// subject has alone.
    pub boosts: BTreeMap<Resource, Amount>,
    /// The groups in which it would be a yes.
    pub groups: Vec<String>,
}

impl Asked<'_> {
    /// Returns what would make a yes of this no; none if the policy has changed meanwhile.
    pub(super) async fn remedy(
        &self,
        planned: &Planned,
        readings: &Readings,
    ) -> Result<Option<Remedy>, EngineError> {
        let too_large = self.too_large(planned);
        let (mut lacks, mut boosts) = (BTreeMap::new(), BTreeMap::new());
        let mut can_be_boosted = !too_large;
        for case in rule::cases(&planned.plan, readings, self.now) {
            let lacking = case.lacks()?;
            if lacking == Amount::ZERO {
                continue;
            }
            let resource = &case.item.resource;
            let most = lacks.entry(resource.clone()).or_insert(lacking);
            *most = lacking.max(*most);
            boosts.insert(resource.clone(), *most);
            can_be_boosted &= case.bound.per == Per::Subject && case.item.source != Source::Call;
        }
        let Some(groups) = self.groups(planned).await? else { return Ok(None) };
        let wait_until = if too_large {
            None
        } else {
            let Some(moment) = self.wait(planned, readings).await? else { return Ok(None) };
            moment
        };
        let verdict = rule::judge_all(&planned.plan, readings, self.now)?;
        Ok(Some(Remedy {
            wait_until,
            reservations: !too_large && verdict == Verdict::Waits,
            boosts: if can_be_boosted { boosts } else { BTreeMap::new() },
            lacks,
            groups,
        }))
    }

    /// Returns the other groups in which it would be a yes.
    async fn groups(&self, planned: &Planned) -> Result<Option<Vec<String>>, EngineError> {
        let mut found = Vec::new();
        let others = self.policy.groups().into_keys();
        let others = others.filter(|name| planned.plan.group.as_deref() != Some(*name));
        for name in others.take(GROUPS) {
            let group = Some(Grant { what: name.to_owned(), until: None, note: None });
            let grants = Grants { group, ..self.grants.clone() };
            let Some((planned, readings)) = self.read(&grants, self.now).await? else {
                return Ok(None);
            };
            let fits = rule::judge_all(&planned.plan, &readings, self.now)? == Verdict::Fits;
            if fits && !self.too_large(&planned) {
                found.push(name.to_owned());
            }
        }
        Ok(Some(found))
    }

    /// Returns from when on every window has room if nothing else is used.
    async fn wait(
        &self,
        planned: &Planned,
        readings: &Readings,
    ) -> Result<Option<Option<Timestamp>>, EngineError> {
        let mut last = self.now;
        for (index, item) in planned.plan.items.iter().enumerate() {
            let cases = rule::cases(&planned.plan, readings, self.now);
            let cases = cases.filter(|case| std::ptr::eq(case.item, item));
            for (place, case) in cases.enumerate() {
                if case.judge()? == Verdict::Fits {
                    continue;
                }
                let empty = Case { reading: Reading::default(), ..case };
                let end = match case.bound.bucket.shape {
                    _ if empty.judge()? != Verdict::Fits => None,
                    Shape::Stretch | Shape::FirstUse { .. } => {
                        case.bound.stretch(&case.reading).end
                    }
                    Shape::Rolling { .. } => match case.bound.bucket.leaves(self.now) {
                        Some(end) => {
                            let Some(end) = self.frees((index, place), end).await? else {
                                return Ok(None);
                            };
                            Some(end)
                        }
                        None => None,
                    },
                };
                let Some(end) = end else { return Ok(Some(None)) };
                last = last.max(end);
            }
        }
        Ok(Some(Some(last)))
    }

    /// Returns about when the rolling window at `place` has room again, at the latest at `end`,
    /// when all that is in it now has fallen out of it.
    async fn frees(
        &self,
        (index, place): (usize, usize),
        end: Timestamp,
    ) -> Result<Option<Timestamp>, EngineError> {
        let (mut full, mut free) = (self.now.millis(), end.millis());
        while free.saturating_sub(full) > EXACT {
            let middle = full.midpoint(free);
            let at = Timestamp::from_millis(middle);
            let Some((planned, readings)) = self.read(self.grants, at).await? else {
                return Ok(None);
            };
            let item = planned.plan.items.get(index);
            let mut cases = rule::cases(&planned.plan, &readings, at)
                .filter(|case| item.is_some_and(|item| std::ptr::eq(case.item, item)));
            match cases.nth(place).map(|case| case.judge()).transpose()? {
                Some(Verdict::Fits) => free = middle,
                _ => full = middle,
            }
        }
        Ok(Some(Timestamp::from_millis(free)))
    }
}
