//! Ledger: writes a line, and counts it.

use super::counters;
use super::step::Step;
use super::value::values;
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::idempotency::Key;
use crate::store::StoreError;

/// Writes a line of the ledger, and counts it.
pub(super) fn append(
    step: &mut Step<'_>,
    event: &Event,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = next(step)?;
    write(step, id, event, key, now)?;
    step.known.last_line = Some(id);
    match event.kind {
        Kind::Lapse => Ok(()),
        Kind::Use | Kind::Set | Kind::Settle | Kind::Refund | Kind::Reset => {
            counters::add(step, event)
        }
    }
}

/// Returns the id of the next line: one that no line ever had.
fn next(step: &Step<'_>) -> Result<i64, StoreError> {
    let last = match step.known.last_line {
        Some(last) => last,
        None => step.db.sure(
            "SELECT coalesce(max(id), 0) FROM (SELECT max(id) AS id FROM event
                                               UNION ALL SELECT max(line) FROM pruned) AS lines",
            values![],
            |row| row.get(0),
        )?,
    };
    Ok(last + 1)
}

/// Writes a line of the ledger under this id.
pub(super) fn write(
    step: &Step<'_>,
    id: i64,
    event: &Event,
    key: Option<&Key>,
    recorded: Timestamp,
) -> Result<(), StoreError> {
    step.db.write(
        "INSERT INTO event (id, subject, grp, resource, kind, amount, member, at_ms, recorded_ms,
                            hold, bucket, key, fingerprint)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        values![
            id,
            event.subject,
            event.group,
            event.resource,
            event.kind,
            event.amount,
            event.member,
            event.at,
            recorded,
            event.hold,
            event.bucket,
            key.map(|key| &key.name),
            key.map(|key| &key.fingerprint),
        ],
    )?;
    Ok(())
}
