//! Decision: yes or no, what bound it, what is left, when it resets.

use std::time::Duration;

use serde::Serialize;

use super::plan::Planned;
use crate::clock::Timestamp;
use crate::quota::plan::{Bound, Item, Reading, Readings};
use crate::quota::rule::{self, Verdict};
use crate::quota::{Amount, Overflow, Period, PolicyVersion, Resource};

/// Why it is yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    #[serde(skip)]
    pub(crate) verdict: Verdict,
}

/// One resource of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemDecision {
    /// What was asked for.
    pub resource: Resource,
    /// How much of it.
    pub amount: Amount,
    /// Its windows; without a limit the one of the default period.
    pub windows: Vec<WindowDecision>,
}

/// One window of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowDecision {
    /// Per which period.
    pub period: Period,
    /// The key of the bucket.
    pub bucket: String,
    /// Shared by whom: always the `subject` alone.
    pub per: &'static str,
    /// How strict: always `hard`.
    pub mode: &'static str,
    /// The most that may be used; none if unlimited.
    pub limit: Option<Amount>,
    /// Charged so far.
    pub used: Amount,
    /// Set aside by reservations.
    pub reserved: Amount,
    /// What is left; none if unlimited.
    pub remaining: Option<Amount>,
    /// When the count starts anew; none if never.
    pub resets_at: Option<Timestamp>,
    /// The limit is reached.
    pub over: bool,
    /// It denies what was asked, or would if it were hard.
    pub would_deny: bool,
}

/// The figures of one window, with the name of its resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Of what.
    pub resource: Resource,
    /// How much was asked for.
    pub requested: Amount,
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
        let verdict = rule::judge_all(plan, readings)?;
        let allowed = verdict == Verdict::Fits && !too_large;
        let pairs = || plan.items.iter().zip(readings);
        let binding = binding(pairs(), verdict)?;
        let bound_by = binding.as_ref().map(|(item, _)| *item).or(plan.items.first());
        let source = match bound_by {
            _ if too_large => planned.max_size_source.to_string(),
            Some(item) => item.source.to_string(),
            None => String::new(),
        };
        let binding = binding.map(|(_, figures)| figures);
        let resets_at = binding.as_ref().and_then(|figures| figures.window.resets_at);
        let wait = resets_at.filter(|_| verdict != Verdict::Fits).map(|end| now.until(end));
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
            items: pairs().map(|(item, found)| ItemDecision::of(item, found)).collect(),
            retry_after: wait.map(whole_seconds),
            verdict,
        })
    }

    /// Returns true if only room held by others stands in the way.
    #[must_use]
    pub fn may_fit_later(&self) -> bool {
        self.reason == Reason::OverLimit && self.verdict == Verdict::Waits
    }
}

/// Rounds up, and never to zero.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl ItemDecision {
    fn of(item: &Item, readings: &[Reading]) -> Self {
        let windows = item.bounds.iter().zip(readings);
        let limited = item.bounds.iter().any(|bound| bound.limit.is_some());
        let shown = windows.filter(|(bound, _)| bound.limit.is_some() || !limited);
        let shown = shown.map(|(bound, reading)| WindowDecision::of(bound, *reading, item.amount));
        let most = if limited { usize::MAX } else { 1 };
        Self {
            resource: item.resource.clone(),
            amount: item.amount,
            windows: shown.take(most).collect(),
        }
    }
}

impl WindowDecision {
    /// Tells one window of which `asked` is asked.
    pub(super) fn of(bound: &Bound, reading: Reading, asked: Amount) -> Self {
        let verdict = rule::judge(reading, asked, bound.limit);
        Self {
            period: bound.period,
            bucket: bound.bucket.key.clone(),
            per: "subject",
            mode: "hard",
            limit: bound.limit,
            used: reading.used,
            reserved: reading.held,
            remaining: bound.limit.map(|limit| rule::remaining(reading, limit)),
            resets_at: bound.bucket.end,
            over: bound.limit.is_some_and(|limit| reading.used >= limit),
            would_deny: verdict != Ok(Verdict::Fits),
        }
    }
}

/// Returns the window that decides, with its item.
fn binding<'a>(
    pairs: impl Iterator<Item = (&'a Item, &'a Vec<Reading>)>,
    verdict: Verdict,
) -> Result<Option<(&'a Item, Figures)>, Overflow> {
    let mut best: Option<(&Item, &Bound, Reading)> = None;
    for (item, readings) in pairs {
        for (bound, reading) in item.bounds.iter().zip(readings) {
            let judged = rule::judge(*reading, item.amount, bound.limit)?;
            if bound.limit.is_none() || (judged == Verdict::Fits) != (verdict == Verdict::Fits) {
                continue;
            }
            let better = best.as_ref().is_none_or(|(_, other, found)| {
                if verdict == Verdict::Fits {
                    room(bound, *reading) < room(other, *found)
                } else {
                    bound.bucket.end.is_none_or(|end| other.bucket.end.is_some_and(|o| end > o))
                }
            });
            if better {
                best = Some((item, bound, *reading));
            }
        }
    }
    Ok(best.map(|(item, bound, reading)| {
        let window = WindowDecision::of(bound, reading, item.amount);
        let resource = item.resource.clone();
        (item, Figures { resource, requested: item.amount, window })
    }))
}

fn room(bound: &Bound, reading: Reading) -> Amount {
    bound.limit.map_or(Amount::MAX, |limit| rule::remaining(reading, limit))
}
