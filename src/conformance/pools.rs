//! S15: what a group, or everyone, shares: decided with the rest, all or nothing.

use std::time::Duration;

use crate::quota::held::{HoldId, Life};
use crate::quota::plan::Plan;
use crate::quota::{Amount, Subject};
use crate::store::{Admission, Store};

use crate::conformance::crowd::at_once;
use crate::conformance::words::*;

clauses!(
    exactly_as_many_as_every_pool_holds_are_let_in,
    each_group_fills_its_own_pool_and_no_other,
    a_full_pool_denies_and_nothing_changes_anywhere,
    a_full_window_of_ones_own_takes_nothing_from_the_pool,
    reservations_of_others_count_in_a_pool,
    what_lapsed_no_longer_counts_in_a_pool,
    who_is_in_no_group_draws_on_no_pool_of_one,
    a_charge_stays_in_the_pool_of_the_group_it_was_made_in,
    a_reservation_is_settled_and_refunded_in_the_pool_it_was_made_in,
    growing_is_decided_by_the_pools_too,
    a_reset_leaves_the_pools_alone,
    a_pool_asked_for_later_counts_what_the_ledger_holds,
    what_one_gives_back_beyond_its_own_is_given_back_to_the_pool,
    several_resources_and_pools_are_all_or_nothing,
);

/// Of one's own, of the group, of everyone.
const ALL_THREE: [&str; 3] = ["any/month", "any/month per group", "any/month per server"];

fn user(index: usize) -> Subject {
    format!("@user{index}:example.org").parse().unwrap()
}

fn free(subject: Subject, plan: Plan) -> Plan {
    within("free", by(subject, plan))
}

/// Returns what `subject` in group `free` reads of [`ALL_THREE`]: used and held.
async fn shares(store: &dyn Store, group: &str, subject: Subject) -> [(i64, i64); 3] {
    let readings = windows(store, &within(group, by(subject, wants(0, &ALL_THREE)))).await;
    [figures(readings[0]), figures(readings[1]), figures(readings[2])]
}

async fn denied(store: &dyn Store, plan: &Plan) -> bool {
    let id = HoldId::fresh();
    let admission = store.reserve(plan, id, long(), plan.at).await.unwrap();
    assert_eq!(store.held(id).await.unwrap().is_none(), matches!(admission, Admission::Denied(_)));
    matches!(admission, Admission::Denied(_))
}

/// S2.
async fn exactly_as_many_as_every_pool_holds_are_let_in(store: &dyn Store) {
    let caps = ["50MB/day", "10MB/month per server", "40MB/month", "30MB/day per group"];
    let admissions = at_once(64, store, async |index, store| {
        let plan = free(user(index % 8), wants(MB, &caps));
        let admission = store.reserve(&plan, HoldId::fresh(), long(), noon()).await.unwrap();
        (index % 8, matches!(admission, Admission::Granted(_)))
    });
    assert_eq!(admissions.iter().filter(|(_, granted)| *granted).count(), 10);
    for subject in 0..8 {
        let mine = admissions.iter().filter(|one| **one == (subject, true)).count();
        let own = i64::try_from(mine).unwrap() * MB;
        let expected = [(0, own), (0, 10 * MB), (0, 10 * MB)];
        assert_eq!(shares(store, "free", user(subject)).await, expected);
    }
}

/// S2.
async fn each_group_fills_its_own_pool_and_no_other(store: &dyn Store) {
    let caps = ["10MB/month per group", "16MB/month per server"];
    let granted = at_once(48, store, async |index, store| {
        let group = ["free", "gold"][index % 2];
        let plan = within(group, by(user(index), wants(MB, &caps)));
        let admission = store.consume(&plan, HoldId::fresh(), noon()).await.unwrap();
        matches!(admission, Admission::Granted(_))
    });
    assert_eq!(granted.iter().filter(|granted| **granted).count(), 16);
    let [_, (free, _), (everyone, _)] = shares(store, "free", user(99)).await;
    let [_, (gold, _), _] = shares(store, "gold", user(99)).await;
    assert_eq!((free + gold, everyone), (16 * MB, 16 * MB));
    assert!(free <= 10 * MB && gold <= 10 * MB, "{free} and {gold}");
}

async fn a_full_pool_denies_and_nothing_changes_anywhere(store: &dyn Store) {
    let caps = ["10MB/month", "5MB/month per group", "9MB/month per server"];
    consumed(store, &free(alice(), wants(4 * MB, &caps))).await;
    assert!(denied(store, &free(bob(), wants(2 * MB, &caps))).await);
    assert_eq!(shares(store, "free", bob()).await, [(0, 0), (4 * MB, 0), (4 * MB, 0)]);
    // Another group has a pool of its own; everyone's is the same.
    consumed(store, &within("gold", by(bob(), wants(5 * MB, &caps)))).await;
    assert!(denied(store, &free(alice(), wants(MB, &caps))).await);
    assert_eq!(shares(store, "gold", bob()).await, [(5 * MB, 0), (5 * MB, 0), (9 * MB, 0)]);
    assert_eq!(shares(store, "free", alice()).await, [(4 * MB, 0), (4 * MB, 0), (9 * MB, 0)]);
}

async fn a_full_window_of_ones_own_takes_nothing_from_the_pool(store: &dyn Store) {
    let caps = ["50MB/month per group", "3MB/day", "50MB/month per server"];
    consumed(store, &free(alice(), wants(3 * MB, &caps))).await;
    let id = HoldId::fresh();
    let consumed = store.consume(&free(alice(), wants(1, &caps)), id, noon()).await.unwrap();
    assert!(matches!(consumed, Admission::Denied(_)), "{consumed:?}");
    assert_eq!(shares(store, "free", alice()).await, [(3 * MB, 0); 3]);
}

/// S5.
async fn reservations_of_others_count_in_a_pool(store: &dyn Store) {
    let caps = ["10MB/month per group", "12MB/month per server"];
    let first = granted(store, &free(alice(), wants(7 * MB, &caps))).await;
    granted(store, &within("gold", by(user(1), wants(2 * MB, &caps)))).await;
    assert_eq!(shares(store, "free", bob()).await, [(0, 0), (0, 7 * MB), (0, 9 * MB)]);
    assert!(denied(store, &free(bob(), wants(4 * MB, &caps))).await);
    store.release(first, noon()).await.unwrap().unwrap();
    granted(store, &free(bob(), wants(10 * MB, &caps))).await;
    assert_eq!(shares(store, "free", alice()).await, [(0, 0), (0, 10 * MB), (0, 12 * MB)]);
}

/// S5.
async fn what_lapsed_no_longer_counts_in_a_pool(store: &dyn Store) {
    let caps = ["10MB/month per group", "10MB/month per server"];
    let end = noon().after(Duration::from_mins(1));
    let whole = free(alice(), wants(10 * MB, &caps));
    let id = HoldId::fresh();
    store.reserve(&whole, id, Life::Until(end), noon()).await.unwrap();
    let next = free(bob(), wants(10 * MB, &caps));
    assert!(!fits(store, &next, end.before(Duration::from_millis(1))).await);
    let readings = windows_at(store, &next, end).await;
    assert_eq!((figures(readings[0]), figures(readings[1])), ((0, 0), (0, 0)));
    assert!(fits(store, &next, end).await);
    // It was charged after all.
    assert!(store.settle(id, Amount::new(9 * MB), None, end).await.unwrap().unwrap().late);
    assert!(!fits(store, &next, end).await);
}

async fn who_is_in_no_group_draws_on_no_pool_of_one(store: &dyn Store) {
    let caps = ["1MB/month per group", "20MB/month per server"];
    consumed(store, &free(alice(), wants(MB, &caps))).await;
    consumed(store, &by(bob(), wants(9 * MB, &caps))).await;
    granted(store, &by(bob(), wants(5 * MB, &caps))).await;
    let readings = windows(store, &by(bob(), wants(0, &ALL_THREE))).await;
    assert_eq!(figures(readings[1]), (0, 0));
    assert_eq!(figures(readings[2]), (10 * MB, 5 * MB));
    assert_eq!(shares(store, "free", alice()).await[1], (MB, 0));
}

async fn a_charge_stays_in_the_pool_of_the_group_it_was_made_in(store: &dyn Store) {
    recorded(store, &free(alice(), wants(2 * MB, &ALL_THREE))).await;
    recorded(store, &within("gold", wants(3 * MB, &ALL_THREE))).await;
    assert_eq!(shares(store, "free", alice()).await, [(5 * MB, 0), (2 * MB, 0), (5 * MB, 0)]);
    assert_eq!(shares(store, "gold", alice()).await, [(5 * MB, 0), (3 * MB, 0), (5 * MB, 0)]);
}

/// S6, S8.
async fn a_reservation_is_settled_and_refunded_in_the_pool_it_was_made_in(store: &dyn Store) {
    let id = granted(store, &free(alice(), wants(2 * MB, &ALL_THREE))).await;
    consumed(store, &within("gold", wants(MB, &ALL_THREE))).await;
    let now_gold = within("gold", wants(0, &ALL_THREE));
    store.settle(id, Amount::new(3 * MB), Some(&now_gold), noon()).await.unwrap().unwrap();
    assert_eq!(shares(store, "free", bob()).await, [(0, 0), (3 * MB, 0), (4 * MB, 0)]);
    assert_eq!(shares(store, "gold", bob()).await, [(0, 0), (MB, 0), (4 * MB, 0)]);
    store.refund(id, Some(&now_gold), noon()).await.unwrap().unwrap();
    assert_eq!(shares(store, "free", bob()).await, [(0, 0), (0, 0), (MB, 0)]);
    assert_eq!(shares(store, "gold", alice()).await, [(MB, 0); 3]);
}

/// S9.
async fn growing_is_decided_by_the_pools_too(store: &dyn Store) {
    let caps = ["10MB/month per group"];
    let id = granted(store, &free(alice(), wants(4 * MB, &caps))).await;
    granted(store, &free(bob(), wants(4 * MB, &caps))).await;
    let denied = store.grow(id, &free(alice(), wants(3 * MB, &caps)), noon()).await.unwrap();
    let Admission::Denied(readings) = denied else { panic!("{denied:?}") };
    assert_eq!(figures(readings[0][0]), (0, 8 * MB));
    let grown = store.grow(id, &free(alice(), wants(2 * MB, &caps)), noon()).await.unwrap();
    assert!(matches!(grown, Admission::Granted(_)), "{grown:?}");
    assert_eq!(shares(store, "free", bob()).await, [(0, 4 * MB), (0, 10 * MB), (0, 10 * MB)]);
}

async fn a_reset_leaves_the_pools_alone(store: &dyn Store) {
    for windows in [&ALL_THREE[..1], &ALL_THREE[..]] {
        recorded(store, &free(alice(), wants(2 * MB, windows))).await;
        recorded(store, &free(bob(), wants(MB, windows))).await;
    }
    let plan = free(alice(), wants(0, &ALL_THREE));
    store.reset(&plan, None, noon()).await.unwrap().unwrap();
    assert_eq!(shares(store, "free", alice()).await, [(0, 0), (6 * MB, 0), (6 * MB, 0)]);
    let month = plan.items[0].bounds[1].bucket.clone();
    store.reset(&plan, Some(&month), noon()).await.unwrap().unwrap();
    assert_eq!(shares(store, "free", bob()).await, [(2 * MB, 0), (6 * MB, 0), (6 * MB, 0)]);
    // Nor do pools that are asked for later know of it.
    let later = free(bob(), wants(0, &["any/week per group", "any/rolling 30d per server"]));
    assert_eq!(used(store, &later).await[..2], [6 * MB, 6 * MB]);
}

/// S11.
async fn a_pool_asked_for_later_counts_what_the_ledger_holds(store: &dyn Store) {
    let earlier = moment("2026-06-02T09:00:00Z");
    recorded(store, &free(alice(), wants_at(earlier, 4 * MB, &[]))).await;
    recorded(store, &free(bob(), wants(2 * MB, &[]))).await;
    recorded(store, &by(bob(), wants(MB, &[]))).await;
    let refunded = charged(store, &free(bob(), wants(MB, &[])), MB).await;
    store.refund(refunded, None, noon()).await.unwrap().unwrap();
    // Read without writing, then opened by a call that writes.
    for _ in 0..2 {
        assert_eq!(shares(store, "free", bob()).await, [(3 * MB, 0), (6 * MB, 0), (7 * MB, 0)]);
        let today = free(alice(), wants(0, &["any/day per group", "any/day per server"]));
        assert_eq!(used(store, &today).await[..2], [2 * MB, 3 * MB]);
        granted(store, &free(alice(), wants(0, &ALL_THREE))).await;
        granted(store, &today).await;
    }
    recorded(store, &free(alice(), wants_at(earlier, MB, &[]))).await;
    assert_eq!(shares(store, "free", bob()).await, [(3 * MB, 0), (7 * MB, 0), (8 * MB, 0)]);
}

async fn what_one_gives_back_beyond_its_own_is_given_back_to_the_pool(store: &dyn Store) {
    recorded(store, &free(alice(), wants(2 * MB, &ALL_THREE))).await;
    recorded(store, &free(bob(), wants(5 * MB, &ALL_THREE))).await;
    recorded(store, &free(alice(), wants(-4 * MB, &ALL_THREE))).await;
    assert_eq!(shares(store, "free", alice()).await, [(0, 0), (3 * MB, 0), (3 * MB, 0)]);
    recorded(store, &free(alice(), wants(-4 * MB, &ALL_THREE))).await;
    assert_eq!(shares(store, "free", bob()).await, [(5 * MB, 0), (0, 0), (0, 0)]);
}

/// S1, S3.
async fn several_resources_and_pools_are_all_or_nothing(store: &dyn Store) {
    let both = |bytes| {
        let plan = free(alice(), wants(bytes, &["10MB/month per group"]));
        and_wants(plan, &uploads(), 1, &["2/month per server"])
    };
    consumed(store, &both(MB)).await;
    consumed(store, &both(MB)).await;
    assert!(denied(store, &both(MB)).await);
    assert_eq!(shares(store, "free", alice()).await, [(2 * MB, 0); 3]);
    let readings = store.read(&both(0), noon()).await.unwrap().unwrap();
    assert_eq!(figures(readings[1][0]), (2, 0));
}
