//! Compare: whether two stores hold the same lines, and make the same counts of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lines::{PAGE, Steps, newest, tell};
use crate::clock::Timestamp;
use crate::engine::EngineError;
use crate::quota::event::{EVERYONE, Line};
use crate::quota::plan::{Bound, Item, Plan, Readings};
use crate::quota::policy::Source;
use crate::quota::{Amount, Bucket, Per, Period, Policy, PolicyVersion, Resource, Subject};
use crate::store::{Balance, Lines, Store};

/// Whoever has a count of something.
#[derive(Debug, Default)]
pub(super) struct Accounts(BTreeSet<(Resource, Per, String)>);

impl Accounts {
    pub(super) fn of_balance(&mut self, balance: &Balance) {
        let Balance { resource, per, account, .. } = balance.clone();
        self.0.insert((resource, per, account));
    }

    /// Notes all accounts of the lines, which must be the same in both; returns how many lines.
    pub(super) async fn of_lines(
        &mut self,
        store: &dyn Store,
        other: &dyn Store,
        steps: Steps<'_>,
    ) -> Result<usize, EngineError> {
        let last = newest(store).await?.unwrap_or(0);
        let (mut count, mut behind) = (0, None);
        loop {
            let which = Lines { behind, most: PAGE, ..Lines::default() };
            let (here, there) = (store.lines(&which).await?, other.lines(&which).await?);
            let differs = here.iter().zip(&there).find(|(a, b)| a != b).map(|(line, _)| line.id);
            let differs = differs.or_else(|| {
                let longer = if here.len() > there.len() { &here } else { &there };
                longer.get(here.len().min(there.len())).map(|line| line.id)
            });
            if let Some(id) = differs {
                return Err(EngineError::Conflict(format!(
                    "line {id} of the ledger is not the same in both stores"
                )));
            }
            let Some(line) = here.last() else { return Ok(count) };
            behind = Some(line.id);
            tell(steps, line.id, last);
            count += here.len();
            for line in &here {
                self.of_line(line);
            }
        }
    }

    fn of_line(&mut self, line: &Line) {
        for per in Per::ALL {
            if let Some(account) = line.event.account(per) {
                self.0.insert((line.event.resource.clone(), per, account.to_owned()));
            }
        }
    }

    /// Returns how many counts there are; an error if one is not the same in both.
    pub(super) async fn counted_alike(
        &self,
        store: &dyn Store,
        other: &dyn Store,
        now: Timestamp,
    ) -> Result<usize, EngineError> {
        let policy = store.policy().await?;
        let version = other.policy().await?.version;
        let mut count = 0;
        for (resource, per, account) in &self.0 {
            let plan = looking(&policy, resource, *per, account, now)?;
            let there = Plan { version, ..plan.clone() };
            let (here, there) = (store.read(&plan, now).await?, other.read(&there, now).await?);
            count += here.as_ref().map_or(0, counts);
            let whose = if account == EVERYONE { "everyone" } else { account };
            same(&format!("the count of {resource} of {whose}"), &here, &there)?;
        }
        Ok(count)
    }
}

/// Returns an error if `what` is not the same in both.
pub(super) fn same<T: PartialEq>(what: &str, here: &T, there: &T) -> Result<(), EngineError> {
    if here == there {
        return Ok(());
    }
    Err(EngineError::Conflict(format!("{what} is not the same in both stores")))
}

fn counts(readings: &Readings) -> usize {
    readings.iter().map(Vec::len).sum()
}

/// Returns the plan that looks at what an account has used, in the default period and in all.
fn looking(
    policy: &Policy,
    resource: &Resource,
    per: Per,
    account: &str,
    now: Timestamp,
) -> Result<Plan, EngineError> {
    // Whoever looks at what a group has used need not be in it.
    let subject: Subject = if per == Per::Subject { account } else { "metergate" }.parse()?;
    let bound = |period: Period| {
        let bucket = Bucket::of(period, &policy.zone(), now);
        Bound { per, ..Bound::counting(period, bucket) }
    };
    let mut bounds = vec![bound(policy.period())];
    if policy.period() != Period::Never {
        bounds.push(bound(Period::Never));
    }
    let item = Item {
        resource: resource.clone(),
        aggregate: policy.measure(resource).aggregate,
        amount: Amount::ZERO,
        member: None,
        metered: true,
        source: Source::Nothing,
        bounds,
    };
    let group: Option<Arc<str>> = (per == Per::Group).then(|| account.into());
    let version: PolicyVersion = policy.version;
    Ok(Plan { version, subject, group, at: now, growing: false, items: vec![item] })
}
