//! Plan: a plan as a script reads it, with all that takes a calendar worked out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::place::{self, Place};
use crate::clock::Timestamp;
use crate::quota::Bucket;
use crate::quota::bucket::Shape;
use crate::quota::period::Period;
use crate::quota::plan::{Bound, Item, Plan};
use crate::quota::strictness::Admit;

#[derive(Serialize)]
struct Written<'a> {
    version: String,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    at: i64,
    growing: bool,
    items: Vec<WrittenItem<'a>>,
}

#[derive(Serialize)]
struct WrittenItem<'a> {
    resource: &'a str,
    aggregate: &'static str,
    amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'a str>,
    metered: bool,
    bounds: Vec<WrittenBound<'a>>,
}

#[derive(Serialize)]
struct WrittenBound<'a> {
    per: &'static str,
    key: &'a str,
    shape: &'static str,
    start: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    mode: &'static str,
    trailing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceiling: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace: Option<i64>,
    warnings: Vec<u16>,
    period: String,
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    earliest: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alive: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<bool>,
}

/// Writes `plan` for a call at `now`.
pub(super) fn write(plan: &Plan, now: Timestamp) -> String {
    let item = |item| written_item(item, plan.at, now);
    let written = Written {
        version: plan.version.0.to_string(),
        subject: plan.subject.as_str(),
        group: plan.group.as_deref(),
        at: plan.at.millis(),
        growing: plan.growing,
        items: plan.items.iter().map(item).collect(),
    };
    // Texts and numbers can always be written.
    serde_json::to_string(&written).unwrap_or_default()
}

fn written_item(item: &Item, at: Timestamp, now: Timestamp) -> WrittenItem<'_> {
    let bound = |bound| written_bound(bound, item, at, now);
    WrittenItem {
        resource: item.resource.as_str(),
        aggregate: item.aggregate.name(),
        amount: item.amount.to_string(),
        member: item.member.as_deref(),
        metered: item.metered,
        bounds: item.bounds.iter().map(bound).collect(),
    }
}

fn written_bound<'a>(
    bound: &'a Bound,
    item: &Item,
    at: Timestamp,
    now: Timestamp,
) -> WrittenBound<'a> {
    let (bucket, strictness) = (&bound.bucket, &bound.strictness);
    let alive = alive(bucket, now);
    let grace = |grace: Duration| i64::try_from(grace.as_millis()).unwrap_or(i64::MAX).min(LONG);
    WrittenBound {
        per: bound.per.name(),
        key: &bucket.key,
        shape: place::shape(bucket),
        start: bucket.start.millis(),
        finish: bucket.end.map(Timestamp::millis),
        limit: bound.limit.map(|limit| limit.to_string()),
        mode: strictness.mode.name(),
        trailing: strictness.admit == Admit::Trailing,
        ceiling: strictness.ceiling.map(|ceiling| ceiling.to_string()),
        grace: strictness.grace.map(grace),
        warnings: strictness.warnings.percentages().collect(),
        period: bound.period.to_string(),
        place: Place::write(bucket, item.aggregate),
        earliest: earliest(bucket).map(Timestamp::millis),
        alive: alive.map(Timestamp::millis),
        ended: alive.map(|alive| at < alive),
    }
}

/// Longer than all time there is, and exact as a Lua number.
const LONG: i64 = 1_000_000_000_000_000;

/// Returns the first moment that still counts at `now` in a rolling window: a charge leaves it when
/// this has passed the charge.
fn alive(bucket: &Bucket, now: Timestamp) -> Option<Timestamp> {
    match &bucket.shape {
        Shape::Rolling { length, zone } => {
            Some(Bucket::of(Period::Rolling(*length), zone, now).start)
        }
        Shape::Stretch | Shape::FirstUse { .. } => None,
    }
}

/// Returns the first moment of those at which a first use would make a bucket that has not begun
/// hold its own start.
fn earliest(bucket: &Bucket) -> Option<Timestamp> {
    let Shape::FirstUse { days, .. } = bucket.shape else { return None };
    let start = bucket.start.millis();
    // No civil day is longer than two.
    let reach = i64::from(days).saturating_add(1).saturating_mul(48 * 3_600_000);
    let (mut early, mut late) = (start.saturating_sub(reach), start);
    while late - early > 1 {
        let middle = early + (late - early) / 2;
        if bucket.may_begin_at(Timestamp::from_millis(middle)) {
            late = middle;
        } else {
            early = middle;
        }
    }
    Some(Timestamp::from_millis(late))
}

/// A day by a bucket that opens by its first use: its first moment, the first after it, and the
/// end of the stretch that would begin on it.
pub(super) type Day = (i64, i64, Option<i64>);

/// Days of buckets by first use, by their keys.
pub(super) type Days = BTreeMap<String, Vec<Day>>;

/// Returns the day that a first use at `at` would begin in `series`; it is told of that moment
/// only.
pub(super) fn day(series: &Bucket, at: Timestamp) -> Day {
    let begun = series.begun(at);
    (begun.start.millis(), at.millis() + 1, begun.end.map(Timestamp::millis))
}
