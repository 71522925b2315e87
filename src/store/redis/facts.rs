//! Facts: what happened, whatever the limits.

use super::asking::{Asking, Writes, readings};
use super::script::script;
use super::{Redis, codec};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Item, Plan};
use crate::quota::{Aggregate, Bucket};
use crate::store::{Recorded, StoreError};

script!(RECORD, WINDOWS, "verbs/record.lua");
script!(SET, WINDOWS, "verbs/set.lua");
script!(RESET, WINDOWS, "verbs/reset.lua");

pub(super) async fn record(
    store: &Redis,
    plan: &Plan,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    let lines = plan.items.iter().map(|item| plan.event(item, Kind::Use)).collect();
    let asking = Asking { store, plan: Some(plan), writes: Writes::Lines(lines), now };
    let name = key.map(|key| key.name.as_str()).unwrap_or_default();
    let fingerprint = key.map(|key| codec::hexadecimal(&key.fingerprint)).unwrap_or_default();
    let arguments = [name, &fingerprint, &now.millis().to_string()];
    recorded(plan, asking.run(&RECORD, &arguments).await?)
}

pub(super) async fn set(
    store: &Redis,
    plan: &Plan,
    basis: usize,
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    if plan.items.len() != 1 {
        return Err(StoreError::Conflict("one resource is set at a time".to_owned()));
    }
    // As far as they are folded: what is added up is kept.
    let mut lines = Vec::new();
    for item in &plan.items {
        if let Some(bound) = item.bounds.get(basis).filter(|_| item.aggregate == Aggregate::Max) {
            lines.push(reset_of(plan, item, Some(&bound.bucket)));
        }
        lines.push(plan.event(item, Kind::Use));
    }
    let asking = Asking { store, plan: Some(plan), writes: Writes::Lines(lines), now };
    let arguments = [(basis + 1).to_string(), now.millis().to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    recorded(plan, asking.run(&SET, &arguments).await?)
}

fn recorded(
    plan: &Plan,
    (word, texts): (String, Vec<String>),
) -> Result<Option<Recorded>, StoreError> {
    if word == "stale" {
        return Ok(None);
    }
    let readings = readings(plan, &texts)?;
    Ok(Some(Recorded { readings, replayed: word == "replayed" }))
}

pub(super) async fn reset(
    store: &Redis,
    plan: &Plan,
    bucket: Option<&Bucket>,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let lines = plan.items.iter().map(|item| reset_of(plan, item, bucket)).collect();
    let asking = Asking { store, plan: Some(plan), writes: Writes::Lines(lines), now };
    let key = bucket.map(|bucket| bucket.key.as_str()).unwrap_or_default();
    let (word, _) = asking.run(&RESET, &[key, &now.millis().to_string()]).await?;
    Ok((word == "reset").then_some(()))
}

fn reset_of(plan: &Plan, item: &Item, bucket: Option<&Bucket>) -> Event {
    let bucket = bucket.map(|bucket| bucket.key.clone());
    Event { bucket, ..plan.event(item, Kind::Reset) }
}
