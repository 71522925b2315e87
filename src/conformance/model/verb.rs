//! Verb: anything that can be asked of a store, by chance.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::quota::{Aggregate, Resource, Subject};
use proptest::prelude::*;

use crate::conformance::words::*;

/// A Sunday, a Monday, the last day of a month, the first of the next.
pub(super) const DAYS: [&str; 4] = ["2026-06-28", "2026-06-29", "2026-06-30", "2026-07-01"];

/// The windows a plan may ask for.
pub(super) const WINDOWS: [&str; 12] = [
    "8/day",
    "12/week",
    "15/month",
    "10/2d",
    "9/rolling 36h",
    "14/rolling 1 month soft ceiling 18",
    "20/month per group",
    "30/day per server",
    "16/rolling 2d per group",
    "12/3d per server trailing",
    "5/2d observe per group",
    "11/rolling 90m per server",
];

/// How each of the resources adds up.
pub(super) const AGGREGATES: [Aggregate; 4] = Aggregate::ALL;

pub(super) fn resource(what: usize) -> Resource {
    ["media_bytes", "peak", "level", "rooms"][what].parse().unwrap()
}

pub(super) fn group(index: usize) -> Option<&'static str> {
    [None, Some("free"), Some("gold")][index]
}

pub(super) fn who(index: usize) -> Subject {
    [alice(), bob()][index].clone()
}

pub(super) fn day(index: usize) -> Timestamp {
    moment(DAYS[index]).after(Duration::from_hours(12))
}

/// Who asks how much of what.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) who: usize,
    pub(super) group: usize,
    pub(super) what: usize,
    pub(super) member: usize,
    pub(super) amount: i64,
    pub(super) day: usize,
    pub(super) windows: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Verb {
    Reserve { ask: Ask, lives: Lives },
    Consume { ask: Ask },
    Grow { which: usize, amount: i64, windows: Vec<usize> },
    Extend { which: usize },
    Settle { which: usize, total: i64 },
    Release { which: usize },
    Refund { which: usize },
    Record { ask: Ask, key: Option<u8> },
    Set { ask: Ask, basis: usize },
    Reset { ask: Ask, one: Option<usize> },
    Wait { minutes: u64 },
    Prune,
    Forget { who: usize },
    Recount,
    // The process ends without a word, and another begins.
    Crash,
}

/// How long a reservation lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lives {
    Shortly,
    Long,
    /// As long as the process, where the store can tell.
    WithItsOwner,
}

fn windows() -> impl Strategy<Value = Vec<usize>> + Clone {
    prop::sample::subsequence((0..WINDOWS.len()).collect::<Vec<_>>(), 0..5)
}

fn ask(least: i64) -> impl Strategy<Value = Ask> {
    let place = (0..2_usize, 0..3_usize, 0..4_usize, 0..3_usize);
    (place, least..7_i64, 0..DAYS.len(), windows()).prop_map(
        |((who, group, what, member), amount, day, windows)| Ask {
            who,
            group,
            what,
            member,
            amount,
            day,
            windows,
        },
    )
}

pub(super) fn verb() -> impl Strategy<Value = Verb> {
    let which = 0..6_usize;
    let key = prop::option::of(0..3_u8);
    let one = prop::option::of(0..6_usize);
    let lives = prop::sample::select(vec![Lives::Shortly, Lives::Long, Lives::WithItsOwner]);
    prop_oneof![
        4 => (ask(0), lives).prop_map(|(ask, lives)| Verb::Reserve { ask, lives }),
        3 => ask(0).prop_map(|ask| Verb::Consume { ask }),
        2 => (which.clone(), 0..5_i64, windows())
            .prop_map(|(which, amount, windows)| Verb::Grow { which, amount, windows }),
        1 => which.clone().prop_map(|which| Verb::Extend { which }),
        3 => (which.clone(), 0..7_i64).prop_map(|(which, total)| Verb::Settle { which, total }),
        2 => which.clone().prop_map(|which| Verb::Release { which }),
        3 => which.prop_map(|which| Verb::Refund { which }),
        5 => (ask(-4), key).prop_map(|(ask, key)| Verb::Record { ask, key }),
        2 => (ask(0), 0..6_usize).prop_map(|(ask, basis)| Verb::Set { ask, basis }),
        2 => (ask(0), one).prop_map(|(ask, one)| Verb::Reset { ask, one }),
        2 => (1..15_u64).prop_map(|minutes| Verb::Wait { minutes }),
        2 => (60..2880_u64).prop_map(|minutes| Verb::Wait { minutes }),
        1 => Just(Verb::Prune),
        1 => (0..2_usize).prop_map(|who| Verb::Forget { who }),
        1 => Just(Verb::Recount),
        1 => Just(Verb::Crash),
    ]
}
