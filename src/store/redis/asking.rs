//! Asking: runs a script that looks at the windows of a plan, again and again while it lacks what
//! has to be worked out before: buckets to open, days of the calendar, lines to fold.
//!
//! In the normal case it lacks nothing and this is one round trip.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fault::corrupt;
use super::fold::{self, Folded, Guard, Refolded, Whose};
use super::place::Place;
use super::plan::{self, Days};
use super::script::Script;
use super::{Redis, admission, codec, opening};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HeldItem, HoldId};
use crate::quota::plan::{Bound, Item, Plan, Reading, Readings};
use crate::store::StoreError;

/// How often a call is worked out anew because others were faster, before it is given up.
const TRIES: usize = 1000;

/// What a call is going to write, as far as the windows have to be folded for it.
#[derive(Clone, Debug)]
pub(super) enum Writes {
    Nothing,
    /// These lines.
    Lines(Vec<Event>),
    /// That a reservation is settled with an amount.
    Settling(HoldId, Amount),
    /// That a reservation is taken back.
    Refund(HoldId),
    /// These lines under this reservation; nothing if it is known, and then what it wrote before
    /// does not count.
    Charging(HoldId, Vec<Event>),
}

/// What was worked out beside the plan, as a script reads it.
#[derive(Debug, Default, Serialize)]
struct Extras {
    begun: Days,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    folds: BTreeMap<String, Folded>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    refunds: BTreeMap<String, Refolded>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<Guard>,
}

/// A call that looks at the windows of a plan.
pub(super) struct Asking<'a> {
    pub(super) store: &'a Redis,
    pub(super) plan: Option<&'a Plan>,
    pub(super) writes: Writes,
    pub(super) now: Timestamp,
}

impl Asking<'_> {
    /// Runs `script` with the plan, what was worked out beside, and these arguments. Returns its
    /// answer: a word, and what it says.
    pub(super) async fn run(
        &self,
        script: &Script,
        arguments: &[&str],
    ) -> Result<(String, Vec<String>), StoreError> {
        let store = self.store;
        let written = self.plan.map(|plan| plan::write(plan, self.now)).unwrap_or_default();
        let mut extras = Extras::default();
        if let Some(plan) = self.plan {
            extras.begun = store.series.days(plan.at);
        }
        // Those of this process that fold do so one after the other: they need not race.
        let mut turn = None;
        for _ in 0..TRIES {
            let beside = serde_json::to_string(&extras).unwrap_or_default();
            let mut all = vec![written.as_str(), &beside];
            all.extend(arguments);
            let mut answer: Vec<String> = store.connection.run(script, &all).await?;
            if answer.is_empty() {
                return Err(corrupt("a script says nothing"));
            }
            let word = answer.remove(0);
            match word.as_str() {
                "overflow" => return Err(StoreError::Overflow(crate::quota::Overflow)),
                "conflict" => {
                    return Err(StoreError::Conflict(answer.pop().unwrap_or_default()));
                }
                "open" => self.open(&answer).await?,
                "days" => self.begin(&mut extras, &answer)?,
                "again" => {
                    (extras.folds, extras.refunds, extras.guard) = Default::default();
                }
                "fold" | "refold" => {
                    if turn.is_none() {
                        turn = Some(store.folding.lock().await);
                        (extras.folds, extras.refunds, extras.guard) = Default::default();
                    }
                    if word == "fold" {
                        self.fold(&mut extras, &answer).await?;
                    } else {
                        self.refold(&mut extras, &answer).await?;
                    }
                }
                _ => return Ok((word, answer)),
            }
        }
        Err(StoreError::unavailable(
            "the books in Redis change faster than they can be read",
            "a window that has to be folded from its lines was charged each time in between",
        ))
    }

    fn window(&self, name: &str) -> Result<(&Plan, &Item, &Bound), StoreError> {
        let find = || {
            let (item, bound) = name.split_once(':')?;
            let plan = self.plan?;
            let item = plan.items.get(item.parse::<usize>().ok()?.checked_sub(1)?)?;
            let bound = item.bounds.get(bound.parse::<usize>().ok()?.checked_sub(1)?)?;
            Some((plan, item, bound))
        };
        find().ok_or_else(|| corrupt(format!("there is no window {name}")))
    }

    async fn open(&self, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            let (plan, item, bound) = self.window(name)?;
            opening::open(self.store, plan, item, bound, self.now).await?;
        }
        Ok(())
    }

    /// Works out the days on which buckets by first use would begin.
    fn begin(&self, extras: &mut Extras, answer: &[String]) -> Result<(), StoreError> {
        let (at, keys) = answer.split_first().ok_or_else(|| corrupt("days of no moment"))?;
        let at = codec::moment(at)?;
        for key in keys {
            let series = self.store.series.remember(key, at)?;
            extras.begun.entry(key.clone()).or_default().push(plan::day(&series, at));
        }
        Ok(())
    }

    async fn fold(&self, extras: &mut Extras, names: &[String]) -> Result<(), StoreError> {
        let (writes, without) = self.lines().await?;
        let mut guard = extras.guard.take().unwrap_or_default();
        for name in names {
            let window = self.window(name)?;
            let folded = fold::window(self.store, &mut guard, window, without, &writes).await?;
            extras.folds.insert(name.clone(), folded);
        }
        extras.guard = Some(guard);
        Ok(())
    }

    /// Folds what a refund leaves of counters that cannot follow it.
    async fn refold(&self, extras: &mut Extras, answer: &[String]) -> Result<(), StoreError> {
        let (writes, _) = self.lines().await?;
        let mut guard = extras.guard.take().unwrap_or_default();
        for three in answer.chunks(3) {
            let [_, account, field] = three else {
                return Err(corrupt("a refund of no bucket"));
            };
            let places = self.store.keys().places();
            let text: Option<String> =
                self.store.connection.ask(redis::cmd("HGET").arg(places).arg(field)).await?;
            let Some(text) = text else { continue };
            let place = Place::read(&text)?;
            let (per, resource) = Place::whose(field)?;
            let (resource, bucket) = (&resource, &place.bucket);
            let whose = Whose { resource, per, account, bucket };
            let anew = fold::anew(self.store, &mut guard, &place, whose, &writes).await?;
            extras.refunds.insert(field.clone(), anew);
        }
        extras.guard = Some(guard);
        Ok(())
    }

    /// Returns the lines that will be written, and whose lines are left out.
    async fn lines(&self) -> Result<(Vec<Event>, Option<HoldId>), StoreError> {
        Ok(match &self.writes {
            Writes::Nothing => (Vec::new(), None),
            Writes::Lines(lines) => (lines.clone(), None),
            Writes::Charging(id, lines) => match admission::held(self.store, *id).await? {
                Some(_) => (Vec::new(), Some(*id)),
                None => (lines.clone(), None),
            },
            Writes::Settling(id, total) => {
                let held = admission::held(self.store, *id).await?;
                let line =
                    |held: &Held, item: &HeldItem| held.event(item, Kind::Settle, item.amount);
                let lines = |held: Held| {
                    held.charges(*total).iter().map(|item| line(&held, item)).collect()
                };
                (held.map(lines).unwrap_or_default(), None)
            }
            Writes::Refund(id) => {
                let Some(held) = admission::held(self.store, *id).await? else {
                    return Ok((Vec::new(), None));
                };
                let mut lines = Vec::new();
                for item in &held.items {
                    let amount = Amount::ZERO.minus(item.amount)?;
                    lines.push(held.event(item, Kind::Refund, amount));
                }
                (lines, None)
            }
        })
    }
}

/// Reads what the windows of `plan` hold, one after the other.
pub(super) fn readings(plan: &Plan, texts: &[String]) -> Result<Readings, StoreError> {
    let mut texts = texts.iter();
    let mut next = || {
        let text = texts.next().ok_or_else(|| corrupt("a window has no reading"))?;
        reading(text)
    };
    let mut item = |item: &Item| item.bounds.iter().map(|_| next()).collect();
    plan.items.iter().map(&mut item).collect()
}

/// Reads `USED HELD SINCE OVER KNOWN OLDEST`.
fn reading(text: &str) -> Result<Reading, StoreError> {
    let parts: Vec<_> = text.split(' ').collect();
    let [used, held, since, over, known, oldest] = parts.as_slice() else {
        return Err(corrupt(format!("\"{text}\" is no reading")));
    };
    Ok(Reading {
        used: codec::amount(used)?,
        held: codec::amount(held)?,
        since: codec::maybe(since)?,
        over_since: codec::maybe(over)?,
        known: *known == "1",
        oldest: codec::maybe(oldest)?,
    })
}
