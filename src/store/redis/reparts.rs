//! Reparts: makes the parts of time of a rolling sum equal the ledger.

use std::collections::{BTreeMap, BTreeSet};

use super::Redis;
use super::codec::amount;
use super::recount::drift;
use super::script::script;
use super::view::{Parts, View};
use super::walk::Walk;
use crate::clock::Timestamp;
use crate::quota::{Amount, Bucket, Subject};
use crate::store::{Drift, Opened, StoreError};

script!(ACCOUNTS, WORDS, "verbs/accounts.lua");
script!(PARTS_OF, WORDS, "verbs/parts_of.lua");
script!(CORRECT, BOOKS, "verbs/correct_parts.lua");

/// The letters of the parts, and how long each is, in milliseconds; the longest last.
const SIZES: [(char, i64); 3] = [('m', 60_000), ('h', 3_600_000), ('d', DAY)];
const DAY: i64 = 86_400_000;

/// How many accounts are asked for at once.
const AT_ONCE: usize = 1000;

/// What parts come to: letter, number.
type Sums = BTreeMap<(char, i64), Amount>;

/// Returns none if the books were changed meanwhile.
pub(super) async fn recount(
    store: &Redis,
    opened: &Opened,
    subject: Option<&Subject>,
    pruned: Option<Timestamp>,
    dry_run: bool,
    drifts: &mut BTreeMap<String, Drift>,
) -> Result<Option<()>, StoreError> {
    let view = View::now(store).await?;
    let accounts = match subject {
        Some(subject) => vec![subject.to_string()],
        None => accounts(store, opened).await?,
    };
    for account in accounts {
        let done = one(store, opened, &account, pruned, view.epoch.clone(), dry_run).await?;
        let Some(found) = done else {
            return Ok(None);
        };
        if let Some(drift) = found {
            drifts.entry(account).or_insert(drift);
        }
    }
    Ok(Some(()))
}

async fn accounts(store: &Redis, opened: &Opened) -> Result<Vec<String>, StoreError> {
    let Opened { resource, per, .. } = opened;
    let (mut found, mut bound) = (Vec::new(), "-".to_owned());
    loop {
        let arguments = [per.name(), resource.as_str(), &bound, &AT_ONCE.to_string()];
        let some: Vec<String> = store.connection.run(&ACCOUNTS, &arguments).await?;
        let Some(last) = some.last() else { return Ok(found) };
        bound = format!("({last}");
        found.extend(some);
    }
}

async fn one(
    store: &Redis,
    opened: &Opened,
    account: &str,
    pruned: Option<Timestamp>,
    epoch: String,
    dry_run: bool,
) -> Result<Option<Option<Drift>>, StoreError> {
    let Opened { resource, per, .. } = opened;
    let names = [per.name(), resource.as_str(), account];
    let [per_name, resource_name, _] = names;
    let arguments = [&epoch, per_name, resource_name, account];
    let answer: Option<Vec<String>> = store.connection.run(&PARTS_OF, &arguments).await?;
    let Some(answer) = answer else { return Ok(None) };
    let mut parts = Parts::of(answer);
    let view = View { epoch, last: parts.text()? };
    let from = parts.text()?;
    let Ok(from) = from.parse::<i64>() else {
        return Ok(Some(None));
    };
    // Of the parts before, the ledger does not have all lines any more.
    let whole = pruned.map(|pruned| (pruned.millis().div_euclid(DAY) + 1) * DAY);
    let first = whole.map_or(from, |whole| from.max(whole));
    let kept = read(&mut parts, first)?;
    let bucket = Bucket { start: Timestamp::from_millis(first), ..Bucket::all() };
    let walk = Walk { resource, per: *per, account: Some(account), bucket: &bucket };
    let mut told = Sums::new();
    let done = walk.each(store, &view, |lines| {
        for event in lines.lines.iter().map(|line| &line.event) {
            if event.kind.charges() {
                add(&mut told, event.at, event.amount);
            }
        }
    });
    if done.await?.is_none() {
        return Ok(None);
    }
    told.retain(|_, sum| *sum != Amount::ZERO);
    let wrong = differences(&kept, &told);
    if wrong.is_empty() {
        return Ok(Some(None));
    }
    if !dry_run {
        let mut all = vec![view.epoch.as_str(), per_name, resource_name, account];
        all.extend(wrong.iter().flat_map(|(part, more)| [part.as_str(), more]));
        let done: Option<u8> = store.connection.run(&CORRECT, &all).await?;
        if done.is_none() {
            return Ok(None);
        }
    }
    let (counted, ledger) = totals(&kept, &told);
    Ok(Some(Some(drift(opened, account, counted, ledger))))
}

/// Reads the parts that begin at `first` or later.
fn read(parts: &mut Parts, first: i64) -> Result<Sums, StoreError> {
    let mut sums = Sums::new();
    while !parts.is_empty() {
        let (part, sum) = (parts.text()?, amount(&parts.text()?)?);
        let size = SIZES.iter().find(|(letter, _)| part.starts_with(*letter));
        let number = part.get(1..).and_then(|number| number.parse::<i64>().ok());
        if let Some(((letter, size), number)) = size.zip(number)
            && number.saturating_mul(*size) >= first
        {
            sums.insert((*letter, number), sum);
        }
    }
    Ok(sums)
}

fn add(sums: &mut Sums, at: Timestamp, more: Amount) {
    for (letter, size) in SIZES {
        let sum = sums.entry((letter, at.millis().div_euclid(size))).or_default();
        *sum = plus(*sum, more);
    }
}

/// Past 64 bits a part stays at the end of the range.
fn plus(sum: Amount, more: Amount) -> Amount {
    Amount::new(sum.get().saturating_add(more.get()))
}

/// Returns the parts that differ, and what each lacks.
fn differences(kept: &Sums, told: &Sums) -> Vec<(String, String)> {
    let places: BTreeSet<_> = kept.keys().chain(told.keys()).collect();
    let lacks = |place: &(char, i64)| {
        let (told, kept) = (told.get(place), kept.get(place));
        let lacks =
            told.map_or(0, |told| told.get()).saturating_sub(kept.map_or(0, |kept| kept.get()));
        let (letter, number) = place;
        (lacks != 0).then(|| (format!("{letter}{number}"), lacks.to_string()))
    };
    places.into_iter().filter_map(lacks).collect()
}

/// Returns what the parts come to, of the longest of which some differ.
fn totals(kept: &Sums, told: &Sums) -> (Amount, Amount) {
    let of = |sums: &Sums, letter: char| {
        let own = sums.iter().filter(|((its, _), _)| *its == letter);
        own.fold(Amount::ZERO, |sum, (_, more)| plus(sum, *more)).at_least_zero()
    };
    let both = |letter: char| (of(kept, letter), of(told, letter));
    let differ = SIZES.iter().rev().map(|(letter, _)| both(*letter));
    differ.clone().find(|(kept, told)| kept != told).unwrap_or_else(|| both('d'))
}
