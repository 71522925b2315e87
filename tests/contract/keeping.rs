//! S19, S20: old lines are taken out, counters are made anew, names are forgotten, books brought in.

use std::time::Duration;

use metergate::clock::Timestamp;
use metergate::quota::bucket::Shape;
use metergate::quota::grant::Grant;
use metergate::quota::held::State;
use metergate::quota::plan::{Plan, Reading};
use metergate::quota::{Aggregate, Amount, Grants, Layer, Measure, Per, Resource, Subject};
use metergate::store::memory::Memory;
use metergate::store::{
    Balance, Charged, Import, LayerKind, Ledger, Lines, Opened, Page, Pruned, Store,
};

use crate::words::*;

clauses!(
    pruning_changes_no_count_of_now,
    pruning_takes_the_oldest_lines_and_no_others,
    what_was_used_in_all_outlives_its_lines,
    charges_go_on_after_pruning,
    what_members_were_counted_by_stays,
    pruned_books_have_no_drift,
    what_is_not_old_is_not_pruned,
    what_ended_long_ago_is_told_by_what_the_ledger_has,
    honest_books_have_no_drift,
    opened_buckets_are_named,
    forgetting_leaves_totals_and_pools,
    forgetting_takes_the_name_out_of_every_list,
    forgetting_lets_the_name_begin_anew,
    whom_nobody_knows_is_not_forgotten,
    open_reservations_are_not_forgotten,
    forgetting_takes_what_was_given,
    an_import_replaces_policy_and_grants_in_one_step,
    an_import_may_leave_the_others,
    an_import_from_an_outdated_version_changes_nothing,
    an_import_without_a_ledger_leaves_it,
    an_imported_ledger_reads_like_the_first,
    an_imported_ledger_replaces_the_one_there_was,
    pruned_books_are_brought_over_whole,
);

const DAY: Duration = Duration::from_hours(24);

/// What is asked at the end of a long history.
const WINDOWS: [&str; 11] = [
    "any/day",
    "any/month",
    "any/year",
    "any/rolling 30d",
    "any/rolling 12h",
    "any/30d",
    "any/never per group",
    "any/never per server",
    "any/month per group",
    "any/rolling 20d per server",
    "any/60d per group",
];

fn peak() -> Resource {
    "peak".parse().unwrap()
}

fn level() -> Resource {
    "level".parse().unwrap()
}

fn rooms() -> Resource {
    "rooms".parse().unwrap()
}

fn measures() -> Layer {
    let of = |aggregate| Measure { aggregate, ..Measure::COUNT };
    let resources = [
        (peak(), of(Aggregate::Max)),
        (level(), of(Aggregate::Last)),
        (rooms(), of(Aggregate::Unique)),
    ];
    Layer { resources: resources.into(), ..Layer::default() }
}

async fn declared(store: &dyn Store) {
    let seen = store.policy().await.unwrap().version;
    store.write_layer(LayerKind::Store, measures(), seen).await.unwrap();
}

/// Returns the plan of somebody in `free` for `amount` of everything that is counted by amounts.
fn everything(subject: Subject, at: Timestamp, amount: i64) -> Plan {
    let mut plan = wants_at(at, amount, &WINDOWS);
    for (resource, aggregate) in [(peak(), Aggregate::Max), (level(), Aggregate::Last)] {
        plan = and_wants(plan, &resource, amount, &WINDOWS);
        plan.items.last_mut().unwrap().aggregate = aggregate;
    }
    within("free", by(subject, plan))
}

fn room(subject: Subject, at: Timestamp, name: &str) -> Plan {
    let mut plan = wants_at(at, 0, &[]);
    plan.items.clear();
    within("free", by(subject, member(name, and_wants(plan, &rooms(), 1, &WINDOWS))))
}

/// Where the long history ends.
fn end() -> Timestamp {
    moment("2026-06-18T12:00:00Z")
}

/// Tells 400 days of two subjects, a charge every fourth day each, one of them refunded in between.
async fn long_history(store: &dyn Store) {
    declared(store).await;
    for days in (0..=400_u32).rev().step_by(4) {
        let at = end().before(days * DAY);
        for subject in [alice(), bob()] {
            let plan = now_planned(store, everything(subject, at, i64::from(days % 7) + 1)).await;
            store.record(&plan, None, at).await.unwrap().unwrap();
        }
        if days % 20 == 0 {
            let plan = now_planned(store, within("free", wants_at(at, 5, &WINDOWS))).await;
            let id = consumed(store, &plan).await;
            store.refund(id, None, at).await.unwrap().unwrap();
        }
    }
}

async fn lines(store: &dyn Store) -> Vec<metergate::quota::event::Line> {
    let (mut found, mut which) = (Vec::new(), Lines { most: 300, ..Lines::default() });
    loop {
        let part = store.lines(&which).await.unwrap();
        let Some(last) = part.last() else { return found };
        which.behind = Some(last.id);
        found.extend(part);
    }
}

/// Returns what `subjects` read of everything at the end.
async fn look(store: &dyn Store, subjects: &[Subject]) -> Vec<Vec<Vec<Reading>>> {
    let mut found = Vec::new();
    for subject in subjects {
        let plan = now_planned(store, everything(subject.clone(), end(), 0)).await;
        found.push(store.read(&plan, end()).await.unwrap().unwrap());
        let plan = now_planned(store, room(subject.clone(), end(), "a")).await;
        found.push(store.read(&plan, end()).await.unwrap().unwrap());
    }
    found
}

/// Asserts that `subjects` read the same in both.
///
/// Where lines were taken out, a window of first use opens with the first that is left.
async fn assert_alike(store: &dyn Store, other: &dyn Store, subjects: &[Subject]) {
    let pruned = !other.balances().await.unwrap().is_empty();
    let (found, expected) = (look(store, subjects).await, look(other, subjects).await);
    for (plan, (found, expected)) in found.iter().zip(&expected).enumerate() {
        for (item, (found, expected)) in found.iter().zip(expected).enumerate() {
            for (window, (found, expected)) in found.iter().zip(expected).enumerate() {
                let name = WINDOWS.get(window).unwrap_or(&"in all");
                if pruned && !name.contains("rolling") && name.contains("0d") {
                    continue;
                }
                assert_eq!(found, expected, "{name} of item {item} of plan {plan}");
            }
        }
    }
}

/// Prunes until nothing is left to prune; returns how many lines that were.
async fn pruned(store: &dyn Store, before: Timestamp) -> usize {
    let mut all = 0;
    loop {
        let Pruned { lines, more } = store.prune(before, end()).await.unwrap();
        all += lines;
        if !more {
            return all;
        }
    }
}

async fn drifts(store: &dyn Store, dry_run: bool) -> Vec<metergate::store::Drift> {
    let mut found = Vec::new();
    for opened in store.opened().await.unwrap() {
        found.extend(store.recount(&opened, None, dry_run).await.unwrap());
    }
    found
}

async fn pruning_changes_no_count_of_now(store: &dyn Store) {
    long_history(store).await;
    let before = look(store, &[alice(), bob()]).await;
    assert!(pruned(store, end().before(35 * DAY)).await > 0);
    assert_eq!(look(store, &[alice(), bob()]).await, before);
    let top = store.top(&media(), Aggregate::Sum, &metergate::quota::Bucket::all(), None, 9).await;
    let top: Vec<_> = top.unwrap().into_iter().map(|one| (one.subject, one.used)).collect();
    assert!(top.contains(&(alice(), before[0][0].last().unwrap().used)), "{top:?}");
}

async fn pruning_takes_the_oldest_lines_and_no_others(store: &dyn Store) {
    long_history(store).await;
    let all = lines(store).await;
    let count = pruned(store, end().before(35 * DAY)).await;
    let left = lines(store).await;
    assert_eq!(left.len() + count, all.len());
    assert_eq!(left, all[count..]);
    // This year is asked for, so it stays; last year nobody can ask for.
    assert!(left[0].event.at >= moment("2026-01-01") || left[0].event.at < moment("2026-01-05"));
    assert!(left.iter().any(|line| line.event.at < end().before(100 * DAY)));
    assert_eq!(pruned(store, end().before(35 * DAY)).await, 0);
}

async fn what_was_used_in_all_outlives_its_lines(store: &dyn Store) {
    declared(store).await;
    let old = end().before(300 * DAY);
    for (subject, amount) in [(alice(), 5), (bob(), 7), (alice(), -9), (alice(), 3)] {
        let plan =
            now_planned(store, within("free", by(subject, wants_at(old, amount, &[])))).await;
        store.record(&plan, None, old).await.unwrap().unwrap();
    }
    assert_eq!(pruned(store, end().before(35 * DAY)).await, 4);
    assert!(lines(store).await.is_empty());
    // The pools were never asked for while there were lines.
    let windows = ["any/never", "any/never per group", "any/never per server", "any/year"];
    let plan = now_planned(store, within("free", wants_at(end(), 0, &windows))).await;
    assert_eq!(used(store, &plan).await, [3, 6, 6, 0]);
    granted(store, &plan).await;
    assert_eq!(used(store, &plan).await, [3, 6, 6, 0]);
    let mut balances = store.balances().await.unwrap();
    balances.sort_by_key(|balance| (balance.per, balance.account.clone()));
    let balance = |per, account: &str, amount| Balance {
        resource: media(),
        per,
        account: account.to_owned(),
        used: Amount::new(amount),
        newest: None,
    };
    let expected = [
        balance(Per::Subject, alice().as_str(), 3),
        balance(Per::Subject, bob().as_str(), 7),
        balance(Per::Group, "free", 6),
        balance(Per::Server, "", 6),
    ];
    assert_eq!(balances, expected);
    let users = store.users(&media(), end(), Page::first(9)).await.unwrap();
    let users: Vec<_> = users.into_iter().map(|usage| usage.subject).collect();
    assert_eq!(users, [alice(), bob()]);
}

async fn charges_go_on_after_pruning(store: &dyn Store) {
    long_history(store).await;
    let before = look(store, &[alice()]).await;
    pruned(store, end().before(35 * DAY)).await;
    let plan = now_planned(store, everything(alice(), end(), 100)).await;
    consumed(store, &plan).await;
    let id = consumed(store, &plan).await;
    let after = look(store, &[alice()]).await;
    for (window, (was, is)) in before[0][0].iter().zip(&after[0][0]).enumerate() {
        assert_eq!(is.used.get(), was.used.get() + 200, "window {window}");
    }
    for item in [1, 2] {
        assert!(after[0][item].iter().all(|reading| reading.used.get() == 100));
    }
    store.refund(id, None, end()).await.unwrap().unwrap();
    assert!(look(store, &[alice()]).await[0][2].iter().all(|reading| reading.used.get() == 100));
    store.reset(&plan, None, end()).await.unwrap().unwrap();
    let own = look(store, &[alice()]).await[0][0].clone();
    assert_eq!((own[1].used, own.last().unwrap().used), (Amount::ZERO, Amount::ZERO));
}

async fn what_members_were_counted_by_stays(store: &dyn Store) {
    declared(store).await;
    for (days, name) in [(400_u32, "a"), (300, "b"), (200, "a"), (1, "c")] {
        let at = end().before(days * DAY);
        let plan = now_planned(store, room(alice(), at, name)).await;
        store.record(&plan, None, at).await.unwrap().unwrap();
    }
    let before = look(store, &[alice(), bob()]).await;
    pruned(store, end().before(35 * DAY)).await;
    assert_eq!(look(store, &[alice(), bob()]).await, before);
    let plan = now_planned(store, room(alice(), end(), "b")).await;
    let readings = store.record(&plan, None, end()).await.unwrap().unwrap().readings;
    let counted: Vec<_> = readings[0].iter().map(|reading| reading.used.get()).collect();
    assert_eq!(counted, [1, 2, 2, 2, 1, 2, 3, 3, 2, 2, 2, 3]);
}

async fn pruned_books_have_no_drift(store: &dyn Store) {
    long_history(store).await;
    let before = look(store, &[alice(), bob()]).await;
    pruned(store, end().before(35 * DAY)).await;
    assert_eq!(drifts(store, false).await, []);
    assert_eq!(look(store, &[alice(), bob()]).await, before);
}

async fn what_is_not_old_is_not_pruned(store: &dyn Store) {
    declared(store).await;
    let long_ago = end().before(100 * DAY);
    // Of long ago, but told today; told long ago, but of today.
    let first = now_planned(store, wants_at(long_ago, 5, &[])).await;
    store.record(&first, None, end()).await.unwrap().unwrap();
    let second = now_planned(store, wants_at(end(), 7, &[])).await;
    store.record(&second, None, long_ago).await.unwrap().unwrap();
    assert_eq!(pruned(store, end().before(35 * DAY)).await, 0);
    assert_eq!(lines(store).await.len(), 2);
}

async fn what_ended_long_ago_is_told_by_what_the_ledger_has(store: &dyn Store) {
    declared(store).await;
    let windows = ["any/day", "any/month", "any/rolling 12h", "any/rolling 3d per server"];
    let april = moment("2026-04-10T12:00:00Z");
    for (hours, amount) in [(0_u32, 1), (2, 20), (24 * 20 + 1, 300)] {
        let at = april.after(hours * Duration::from_hours(1));
        let plan = now_planned(store, wants_at(at, amount, &windows)).await;
        consumed(store, &plan).await;
    }
    let late = now_planned(store, wants_at(april.after(DAY / 24), 4000, &windows)).await;
    store.record(&late, None, end()).await.unwrap().unwrap();
    assert_eq!(used(store, &late).await, [4021, 4321, 4001, 4001, 4321]);
    assert_eq!(pruned(store, end().before(36 * DAY)).await, 3);
    let opened = store.opened().await.unwrap();
    let lasting = |it: &Opened| it.bucket.shape != Shape::Stretch || it.bucket.contains(end());
    assert!(opened.iter().all(lasting), "{opened:?}");
    for _ in 0..2 {
        assert_eq!(used(store, &late).await, [4000, 4000, 4000, 4000, 4321]);
        let history = store.history(None, &media(), Aggregate::Sum, &[april, end()]).await;
        assert_eq!(history.unwrap(), [Amount::new(4000)]);
        let bucket = &late.items[0].bounds[1].bucket;
        let top = store.top(&media(), Aggregate::Sum, bucket, None, 9).await.unwrap();
        assert_eq!(top, [Charged { subject: alice(), used: Amount::new(4000) }]);
        assert_eq!(drifts(store, false).await, []);
        granted(store, &late).await;
    }
    assert_eq!(used(store, &now_planned(store, wants_at(end(), 0, &windows)).await).await[4], 4321);
}

async fn honest_books_have_no_drift(store: &dyn Store) {
    long_history(store).await;
    for name in ["a", "b", "a"] {
        consumed(store, &now_planned(store, room(alice(), end(), name)).await).await;
    }
    let plan = now_planned(store, everything(alice(), end(), 4)).await;
    let id = granted(store, &plan).await;
    store.settle(id, Amount::new(9), None, end()).await.unwrap().unwrap();
    store.reset(&plan, Some(&plan.items[0].bounds[1].bucket), end()).await.unwrap().unwrap();
    let before = look(store, &[alice(), bob()]).await;
    assert!(store.opened().await.unwrap().len() > 10);
    assert_eq!(drifts(store, true).await, []);
    assert_eq!(drifts(store, false).await, []);
    assert_eq!(look(store, &[alice(), bob()]).await, before);
}

async fn opened_buckets_are_named(store: &dyn Store) {
    let plan = wants(1, &["any/month", "any/rolling 30d", "any/7d", "any/day per server"]);
    recorded(store, &plan).await;
    let opened = store.opened().await.unwrap();
    for bound in &plan.items[0].bounds {
        let find = |it: &&Opened| {
            let same = (&it.resource, it.per, &it.bucket.key);
            same == (&media(), bound.per, &bound.bucket.key)
        };
        let found = opened.iter().find(find);
        let found = found.unwrap_or_else(|| panic!("{} is not in {opened:?}", bound.bucket));
        assert_eq!(found.aggregate, Aggregate::Sum);
    }
    // A bucket that is only read is not opened.
    reads(store, &wants(0, &["any/quarter"])).await;
    assert_eq!(store.opened().await.unwrap().len(), opened.len());
}

fn gone() -> Subject {
    "gone-1".parse().unwrap()
}

async fn forgetting_leaves_totals_and_pools(store: &dyn Store) {
    long_history(store).await;
    let plan = now_planned(store, room(alice(), end(), "a")).await;
    consumed(store, &plan).await;
    let before = look(store, &[alice(), bob()]).await;
    assert!(store.forget(&alice(), &gone(), end()).await.unwrap());
    let after = look(store, &[gone(), bob(), alice()]).await;
    assert_eq!(after[..4], before[..4]);
    let plan = now_planned(store, everything(alice(), end(), 0)).await;
    for item in store.read(&plan, end()).await.unwrap().unwrap() {
        for (bound, reading) in plan.items[0].bounds.iter().zip(&item) {
            if bound.per == Per::Subject {
                assert_eq!((reading.used, reading.since), (Amount::ZERO, None), "{}", bound.bucket);
            }
        }
    }
    assert_eq!(drifts(store, true).await, []);
}

async fn forgetting_takes_the_name_out_of_every_list(store: &dyn Store) {
    let plan = within("free", wants(12, &["10/month soft", "any/never"]));
    store.record(&plan, Some(key("k", 12)), noon()).await.unwrap().unwrap();
    let settled = charged(store, &plan, 3).await;
    recorded(store, &by(bob(), wants(1, &[]))).await;
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    let all = Page::first(9);
    let users = store.users(&media(), noon(), all.clone()).await.unwrap();
    let users: Vec<_> = users.into_iter().map(|usage| usage.subject).collect();
    assert_eq!(users, [bob(), gone()]);
    let known = store.subjects("", all).await.unwrap();
    let known: Vec<_> = known.into_iter().map(|one| one.subject).collect();
    assert_eq!(known, [bob(), gone()]);
    let lines = lines(store).await;
    assert_eq!(lines.iter().filter(|line| line.event.subject == gone()).count(), 2);
    assert!(lines.iter().all(|it| it.event.subject != alice() && it.key.is_none()), "{lines:?}");
    let notices = store.notices(0, 99).await.unwrap();
    assert!(!notices.is_empty() && notices.iter().all(|notice| notice.subject == gone()));
    let month = &plan.items[0].bounds[0].bucket;
    let top = store.top(&media(), Aggregate::Sum, month, None, 9).await.unwrap();
    assert_eq!((&top[0].subject, top[0].used.get()), (&gone(), 15));
    assert_eq!(store.held(settled).await.unwrap().unwrap().subject, gone());
}

async fn forgetting_lets_the_name_begin_anew(store: &dyn Store) {
    let plan = wants(9, &["10/month", "any/rolling 30d", "any/30d"]);
    store.record(&plan, Some(key("k", 9)), noon()).await.unwrap().unwrap();
    let seen = store.notices(0, 9).await.unwrap().len();
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    let again = store.record(&plan, Some(key("k", 9)), noon()).await.unwrap().unwrap();
    assert!(!again.replayed);
    assert_eq!(used(store, &plan).await, [9; 4]);
    assert_eq!(store.notices(0, 9).await.unwrap().len(), 2 * seen);
    assert_eq!(used(store, &by(gone(), plan)).await, [9; 4]);
}

async fn whom_nobody_knows_is_not_forgotten(store: &dyn Store) {
    recorded(store, &by(bob(), asks(1, &[]))).await;
    assert!(!store.forget(&alice(), &gone(), noon()).await.unwrap());
    assert!(store.forget(&bob(), &gone(), noon()).await.unwrap());
    assert!(!store.forget(&bob(), &"gone-2".parse().unwrap(), noon()).await.unwrap());
    assert_eq!(store.policy().await.unwrap().version.0, 0);
}

async fn open_reservations_are_not_forgotten(store: &dyn Store) {
    recorded(store, &asks(1, &[MONTH_10MB])).await;
    let id = granted(store, &asks(2, &[MONTH_10MB])).await;
    assert_conflict(&store.forget(&alice(), &gone(), noon()).await);
    assert_eq!(reads(store, &asks(0, &[MONTH_10MB])).await, (1, 2));
    store.release(id, noon()).await.unwrap().unwrap();
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    assert_eq!(reads(store, &asks(0, &[MONTH_10MB])).await, (0, 0));
}

fn gold() -> Grants {
    let group = Grant { what: "gold".to_owned(), until: None, note: Some("alice paid".into()) };
    Grants { group: Some(group), ..Grants::default() }
}

async fn give(store: &dyn Store, subject: &Subject) {
    let seen = store.policy().await.unwrap().version;
    store.write_grants(subject, gold(), seen).await.unwrap();
}

async fn forgetting_takes_what_was_given(store: &dyn Store) {
    give(store, &alice()).await;
    give(store, &bob()).await;
    let before = store.policy().await.unwrap().version;
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    assert!(store.policy().await.unwrap().version > before);
    let grants = store.all_grants(Page::first(9)).await.unwrap();
    assert_eq!(grants, [(bob(), gold())]);
    assert!(!store.forget(&alice(), &gone(), noon()).await.unwrap());
}

async fn an_import_replaces_policy_and_grants_in_one_step(store: &dyn Store) {
    give(store, &alice()).await;
    let seen = store.policy().await.unwrap().version;
    let file = Layer { default_group: Some("free".into()), ..Layer::default() };
    let seen = store.write_layer(LayerKind::File, file.clone(), seen).await.unwrap();
    let import =
        Import { layer: measures(), grants: vec![(bob(), gold())], no_others: true, ledger: None };
    let version = store.import(import, seen).await.unwrap();
    assert_eq!(version.0, seen.0 + 1);
    let policy = store.policy().await.unwrap();
    assert_eq!((policy.version, policy.file, policy.store), (version, file, measures()));
    assert_eq!(store.all_grants(Page::first(9)).await.unwrap(), [(bob(), gold())]);
}

async fn an_import_may_leave_the_others(store: &dyn Store) {
    give(store, &alice()).await;
    give(store, &bob()).await;
    let seen = store.policy().await.unwrap().version;
    let import = Import { grants: vec![(bob(), Grants::default())], ..Import::default() };
    store.import(import, seen).await.unwrap();
    assert_eq!(store.all_grants(Page::first(9)).await.unwrap(), [(alice(), gold())]);
}

async fn an_import_from_an_outdated_version_changes_nothing(store: &dyn Store) {
    let plan = asks(1, &[MONTH_10MB]);
    recorded(store, &plan).await;
    let seen = store.policy().await.unwrap().version;
    give(store, &alice()).await;
    let import = Import {
        layer: measures(),
        no_others: true,
        ledger: Some(Ledger::default()),
        ..Import::default()
    };
    assert_conflict(&store.import(import, seen).await);
    assert_eq!(store.policy().await.unwrap().store, Layer::default());
    assert_eq!(store.all_grants(Page::first(9)).await.unwrap().len(), 1);
    assert_eq!(lines(store).await.len(), 1);
    assert_eq!(reads(store, &now_planned(store, plan).await).await, (1, 0));
}

async fn an_import_without_a_ledger_leaves_it(store: &dyn Store) {
    let plan = asks(1, &[MONTH_10MB]);
    recorded(store, &plan).await;
    let id = granted(store, &plan).await;
    let seen = store.policy().await.unwrap().version;
    store.import(Import::default(), seen).await.unwrap();
    assert_eq!(lines(store).await.len(), 1);
    assert_eq!(reads(store, &now_planned(store, plan).await).await, (1, 1));
    assert_eq!(store.held(id).await.unwrap().unwrap().state, State::Open);
}

/// Brings all that `from` knows into `store`.
async fn bring_over(from: &dyn Store, store: &dyn Store) {
    let ledger = Ledger { balances: from.balances().await.unwrap(), lines: lines(from).await };
    let import = Import {
        layer: from.policy().await.unwrap().store,
        grants: from.all_grants(Page::first(999)).await.unwrap(),
        no_others: true,
        ledger: Some(ledger),
    };
    let seen = store.policy().await.unwrap().version;
    store.import(import, seen).await.unwrap();
}

async fn an_imported_ledger_reads_like_the_first(store: &dyn Store) {
    let first = Memory::default();
    long_history(&first).await;
    for name in ["a", "b"] {
        let plan = now_planned(&first, room(alice(), end(), name)).await;
        first.record(&plan, Some(key(name, 1)), end()).await.unwrap().unwrap();
    }
    give(&first, &bob()).await;
    bring_over(&first, store).await;
    assert_eq!(lines(store).await, lines(&first).await);
    let both = [alice(), bob()];
    assert_alike(store, &first, &both).await;
    // Opened by a call that writes, it is the same.
    for subject in both.clone() {
        let plan = now_planned(store, everything(subject.clone(), end(), 0)).await;
        let id = granted(store, &plan).await;
        store.release(id, end()).await.unwrap().unwrap();
    }
    assert_alike(store, &first, &both).await;
    assert_eq!(drifts(store, true).await, []);
    let plan = now_planned(store, room(alice(), end(), "a")).await;
    let again = store.record(&plan, Some(key("a", 1)), end()).await.unwrap().unwrap();
    assert!(again.replayed);
    let known = store.subjects("", Page::first(9)).await.unwrap();
    assert_eq!(known, first.subjects("", Page::first(9)).await.unwrap());
    // What is told next comes behind it all.
    recorded(store, &now_planned(store, asks(1, &[])).await).await;
    let ids: Vec<_> = lines(store).await.iter().map(|line| line.id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
}

async fn an_imported_ledger_replaces_the_one_there_was(store: &dyn Store) {
    let windows = ["5/month soft warn none", "any/rolling 30d", "any/30d", "any/never per server"];
    let plan = wants(7, &windows);
    store.record(&plan, Some(key("k", 7)), noon()).await.unwrap().unwrap();
    let open = granted(store, &plan).await;
    let settled = charged(store, &plan, 7).await;
    let told = store.notices(0, 9).await.unwrap();
    let other = Memory::default();
    recorded(&other, &by(bob(), wants(2, &windows))).await;
    bring_over(&other, store).await;
    assert_eq!(lines(store).await, lines(&other).await);
    for id in [open, settled] {
        assert_eq!(store.held(id).await.unwrap(), None);
    }
    let plan = now_planned(store, plan).await;
    let readings = self::windows(store, &plan).await;
    let figures: Vec<_> = readings.iter().copied().map(figures).collect();
    assert_eq!(figures, [(0, 0), (0, 0), (0, 0), (2, 0), (0, 0)]);
    assert_eq!(store.notices(0, 9).await.unwrap(), told);
    // Neither the key nor the mark is known any more.
    let again = store.record(&plan, Some(key("k", 7)), noon()).await.unwrap().unwrap();
    assert!(!again.replayed);
    let fresh = store.notices(told.last().unwrap().id, 9).await.unwrap();
    assert_eq!(fresh.len(), 2, "{fresh:?}");
}

async fn pruned_books_are_brought_over_whole(store: &dyn Store) {
    let first = Memory::default();
    long_history(&first).await;
    assert!(pruned(&first, end().before(35 * DAY)).await > 0);
    bring_over(&first, store).await;
    assert_eq!(lines(store).await, lines(&first).await);
    let sorted = async |store: &dyn Store| {
        let mut balances = store.balances().await.unwrap();
        balances.sort_by_key(|it| (it.resource.clone(), it.per, it.account.clone()));
        balances
    };
    assert_eq!(sorted(store).await, sorted(&first).await);
    assert_alike(store, &first, &[alice(), bob()]).await;
}
