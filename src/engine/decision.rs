//! Decision: yes or no, what bound it, what is left, when it resets.

use serde::{Deserialize, Serialize};

use super::plan::Planned;
use crate::clock::{Timestamp, whole_seconds};
use crate::quota::plan::{Item, Plan, Readings};
use crate::quota::rule::{self, Case, Verdict};
use crate::quota::strictness::Mode;
use crate::quota::{Amount, Measure, Overflow, Per, Period, PolicyVersion, Resource};

/// Why it is yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is room in every window.
    WithinLimits,
    /// There is no room in a window.
    OverLimit,
    /// One action is larger than one action may be.
    TooLarge,
}

/// The answer to one question, with all figures at the moment of deciding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Decision {
    /// May they?
    pub allowed: bool,
    /// Why, or why not.
    pub reason: Reason,
    /// Where the binding limit comes from: `override`, `group free`, `exempt` …
    pub source: String,
    /// The policy it was made under.
    pub policy_version: PolicyVersion,
    /// The window that decides: of several that deny, the last to reset; otherwise the one with
    /// the least room. None if nothing is limited.
    pub binding: Option<Figures>,
    /// The most bytes one action may have, if that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<Amount>,
    /// Every resource that was asked for.
    pub items: Vec<ItemDecision>,
    /// After a no: whole seconds until the binding window resets, rounded up.
    pub retry_after: Option<u64>,
    /// How the windows judged it: whether waiting for others' reservations to end may help.
    #[serde(skip, default = "unknown")]
    pub(crate) verdict: Verdict,
}

/// Of a decision that was read, nobody knows whether waiting helps.
const fn unknown() -> Verdict {
    Verdict::Exceeds
}

/// One resource of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ItemDecision {
    /// What was asked for.
    pub resource: Resource,
    /// How much of it.
    pub amount: Amount,
    /// How it is counted; not written.
    #[serde(skip)]
    pub measure: Measure,
    /// Its windows; without a limit the one of the default period.
    pub windows: Vec<WindowDecision>,
}

/// One window of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WindowDecision {
    /// Per which period.
    pub period: Period,
    /// The key of the bucket.
    pub bucket: String,
    /// Shared by whom.
    pub per: Per,
    /// How strict.
    pub mode: Mode,
    /// The most that may be used; none if unlimited.
    pub limit: Option<Amount>,
    /// Charged so far.
    pub used: Amount,
    /// Set aside by reservations.
    pub reserved: Amount,
    /// What is left; none if unlimited.
    pub remaining: Option<Amount>,
    /// When the count starts anew; of a rolling window, when the oldest charge falls out of it;
    /// none if never.
    pub resets_at: Option<Timestamp>,
    /// The limit is reached, or a soft one is passed by what was asked.
    pub over: bool,
    /// It denies what was asked, or would if it were not only observed.
    pub would_deny: bool,
    /// Of a soft limit: past what it denies, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Amount>,
    /// Of a soft limit that was passed: from when on it denies, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_ends: Option<Timestamp>,
}

/// The figures of one window, with the name of its resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Figures {
    /// Of what.
    pub resource: Resource,
    /// How much was asked for.
    pub requested: Amount,
    /// How it is counted; not written.
    #[serde(skip)]
    pub measure: Measure,
    /// The window.
    #[serde(flatten)]
    pub window: WindowDecision,
}

impl Decision {
    /// Tells what the rule says of `planned`, given what the store read.
    pub(super) fn of(
        planned: &Planned,
        readings: &Readings,
        too_large: bool,
        now: Timestamp,
    ) -> Result<Self, Overflow> {
        let plan = &planned.plan;
        let verdict = rule::judge_all(plan, readings, now)?;
        let allowed = verdict == Verdict::Fits && !too_large;
        let binding = binding(plan, readings, verdict, now)?;
        let source = match (&binding, plan.items.first()) {
            _ if too_large => planned.max_size_source.to_string(),
            (Some(case), _) => source(plan, case),
            (None, Some(item)) => item.source.to_string(),
            (None, None) => String::new(),
        };
        let binding = binding.map(|case| Figures {
            resource: case.item.resource.clone(),
            requested: case.item.amount,
            measure: planned.measure(&case.item.resource),
            window: WindowDecision::of(&case),
        });
        let resets_at = binding.as_ref().and_then(|figures| figures.window.resets_at);
        // No waiting makes a file smaller.
        let waits = verdict != Verdict::Fits && !too_large;
        let wait = resets_at.filter(|_| waits).map(|end| now.until(end));
        let items = plan.items.iter().map(|item| {
            let all = rule::cases(plan, readings, now);
            let measure = planned.measure(&item.resource);
            ItemDecision::of(item, measure, all.filter(|case| std::ptr::eq(case.item, item)))
        });
        Ok(Self {
            allowed,
            reason: match (too_large, verdict) {
                (true, _) => Reason::TooLarge,
                (false, Verdict::Fits) => Reason::WithinLimits,
                (false, Verdict::Waits | Verdict::Exceeds) => Reason::OverLimit,
            },
            source,
            policy_version: plan.version,
            binding,
            max_size: planned.max_size,
            items: items.collect(),
            retry_after: wait.map(whole_seconds),
            verdict,
        })
    }

    /// Returns the same figures under a yes.
    pub(super) fn granted(self) -> Self {
        Self { allowed: true, reason: Reason::WithinLimits, retry_after: None, ..self }
    }

    /// Returns true if only room held by others stands in the way.
    #[must_use]
    pub fn may_fit_later(&self) -> bool {
        self.reason == Reason::OverLimit && self.verdict == Verdict::Waits
    }
}

/// Says where the limit of a window comes from: whoever shares it, or whatever gave it.
pub(super) fn source(plan: &Plan, case: &Case<'_>) -> String {
    match case.bound.per {
        Per::Subject => case.item.source.to_string(),
        Per::Group => format!("pool {}", plan.group.as_deref().unwrap_or_default()),
        Per::Server => "server".to_owned(),
    }
}

impl ItemDecision {
    fn of<'a>(item: &Item, measure: Measure, cases: impl Iterator<Item = Case<'a>>) -> Self {
        let limited = item.bounds.iter().any(|bound| bound.limit.is_some());
        let most = if limited { usize::MAX } else { 1 };
        let shown = cases.filter(|case| case.bound.limit.is_some() || !limited);
        Self {
            resource: item.resource.clone(),
            amount: item.amount,
            measure,
            windows: shown.take(most).map(|case| WindowDecision::of(&case)).collect(),
        }
    }
}

impl WindowDecision {
    /// Tells one window, and what it says of what is asked.
    pub(super) fn of(case: &Case<'_>) -> Self {
        let Case { bound, reading, .. } = case;
        let passes = case.passes_limit() != Ok(false);
        let denies = case.judge() != Ok(Verdict::Fits);
        let stretch = bound.stretch(reading);
        Self {
            period: bound.period,
            bucket: stretch.key.clone(),
            per: bound.per,
            mode: bound.strictness.mode,
            limit: bound.limit,
            used: reading.used,
            reserved: reading.held,
            remaining: bound.limit.map(|limit| rule::remaining(*reading, limit)),
            resets_at: match bound.period {
                Period::Rolling(_) => reading.oldest.and_then(|oldest| stretch.leaves(oldest)),
                _ => stretch.end,
            },
            over: bound.limit.is_some_and(|limit| reading.used >= limit)
                || (passes && bound.strictness.mode == Mode::Soft),
            would_deny: denies || (passes && bound.strictness.mode == Mode::Observe),
            ceiling: bound.strictness.ceiling,
            grace_ends: case.grace_ends(),
        }
    }
}

/// Returns the window that decides: of several that deny, the last to reset; otherwise the one
/// with the least room, observed ones only where there is no other.
fn binding<'a>(
    plan: &'a Plan,
    readings: &'a Readings,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Option<Case<'a>>, Overflow> {
    let mut best: Option<Case<'a>> = None;
    for case in rule::cases(plan, readings, now).filter(|case| case.bound.limit.is_some()) {
        if (case.judge()? == Verdict::Fits) != (verdict == Verdict::Fits) {
            continue;
        }
        let better = best.as_ref().is_none_or(|best| {
            if verdict == Verdict::Fits {
                (observed(&case), room(&case)) < (observed(best), room(best))
            } else {
                let end = |case| WindowDecision::of(case).resets_at.unwrap_or(Timestamp::MAX);
                end(&case) > end(best)
            }
        });
        if better {
            best = Some(case);
        }
    }
    Ok(best)
}

fn observed(case: &Case<'_>) -> bool {
    case.bound.strictness.mode == Mode::Observe
}

fn room(case: &Case<'_>) -> Amount {
    case.bound.limit.map_or(Amount::MAX, |limit| rule::remaining(case.reading, limit))
}
