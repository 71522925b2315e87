//! Settle: how a reservation ends: settled, released, refunded.

use super::Redis;
use super::asking::{Asking, Writes};
use super::fault::corrupt;
use super::script::script;
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::held::HoldId;
use crate::quota::plan::Plan;
use crate::store::{Settled, StoreError};

script!(SETTLE, WINDOWS, "verbs/settle.lua");
script!(RELEASE, BOOKS, "verbs/release.lua");
script!(REFUND, WINDOWS, "verbs/refund.lua");

pub(super) async fn settle(
    store: &Redis,
    id: HoldId,
    total: Amount,
    watched: Option<&Plan>,
    now: Timestamp,
) -> Result<Option<Settled>, StoreError> {
    let asking = Asking { store, plan: watched, writes: Writes::Settling(id, total), now };
    let arguments = [id.to_string(), total.to_string(), now.millis().to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (word, said) = asking.run(&SETTLE, &arguments).await?;
    match (word.as_str(), said.as_slice()) {
        ("none", _) => Ok(None),
        ("settled", [late, replayed]) => {
            Ok(Some(Settled { late: late == "1", replayed: replayed == "1" }))
        }
        _ => Err(corrupt("a settlement that is none")),
    }
}

pub(super) async fn release(
    store: &Redis,
    id: HoldId,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let arguments = [id.to_string(), now.millis().to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let answer: Vec<String> = store.connection.run(&RELEASE, &arguments).await?;
    match answer.as_slice() {
        [word] if word == "released" => Ok(Some(())),
        [word] if word == "none" => Ok(None),
        [word, text] if word == "conflict" => Err(StoreError::Conflict(text.clone())),
        _ => Err(corrupt("a release that is none")),
    }
}

pub(super) async fn refund(
    store: &Redis,
    id: HoldId,
    watched: Option<&Plan>,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let asking = Asking { store, plan: watched, writes: Writes::Refund(id), now };
    let arguments = [id.to_string(), now.millis().to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (word, _) = asking.run(&REFUND, &arguments).await?;
    match word.as_str() {
        "none" => Ok(None),
        "refunded" => Ok(Some(())),
        _ => Err(corrupt("a refund that is none")),
    }
}
