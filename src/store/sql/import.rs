//! Import: replaces policy, grants, and perhaps the whole ledger, in one step.

use super::step::Step;
use super::value::values;
use super::{buckets, ledger, policy, prune};
use crate::quota::PolicyVersion;
use crate::quota::count::Count;
use crate::store::{Import, Ledger, StoreError};

/// All that follows from a ledger, or is about its lines; notices were told and stay.
const REPLACED: [&str; 11] = [
    "event",
    "bucket",
    "counter",
    "member",
    "part",
    "parts",
    "balance",
    "pruned",
    "mark",
    "hold",
    "hold_item",
];

pub(super) fn import(
    step: &mut Step<'_>,
    import: &Import,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let next = policy::raise(step, seen)?;
    policy::put_store_layer(step.db, &import.layer)?;
    if import.no_others {
        step.db.write("DELETE FROM grants", values![])?;
    }
    for (subject, grants) in &import.grants {
        policy::put_grants(step.db, subject, grants)?;
    }
    if let Some(ledger) = &import.ledger {
        replace(step, ledger)?;
    } else {
        buckets::close_changed(step, &policy::load(step.view())?)?;
    }
    step.known.forget();
    Ok(next)
}

fn replace(step: &mut Step<'_>, ledger: &Ledger) -> Result<(), StoreError> {
    for table in REPLACED {
        step.db.write(&format!("DELETE FROM {table}"), values![])?;
    }
    for balance in &ledger.balances {
        let count = Count { used: balance.used, newest: balance.newest, since: None };
        prune::write(step.db, &balance.resource, balance.per, &balance.account, &count)?;
    }
    let mut last = 0;
    for line in &ledger.lines {
        let id = i64::try_from(line.id).unwrap_or(0);
        last = if id > last { id } else { last + 1 };
        ledger::write(step, last, &line.event, line.key.as_ref(), line.recorded)?;
    }
    Ok(())
}
