//! Admission: decides a plan, and sets room aside or charges it at once.

use std::collections::HashMap;

use super::asking::{Asking, Writes, readings};
use super::fault::corrupt;
use super::script::script;
use super::{Redis, codec};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HoldId, Instance, Life, State};
use crate::quota::plan::{Plan, Readings};
use crate::store::{Admission, StoreError};

script!(READ, WINDOWS, "verbs/read.lua");
script!(RESERVE, WINDOWS, "verbs/reserve.lua");
script!(GROW, WINDOWS, "verbs/grow.lua");
script!(CONSUME, WINDOWS, "verbs/consume.lua");
script!(EXTEND, BOOKS, "verbs/extend.lua");
script!(LIVING, BOOKS, "verbs/living.lua");

pub(super) async fn read(
    store: &Redis,
    plan: &Plan,
    now: Timestamp,
) -> Result<Option<Readings>, StoreError> {
    let asking = Asking { store, plan: Some(plan), writes: Writes::Nothing, now };
    let (word, texts) = asking.run(&READ, &[&now.millis().to_string()]).await?;
    match word.as_str() {
        "stale" => Ok(None),
        _ => readings(plan, &texts).map(Some),
    }
}

pub(super) async fn reserve(
    store: &Redis,
    plan: &Plan,
    id: HoldId,
    life: &Life,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let asking = Asking { store, plan: Some(plan), writes: Writes::Nothing, now };
    let (kind, life) = match life {
        Life::Until(end) => ("until", end.millis().to_string()),
        Life::While(instance) => ("instance", instance.as_str().to_owned()),
    };
    let arguments = [&id.to_string(), kind, &life, &now.millis().to_string()];
    admission(plan, asking.run(&RESERVE, &arguments).await?)
}

pub(super) async fn grow(
    store: &Redis,
    id: HoldId,
    plan: &Plan,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let asking = Asking { store, plan: Some(plan), writes: Writes::Nothing, now };
    let arguments = [id.to_string(), now.millis().to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    admission(plan, asking.run(&GROW, &arguments).await?)
}

pub(super) async fn consume(
    store: &Redis,
    plan: &Plan,
    id: HoldId,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let charge = |item| Event { hold: Some(id), ..plan.event(item, Kind::Settle) };
    let lines = plan.items.iter().map(charge).collect();
    let writes = Writes::Charging(id, lines);
    let asking = Asking { store, plan: Some(plan), writes, now };
    let arguments = [id.to_string(), now.millis().to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    admission(plan, asking.run(&CONSUME, &arguments).await?)
}

fn admission(plan: &Plan, answer: (String, Vec<String>)) -> Result<Admission, StoreError> {
    let (word, texts) = answer;
    match word.as_str() {
        "granted" => readings(plan, &texts).map(Admission::Granted),
        "denied" => readings(plan, &texts).map(Admission::Denied),
        "lapsed" => Ok(Admission::Lapsed),
        "stale" => Ok(Admission::Stale),
        _ => Err(corrupt("a decision that is none")),
    }
}

pub(super) async fn extend(
    store: &Redis,
    id: HoldId,
    end: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let arguments = [id.to_string(), end.millis().to_string(), now.millis().to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let answer: Vec<String> = store.connection.run(&EXTEND, &arguments).await?;
    Ok(answer.first().is_some_and(|word| word == "extended"))
}

pub(super) async fn held(store: &Redis, id: HoldId) -> Result<Option<Held>, StoreError> {
    let key = store.keys().hold(&id.to_string());
    let fields: HashMap<String, String> =
        store.connection.ask(redis::cmd("HGETALL").arg(key)).await?;
    if fields.is_empty() {
        return Ok(None);
    }
    read_hold(id, &fields).map(Some)
}

pub(super) async fn open(
    store: &Redis,
    now: Timestamp,
    most: usize,
) -> Result<Vec<Held>, StoreError> {
    let arguments = [now.millis().to_string(), most.to_string()];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let answer: Vec<Vec<String>> = store.connection.run(&LIVING, &arguments).await?;
    let read = |parts: Vec<String>| {
        let (id, fields) = parts.split_first().ok_or_else(|| corrupt("a reservation of no id"))?;
        let pairs = fields.chunks_exact(2).filter_map(|pair| match pair {
            [field, value] => Some((field.clone(), value.clone())),
            _ => None,
        });
        let id = id.parse().map_err(|_| corrupt("a reservation of no id"))?;
        read_hold(id, &pairs.collect())
    };
    answer.into_iter().map(read).collect()
}

/// Reads a reservation as it is kept.
pub(super) fn read_hold(id: HoldId, fields: &HashMap<String, String>) -> Result<Held, StoreError> {
    let wrong = || corrupt(format!("the reservation {id} cannot be read"));
    let field = |name| fields.get(name).map(String::as_str);
    let life = match (field("instance"), field("until")) {
        (Some(instance), _) => Life::While(Instance::named(instance)),
        (None, Some(end)) => Life::Until(codec::moment(end)?),
        (None, None) => return Err(wrong()),
    };
    Ok(Held {
        id,
        subject: field("subject").and_then(|it| it.parse().ok()).ok_or_else(wrong)?,
        group: field("group").filter(|group| !group.is_empty()).map(Into::into),
        at: codec::moment(field("at").unwrap_or_default())?,
        life,
        state: field("state").and_then(State::named).ok_or_else(wrong)?,
        items: codec::read_items(field("items").unwrap_or_default())?,
    })
}
