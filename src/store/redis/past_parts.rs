//! Past parts: the parts of time that no opened window reaches any more, taken out little by little.

use std::collections::BTreeMap;

use super::fault::corrupt;
use super::script::script;
use super::{Redis, opened};
use crate::clock::Timestamp;
use crate::store::StoreError;

script!(PRUNE_PARTS, BOOKS, "verbs/prune_parts.lua");

const DAY: i64 = 86_400_000;

/// Takes out some of those before `before`; returns whether there are more.
pub(super) async fn prune(
    store: &Redis,
    before: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut needed = BTreeMap::<String, i64>::new();
    for (per, resource, place) in opened::all(store).await? {
        if place.is_in_parts() {
            let day = place.at(now)?.start.millis().div_euclid(DAY) * DAY;
            let first = needed.entry(format!("{per}:{resource}")).or_insert(day);
            *first = day.min(*first);
        }
    }
    let latest = before.millis().div_euclid(DAY) * DAY;
    let needed = serde_json::to_string(&needed).map_err(|error| corrupt(error.to_string()))?;
    let is_more: u8 = store.connection.run(&PRUNE_PARTS, &[&latest.to_string(), &needed]).await?;
    Ok(is_more == 1)
}

/// Takes out all that are no longer kept, so that parts from before can be kept again.
pub(super) async fn finish(store: &Redis) -> Result<(), StoreError> {
    loop {
        let is_more: u8 = store.connection.run(&PRUNE_PARTS, &["", "{}"]).await?;
        if is_more == 0 {
            return Ok(());
        }
    }
}
