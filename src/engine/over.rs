//! over: who has reached a limit.

use super::plan::plan;
use super::report::windows;
use super::{Engine, EngineError, Span, Used, WindowDecision};
use crate::clock::Timestamp;
use crate::quota::plan::{Item, Plan, Reading};
use crate::quota::{Grants, Measure, Per, Resource};
use crate::store::{Page, Usage};

/// How many subjects are looked at in one step.
const PAGE: usize = 1000;

impl Engine {
    /// Returns everyone who has reached a limit on `resource`, by name, with the window they
    /// reached: the last of them to reset.
    ///
    /// Each is judged by the policy as it was at one moment of the call.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn over(&self, resource: &Resource) -> Result<Vec<Used>, EngineError> {
        let (snapshot, everyone) = self.everyone().await?;
        let (asked, nothing) = (std::slice::from_ref(resource), Grants::default());
        let mut over = Vec::new();
        let mut page = Page::first(PAGE);
        loop {
            let now = self.now();
            let users = self.0.store.users(resource, now, page).await?;
            let Some(last) = users.last() else { return Ok(over) };
            page = Page::behind(last.subject.clone(), PAGE);
            for usage in users {
                let grants = everyone.get(&usage.subject).unwrap_or(&nothing);
                let policy = &snapshot.policy;
                let planned = plan(policy, grants, &usage.subject, asked.into(), now, now)?;
                let windows = match counted(&planned.within(Span::Limits), &usage, now) {
                    Some(windows) => windows,
                    // A bucket that nobody has charged anything in since it is asked for.
                    None => self.usage(&usage.subject, resource, Span::Limits).await?.windows,
                };
                over.extend(reached(usage, planned.measure(resource), windows));
            }
        }
    }
}

/// Returns the limited windows of `plan`, if the page says what was used in all of them.
fn counted(plan: &Plan, usage: &Usage, now: Timestamp) -> Option<Vec<WindowDecision>> {
    let item = plan.items.first()?;
    let mut counted = Item { bounds: Vec::new(), ..item.clone() };
    let mut found = Vec::new();
    for bound in item.bounds.iter().filter(|it| it.limit.is_some() && it.per == Per::Subject) {
        let (_, used) = usage.counters.iter().find(|(key, _)| *key == bound.bucket.key)?;
        // Whether it is over depends on what is charged alone.
        found.push(Reading { used: *used, ..Reading::default() });
        counted.bounds.push(bound.clone());
    }
    let counted = Plan { items: vec![counted], ..plan.clone() };
    Some(windows(&counted, &vec![found], now))
}

fn reached(usage: Usage, measure: Measure, windows: Vec<WindowDecision>) -> Option<Used> {
    let own = windows.into_iter().filter(|window| window.per == Per::Subject);
    let reached = own.filter(|window| window.over);
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
