//! Recount: makes the counters of one bucket, or the parts of a rolling one, equal the ledger.

use std::collections::{BTreeMap, BTreeSet};

use super::step::Step;
use super::tally::Tally;
use super::value::values;
use super::window::Window;
use super::{buckets, counters, fold, members, parts};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::Count;
use crate::quota::{Aggregate, Amount, Per, Resource, Subject};
use crate::store::{Drift, Opened, StoreError};

pub(super) fn recount(
    step: &mut Step<'_>,
    opened: &Opened,
    subject: Option<&Subject>,
    dry_run: bool,
) -> Result<Vec<Drift>, StoreError> {
    let Opened { resource, aggregate, per, bucket } = opened;
    if subject.is_some() && *per != Per::Subject {
        // What is shared is not the subject's.
        return Ok(Vec::new());
    }
    let account = subject.map(Subject::as_str);
    let window = Window {
        resource,
        aggregate: *aggregate,
        per: *per,
        bucket,
        account: account.unwrap_or_default(),
    };
    let Some(id) = buckets::find(step.db, &window)? else {
        return Ok(Vec::new());
    };
    let drifts = if window.is_in_parts() {
        in_parts(step, &window, account, dry_run)
    } else if window.is_counted() && is_whole(step, &window)? {
        counted(step, id, &window, account, dry_run)
    } else {
        Ok(Vec::new())
    };
    step.known.forget();
    drifts
}

/// Returns the latest moment of the lines that were taken out of the ledger.
fn pruned(step: &Step<'_>, resource: &Resource) -> Result<Option<Timestamp>, StoreError> {
    step.db.one("SELECT at_ms FROM pruned WHERE resource = ?1", values![resource], |row| row.get(0))
}

/// Returns true if the ledger, or a balance, still has all that counts in the bucket.
fn is_whole(step: &Step<'_>, window: &Window<'_>) -> Result<bool, StoreError> {
    let start = window.bucket.start;
    if start == Timestamp::MIN || window.bucket.shape != Shape::Stretch {
        return Ok(true);
    }
    Ok(pruned(step, window.resource)?.is_none_or(|pruned| pruned < start))
}

fn counted(
    step: &mut Step<'_>,
    id: i64,
    window: &Window<'_>,
    account: Option<&str>,
    dry_run: bool,
) -> Result<Vec<Drift>, StoreError> {
    let Window { resource, aggregate, per, bucket, .. } = *window;
    let (mut ledger, mut kept) = (BTreeMap::new(), BTreeMap::new());
    if let Some(account) = account {
        let tally = fold::one(step.db, window, None)?;
        ledger.insert(account.to_owned(), tally);
        let count = counters::find(step.db, id, account)?;
        kept.extend(count.map(|count| (account.to_owned(), count)));
    } else {
        ledger = fold::everyone(step.db, resource, aggregate, per, bucket)?;
        kept = counters::all(step.db, id)?;
    }
    let pruned = pruned(step, resource)?;
    // Of a stretch of first use the ledger may no longer have all lines.
    let is_cut = |count: &Count| count.since.is_some_and(|since| pruned >= Some(since));
    let mut drifts = Vec::new();
    let accounts: BTreeSet<&String> = ledger.keys().chain(kept.keys()).collect();
    for account in accounts {
        let (tally, count) = (ledger.get(account), kept.get(account));
        let told = tally.map(|tally| tally.count).unwrap_or_default();
        let counted = count.copied().unwrap_or_default();
        if is_cut(&counted) {
            continue;
        }
        if told.used != counted.used {
            drifts.push(drift(window, account, counted.used, told.used));
        }
        // A lost member does not show in the count.
        if (told != counted || aggregate == Aggregate::Unique) && !dry_run {
            correct(step, id, account, tally, &told)?;
        }
    }
    Ok(drifts)
}

fn correct(
    step: &Step<'_>,
    id: i64,
    account: &str,
    tally: Option<&Tally>,
    count: &Count,
) -> Result<(), StoreError> {
    members::clear(step.db, id, account)?;
    if let Some(tally) = tally {
        counters::write(step.db, id, account, count)?;
        members::add_all(step.db, id, account, &tally.members)?;
    } else {
        counters::remove(step.db, id, account)?;
    }
    Ok(())
}

fn drift(window: &Window<'_>, account: &str, counted: Amount, ledger: Amount) -> Drift {
    Drift {
        resource: window.resource.clone(),
        per: window.per,
        account: account.to_owned(),
        bucket: window.bucket.key.clone(),
        counted,
        ledger,
    }
}

fn in_parts(
    step: &mut Step<'_>,
    window: &Window<'_>,
    account: Option<&str>,
    dry_run: bool,
) -> Result<Vec<Drift>, StoreError> {
    let Window { resource, per, .. } = *window;
    let pruned = pruned(step, resource)?.map(Timestamp::millis);
    let mut drifts = BTreeMap::new();
    for (size, from) in parts::kept(step.db, resource, per)? {
        // Of the parts before, the ledger does not have all lines any more.
        let first = pruned.map_or(from, |pruned| from.max(parts::floor(pruned, size) + size));
        let ledger = parts::sums(step.db, resource, per, size, (first, i64::MAX), account)?;
        let kept = parts::all(step.db, (resource, per, size), first, account)?;
        let places: BTreeSet<_> = ledger.keys().chain(kept.keys()).collect();
        for place in places {
            let (told, counted) = (ledger.get(place), kept.get(place));
            let told = told.copied().unwrap_or_default();
            let counted = counted.copied().unwrap_or_default();
            if told == counted {
                continue;
            }
            let (account, start) = place;
            drifts
                .entry(account.clone())
                .or_insert_with(|| (sum(&kept, account), sum(&ledger, account)));
            if !dry_run {
                parts::write(step.db, (resource, per, size), account, *start, told)?;
            }
        }
    }
    let named = drifts.iter().map(|(account, (counted, told))| {
        drift(window, account, counted.at_least_zero(), told.at_least_zero())
    });
    Ok(named.collect())
}

fn sum(parts: &BTreeMap<(String, i64), Amount>, account: &str) -> Amount {
    let own = parts.iter().filter(|((whose, _), _)| whose == account);
    own.fold(Amount::ZERO, |sum, (_, net)| parts::plus(sum, *net))
}
