//! Import: replaces policy, grants, and perhaps the whole ledger, in one step: all is put where
//! nobody looks, in pieces, and then taken for what there is, by one script.

use super::codec::{texts, write_balance, write_line};
use super::fault::corrupt;
use super::keys::Keys;
use super::script::script;
use super::{Redis, policy};
use crate::quota::count::Count;
use crate::quota::event::Line;
use crate::quota::{Grants, PolicyVersion, Subject};
use crate::store::{Balance, Import, Ledger, StoreError};

script!(BEGIN, IMPORTING, "verbs/import_begin.lua");
script!(GRANTS, IMPORTING, "verbs/import_grants.lua");
script!(BALANCES, IMPORTING, "verbs/import_balances.lua");
script!(LINES, IMPORTING, "verbs/import_lines.lua");
script!(SWAP, IMPORTING, "verbs/import_swap.lua");
script!(SWEEP, IMPORTING, "verbs/sweep.lua");
script!(UNSWEPT, WORDS, "verbs/unswept.lua");

/// How many of each are put in at once, so that no call waits long for it.
const AT_ONCE: usize = 500;

/// How often the swap is tried: each time one more resource may have been met.
const TRIES: usize = 16;

pub(super) async fn import(
    store: &Redis,
    import: Import,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let others = if import.no_others { "1" } else { "0" };
    let answer = store.connection.run(&BEGIN, &[&seen.0.to_string(), others]).await?;
    let root = said("root", answer)?;
    let done = put_in(store, &root, &import, seen).await;
    // What is not in use any more; if that fails, the next prune goes on with it.
    let old = if done.is_ok() { "" } else { root.as_str() };
    if import.ledger.is_some() || done.is_err() {
        _ = sweep(store, old).await;
    }
    done
}

async fn put_in(
    store: &Redis,
    root: &str,
    import: &Import,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    for some in import.grants.chunks(AT_ONCE) {
        grants(store, root, some).await?;
    }
    if let Some(Ledger { balances, lines }) = &import.ledger {
        for some in balances.chunks(AT_ONCE) {
            self::balances(store, root, some).await?;
        }
        let mut last = 0;
        for some in lines.chunks(AT_ONCE) {
            last = self::lines(store, root, some, last).await?;
        }
    }
    let next = PolicyVersion(seen.0.saturating_add(1));
    let layer = serde_json::to_string(&import.layer)
        .map_err(|error| corrupt(format!("a layer cannot be written: {error}")))?;
    let replaced = if import.ledger.is_some() { "1" } else { "" };
    let (before, after) = (seen.0.to_string(), next.0.to_string());
    for _ in 0..TRIES {
        let mut policy = policy::load(store).await?;
        policy.store = import.layer.clone();
        let measures = policy::aggregates(store, &policy).await?;
        let arguments = [&before, &after, root, &layer, replaced, &measures];
        let answer: Vec<String> = store.connection.run(&SWAP, &arguments).await?;
        if answer.first().is_none_or(|word| word != "again") {
            said("done", answer)?;
            return Ok(next);
        }
    }
    Err(StoreError::unavailable(
        "the books in Redis are changed all the time: try again in a moment",
        "a bucket of another resource was opened each time",
    ))
}

async fn grants(store: &Redis, root: &str, some: &[(Subject, Grants)]) -> Result<(), StoreError> {
    let mut all = vec![root.to_owned()];
    for (subject, grants) in some {
        all.push(subject.to_string());
        all.push(if grants.is_empty() {
            String::new()
        } else {
            serde_json::to_string(grants)
                .map_err(|error| corrupt(format!("grants cannot be written: {error}")))?
        });
    }
    put(store, &GRANTS, &all).await
}

async fn balances(store: &Redis, root: &str, some: &[Balance]) -> Result<(), StoreError> {
    let mut all = vec![root.to_owned()];
    for Balance { resource, per, account, used, newest } in some {
        let balance = write_balance(&Count { used: *used, newest: *newest, since: None });
        all.extend([per.to_string(), resource.to_string(), account.clone(), balance]);
    }
    put(store, &BALANCES, &all).await
}

/// Puts lines behind the line `last`; returns the id of the last of them.
async fn lines(store: &Redis, root: &str, some: &[Line], last: u64) -> Result<u64, StoreError> {
    let (mut all, mut last) = (vec![root.to_owned()], last);
    for line in some {
        last = line.id.max(last.saturating_add(1));
        all.extend([Keys::id(last), write_line(line)]);
    }
    put(store, &LINES, &all).await?;
    Ok(last)
}

async fn put(
    store: &Redis,
    script: &super::script::Script,
    all: &[String],
) -> Result<(), StoreError> {
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let is_in: u8 = store.connection.run(script, &all).await?;
    if is_in == 1 {
        return Ok(());
    }
    Err(StoreError::unavailable(
        "the import was given up: try again",
        "it stood still for too long",
    ))
}

/// Takes away a root that was given up, or all that are no longer in use.
async fn sweep(store: &Redis, root: &str) -> Result<(), StoreError> {
    let mut cursor = "0".to_owned();
    loop {
        cursor = store.connection.run(&SWEEP, &[&cursor, root]).await?;
        if cursor == "0" {
            return Ok(());
        }
    }
}

/// Goes on with what an import left, if it was broken off.
pub(super) async fn sweep_rest(store: &Redis) -> Result<(), StoreError> {
    let is_left: u8 = store.connection.run(&UNSWEPT, &[]).await?;
    if is_left == 1 { sweep(store, "").await } else { Ok(()) }
}

/// Returns what an answer says behind `word`.
fn said(word: &str, answer: Vec<String>) -> Result<String, StoreError> {
    let [first, text] = <[String; 2]>::try_from(answer)
        .map_err(|answer| corrupt(format!("an answer is {}", texts(&[&answer.join(" ")]))))?;
    match first {
        first if first == word => Ok(text),
        first if first == "conflict" => Err(StoreError::Conflict(text)),
        first => Err(corrupt(format!("a script answers {first}"))),
    }
}
