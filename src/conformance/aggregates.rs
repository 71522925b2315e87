//! S16: how the lines of an account become its count: added, highest, newest, or by members.

use crate::clock::Timestamp;
use crate::quota::event::Kind;
use crate::quota::plan::Plan;
use crate::quota::{Aggregate, Amount, Layer, Measure, Resource};
use crate::store::{LayerKind, Lines, Store};

use crate::conformance::words::*;

clauses!(
    the_highest_counts_in_each_bucket,
    the_newest_counts_whenever_it_is_told,
    of_two_of_the_same_moment_the_later_told_counts,
    a_member_counts_once_in_each_bucket,
    a_member_of_a_pool_counts_once_whoever_brought_it,
    whoever_asks_is_told_whether_the_member_is_known,
    a_limit_on_the_highest_is_about_the_rise,
    a_limit_on_the_newest_is_about_its_value,
    a_limit_on_members_lets_known_ones_in,
    reservations_take_nothing_from_what_does_not_add_up,
    a_refund_of_the_highest_leaves_the_next,
    a_refund_of_the_newest_leaves_the_one_before,
    a_member_is_gone_with_the_last_charge_that_brought_it,
    a_reset_begins_every_aggregate_anew,
    changing_how_a_resource_adds_up_recounts_it,
    setting_a_sum_is_one_line_of_the_difference,
    setting_a_sum_to_what_it_is_changes_nothing,
    setting_the_newest_and_the_highest_brings_them_to_the_value,
    setting_ignores_the_limit_and_leaves_others_alone,
    members_cannot_be_set,
    setting_by_a_stale_plan_changes_nothing,
);

fn rooms() -> Resource {
    "rooms".parse().unwrap()
}

fn hour(hour: u32) -> Timestamp {
    moment(&format!("2026-06-18T{hour:02}:00:00Z"))
}

/// Declares that `rooms` add up as `aggregate`.
async fn declare(store: &dyn Store, aggregate: Aggregate) {
    let seen = store.policy().await.unwrap().version;
    let measure = Measure { aggregate, ..Measure::COUNT };
    let layer = Layer { resources: [(rooms(), measure)].into(), ..Layer::default() };
    store.write_layer(LayerKind::Store, layer, seen).await.unwrap();
}

/// Returns the plan of `alice` for `amount` rooms, which add up as it was last declared.
async fn ask(store: &dyn Store, at: Timestamp, amount: i64, windows: &[&str]) -> Plan {
    let policy = store.policy().await.unwrap();
    let mut plan = wants_at(at, 0, &[]);
    plan.items.clear();
    let plan = and_wants(plan, &rooms(), amount, windows);
    let aggregate = policy.measure(&rooms()).aggregate;
    Plan { version: policy.version, ..adding(aggregate, plan) }
}

async fn tell(store: &dyn Store, at: Timestamp, amount: i64) {
    recorded(store, &ask(store, at, amount, &["any/day", "any/month"]).await).await;
}

/// Returns what is used this day, this month, and in all.
async fn counts(store: &dyn Store, at: Timestamp) -> Vec<i64> {
    used(store, &ask(store, at, 0, &["any/day", "any/month"]).await).await
}

async fn the_highest_counts_in_each_bucket(store: &dyn Store) {
    declare(store, Aggregate::Max).await;
    for (at, amount) in [(hour(9), 5), (hour(8), 9), (hour(10), 7), (moment("2026-06-17"), 20)] {
        tell(store, at, amount).await;
    }
    tell(store, moment("2026-05-17"), 70).await;
    tell(store, hour(11), -3).await;
    assert_eq!(counts(store, noon()).await, [9, 20, 70]);
    assert_eq!(counts(store, moment("2026-05-17")).await, [70, 70, 70]);
    // Asked for later.
    let week = ask(store, noon(), 0, &["any/week", "any/rolling 12h", "any/hour"]).await;
    assert_eq!(used(store, &week).await[..3], [20, 9, 0]);
}

async fn the_newest_counts_whenever_it_is_told(store: &dyn Store) {
    declare(store, Aggregate::Last).await;
    for (at, amount) in [(hour(10), 7), (hour(9), 99), (moment("2026-06-17"), 20)] {
        tell(store, at, amount).await;
    }
    assert_eq!(counts(store, noon()).await, [7, 7, 7]);
    assert_eq!(counts(store, moment("2026-06-17")).await, [20, 7, 7]);
    tell(store, hour(11), 3).await;
    assert_eq!(counts(store, noon()).await, [3, 3, 3]);
    tell(store, hour(12), -3).await;
    assert_eq!(counts(store, noon()).await, [0, 0, 0]);
    let later = ask(store, noon(), 0, &["any/week", "any/rolling 90m"]).await;
    assert_eq!(used(store, &later).await[..2], [0, 0]);
}

async fn of_two_of_the_same_moment_the_later_told_counts(store: &dyn Store) {
    declare(store, Aggregate::Last).await;
    for amount in [7, 3, 5] {
        tell(store, hour(10), amount).await;
        assert_eq!(counts(store, noon()).await, [amount; 3]);
    }
}

async fn a_member_counts_once_in_each_bucket(store: &dyn Store) {
    declare(store, Aggregate::Unique).await;
    let windows = ["any/day", "any/month"];
    for (at, name) in
        [(hour(9), "a"), (hour(10), "b"), (hour(11), "a"), (moment("2026-06-17"), "a")]
    {
        recorded(store, &member(name, ask(store, at, 1, &windows).await)).await;
    }
    recorded(store, &member("c", ask(store, moment("2026-05-17"), 1, &windows).await)).await;
    assert_eq!(counts(store, noon()).await, [2, 2, 3]);
    assert_eq!(counts(store, moment("2026-06-17")).await, [1, 2, 3]);
    recorded(store, &member("c", ask(store, noon(), 1, &windows).await)).await;
    assert_eq!(counts(store, noon()).await, [3, 3, 3]);
    let later = ["any/week", "any/rolling 90m", "any/30d", "any/year per server"];
    assert_eq!(used(store, &ask(store, noon(), 0, &later).await).await[..4], [3, 2, 3, 3]);
}

/// S15.
async fn a_member_of_a_pool_counts_once_whoever_brought_it(store: &dyn Store) {
    declare(store, Aggregate::Unique).await;
    let windows = ["any/month", "any/month per group", "any/month per server"];
    let plan = ask(store, noon(), 1, &windows).await;
    for (subject, group, name) in
        [(alice(), "free", "a"), (bob(), "free", "a"), (bob(), "free", "b"), (bob(), "gold", "c")]
    {
        recorded(store, &within(group, by(subject, member(name, plan.clone())))).await;
    }
    assert_eq!(used(store, &within("free", plan.clone())).await[..3], [1, 2, 3]);
    assert_eq!(used(store, &within("gold", by(bob(), plan))).await[..3], [3, 1, 3]);
}

async fn whoever_asks_is_told_whether_the_member_is_known(store: &dyn Store) {
    declare(store, Aggregate::Unique).await;
    let windows_asked = ["any/day", "any/month", "any/month per group", "any/rolling 30d"];
    let yesterday = ask(store, moment("2026-06-17"), 1, &windows_asked).await;
    recorded(store, &within("free", member("a", yesterday))).await;
    let known = async |name: &str, subject| {
        let plan = ask(store, noon(), 1, &windows_asked).await;
        let plan = within("free", by(subject, member(name, plan)));
        windows(store, &plan).await.iter().map(|reading| reading.known).collect::<Vec<_>>()
    };
    assert_eq!(known("a", alice()).await, [false, true, true, true, true]);
    assert_eq!(known("b", alice()).await, [false; 5]);
    assert_eq!(known("a", bob()).await, [false, false, true, false, false]);
}

async fn a_limit_on_the_highest_is_about_the_rise(store: &dyn Store) {
    declare(store, Aggregate::Max).await;
    tell(store, hour(9), 8).await;
    let asks = async |amount| {
        let plan = ask(store, noon(), amount, &["10/month"]).await;
        fits(store, &plan, noon()).await
    };
    assert!(asks(3).await && asks(10).await && !asks(11).await);
    tell(store, hour(10), 30).await;
    // It is no higher than it was; but what is past its limit is past it.
    assert!(!asks(30).await && !asks(31).await);
}

async fn a_limit_on_the_newest_is_about_its_value(store: &dyn Store) {
    declare(store, Aggregate::Last).await;
    tell(store, hour(9), 30).await;
    let asks = async |amount| {
        let plan = ask(store, noon(), amount, &["10/month"]).await;
        fits(store, &plan, noon()).await
    };
    assert!(asks(10).await && asks(3).await && !asks(31).await);
    consumed(store, &ask(store, noon(), 4, &["10/month"]).await).await;
    assert_eq!(counts(store, noon()).await, [4, 4, 4]);
    assert!(!asks(11).await);
}

async fn a_limit_on_members_lets_known_ones_in(store: &dyn Store) {
    declare(store, Aggregate::Unique).await;
    let plan = ask(store, noon(), 1, &["2/month"]).await;
    for name in ["a", "b", "a"] {
        consumed(store, &member(name, plan.clone())).await;
    }
    assert!(fits(store, &member("b", plan.clone()), noon()).await);
    assert!(!fits(store, &member("c", plan.clone()), noon()).await);
    assert_eq!(counts(store, noon()).await, [2, 2, 2]);
}

async fn reservations_take_nothing_from_what_does_not_add_up(store: &dyn Store) {
    for aggregate in [Aggregate::Max, Aggregate::Last] {
        declare(store, aggregate).await;
        let plan = ask(store, noon(), 10, &["10/month"]).await;
        granted(store, &plan).await;
        granted(store, &plan).await;
    }
}

async fn a_refund_of_the_highest_leaves_the_next(store: &dyn Store) {
    declare(store, Aggregate::Max).await;
    let mut ids = Vec::new();
    for (at, amount) in [(hour(9), 5), (hour(10), 9), (hour(11), 7)] {
        ids.push(consumed(store, &ask(store, at, amount, &["any/day", "any/month"]).await).await);
    }
    assert_eq!(counts(store, noon()).await, [9; 3]);
    for (id, left) in [(ids[0], 9), (ids[1], 7), (ids[1], 7), (ids[2], 0)] {
        store.refund(id, None, noon()).await.unwrap().unwrap();
        assert_eq!(counts(store, noon()).await, [left; 3]);
    }
    let later = ask(store, noon(), 0, &["any/week", "any/rolling 12h"]).await;
    assert_eq!(used(store, &later).await[..2], [0, 0]);
}

async fn a_refund_of_the_newest_leaves_the_one_before(store: &dyn Store) {
    declare(store, Aggregate::Last).await;
    let windows = ["any/day", "any/month"];
    let mut ids = Vec::new();
    for (at, amount) in [(hour(11), 7), (hour(9), 5), (hour(10), 9)] {
        let plan = ask(store, at, amount, &windows).await;
        ids.push(charged(store, &plan, amount).await);
    }
    for (id, left) in [(ids[0], 9), (ids[2], 5), (ids[1], 0)] {
        store.refund(id, None, noon()).await.unwrap().unwrap();
        assert_eq!(counts(store, noon()).await, [left; 3]);
    }
}

async fn a_member_is_gone_with_the_last_charge_that_brought_it(store: &dyn Store) {
    declare(store, Aggregate::Unique).await;
    let plan = member("a", ask(store, noon(), 1, &["any/day", "any/month"]).await);
    let first = consumed(store, &plan).await;
    let second = consumed(store, &plan).await;
    store.refund(first, None, noon()).await.unwrap().unwrap();
    assert_eq!(counts(store, noon()).await, [1; 3]);
    store.refund(second, None, noon()).await.unwrap().unwrap();
    assert_eq!(counts(store, noon()).await, [0; 3]);
    assert!(!windows(store, &plan).await[0].known);
    recorded(store, &plan).await;
    assert_eq!(counts(store, noon()).await, [1; 3]);
}

async fn a_reset_begins_every_aggregate_anew(store: &dyn Store) {
    for (aggregate, again) in [(Aggregate::Max, 2), (Aggregate::Last, 2), (Aggregate::Unique, 1)] {
        declare(store, aggregate).await;
        let windows = ["any/day", "any/month", "any/rolling 12h"];
        let plan = |amount| async move {
            let plan = ask(store, hour(9), amount, &windows).await;
            if aggregate == Aggregate::Unique { member("a", plan) } else { plan }
        };
        recorded(store, &plan(7).await).await;
        store.reset(&plan(0).await, None, noon()).await.unwrap().unwrap();
        assert_eq!(used(store, &plan(0).await).await, [0; 4], "{aggregate}");
        assert!(!self::windows(store, &plan(0).await).await[0].known);
        recorded(store, &plan(2).await).await;
        assert_eq!(used(store, &plan(0).await).await, [again; 4], "{aggregate}");
        store.reset(&plan(0).await, None, noon()).await.unwrap().unwrap();
    }
}

async fn changing_how_a_resource_adds_up_recounts_it(store: &dyn Store) {
    declare(store, Aggregate::Sum).await;
    let windows = ["any/day", "any/month", "any/rolling 30d", "any/30d", "any/day per server"];
    for (at, name, amount) in [(hour(8), "a", 5), (hour(9), "b", 9), (hour(10), "a", 7)] {
        let mut plan = member(name, ask(store, at, amount, &windows).await);
        plan = adding(Aggregate::Sum, plan);
        recorded(store, &plan).await;
    }
    for (aggregate, expected) in [
        (Aggregate::Max, 9),
        (Aggregate::Last, 7),
        (Aggregate::Unique, 2),
        (Aggregate::Sum, 21),
        (Aggregate::Unique, 2),
    ] {
        declare(store, aggregate).await;
        let plan = ask(store, noon(), 0, &windows).await;
        assert_eq!(used(store, &plan).await, [expected; 6], "{aggregate}");
        let day = &plan.items[0].bounds[0].bucket;
        let top = store.top(&rooms(), aggregate, day, None, 9).await.unwrap();
        assert_eq!(top[0].used.get(), expected, "{aggregate}");
        // Opened by a call that writes, it is the same; a reservation of nothing charges nothing.
        let id = granted(store, &plan).await;
        store.release(id, noon()).await.unwrap().unwrap();
        assert_eq!(used(store, &plan).await, [expected; 6], "{aggregate}");
    }
}

async fn setting_a_sum_is_one_line_of_the_difference(store: &dyn Store) {
    declare(store, Aggregate::Sum).await;
    tell(store, moment("2026-06-17"), 3).await;
    tell(store, hour(9), 5).await;
    let plan = ask(store, noon(), 12, &["any/day", "any/month"]).await;
    let set = store.set(&plan, 0, noon()).await.unwrap().unwrap();
    let after: Vec<_> = set.readings[0].iter().map(|reading| reading.used.get()).collect();
    assert_eq!((after, set.replayed), (vec![12, 15, 15], false));
    let plan = ask(store, noon(), 6, &["any/day", "any/month"]).await;
    store.set(&plan, 1, noon()).await.unwrap().unwrap();
    assert_eq!(counts(store, noon()).await, [3, 6, 6]);
    let lines = store.lines(&Lines { most: 9, ..Lines::default() }).await.unwrap();
    let told: Vec<_> = lines.iter().map(|it| (it.event.kind, it.event.amount.get())).collect();
    assert_eq!(told, [(Kind::Use, 3), (Kind::Use, 5), (Kind::Set, 7), (Kind::Set, -9)]);
    // The first call again sees what it made, and adds nothing.
    store.set(&plan, 1, noon()).await.unwrap().unwrap();
    assert_eq!(counts(store, noon()).await, [3, 6, 6]);
}

async fn setting_a_sum_to_what_it_is_changes_nothing(store: &dyn Store) {
    declare(store, Aggregate::Sum).await;
    tell(store, hour(9), 5).await;
    let plan = ask(store, noon(), 5, &["any/day"]).await;
    let set = store.set(&plan, 0, noon()).await.unwrap().unwrap();
    assert_eq!(set.readings[0][0].used, Amount::new(5));
    assert_eq!(store.lines(&Lines { most: 9, ..Lines::default() }).await.unwrap().len(), 1);
}

async fn setting_the_newest_and_the_highest_brings_them_to_the_value(store: &dyn Store) {
    for aggregate in [Aggregate::Last, Aggregate::Max] {
        declare(store, aggregate).await;
        tell(store, moment("2026-06-17"), 50).await;
        tell(store, hour(9), 30).await;
        for value in [4, 44, 7] {
            let plan = ask(store, noon(), value, &["any/day", "any/month"]).await;
            let set = store.set(&plan, 0, noon()).await.unwrap().unwrap();
            assert_eq!(set.readings[0][0].used.get(), value, "{aggregate}");
            assert_eq!(counts(store, noon()).await[0], value, "{aggregate}");
        }
        let month = if aggregate == Aggregate::Last { 7 } else { 50 };
        assert_eq!(counts(store, noon()).await[1..], [month; 2], "{aggregate}");
        // The same whether it is kept or folded.
        let later = ask(store, noon(), 0, &["any/hour", "any/quarter"]).await;
        assert_eq!(used(store, &later).await[1], month, "{aggregate}");
    }
}

/// S10, S15.
async fn setting_ignores_the_limit_and_leaves_others_alone(store: &dyn Store) {
    let plan = |amount| wants(amount, &["5/month", "5/month per server"]);
    recorded(store, &by(bob(), plan(3))).await;
    recorded(store, &plan(4)).await;
    store.set(&plan(50), 0, noon()).await.unwrap().unwrap();
    assert_eq!(used(store, &plan(0)).await, [50, 53, 50]);
    assert_eq!(used(store, &by(bob(), plan(0))).await, [3, 53, 3]);
    // Everyone's, by what one of them is said to have used.
    store.set(&plan(10), 1, noon()).await.unwrap().unwrap();
    assert_eq!(used(store, &plan(0)).await, [7, 10, 7]);
}

async fn members_cannot_be_set(store: &dyn Store) {
    declare(store, Aggregate::Unique).await;
    let plan = ask(store, noon(), 5, &["any/day"]).await;
    assert_conflict(&store.set(&plan, 0, noon()).await);
    assert_eq!(counts(store, noon()).await, [0; 3]);
}

/// S4.
async fn setting_by_a_stale_plan_changes_nothing(store: &dyn Store) {
    declare(store, Aggregate::Sum).await;
    let stale = ask(store, noon(), 5, &["any/day"]).await;
    declare(store, Aggregate::Max).await;
    assert_eq!(store.set(&stale, 0, noon()).await.unwrap(), None);
    let id = crate::quota::held::HoldId::fresh();
    let consumed = store.consume(&stale, id, noon()).await.unwrap();
    assert_eq!(consumed, crate::store::Admission::Stale);
    assert_eq!(store.held(id).await.unwrap(), None);
    assert_eq!(counts(store, noon()).await, [0; 3]);
}
