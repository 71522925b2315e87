//! Several processes on the same books: each clause of one is one of all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::clause::Bench;
use super::crowd::at_once;
use super::words::*;
use crate::quota::held::{HoldId, State};
use crate::quota::plan::Plan;
use crate::quota::{Amount, Layer, Period};
use crate::store::{Admission, LayerKind, Lines, Store};

clauses!(on the bench:
    two_processes_let_in_exactly_as_many_as_fit,
    two_processes_with_one_key_record_once,
    what_one_process_reserved_another_settles_and_refunds,
    what_one_process_reserved_another_grows_and_releases,
    a_policy_changed_by_one_process_makes_plans_of_another_stale,
    a_process_counts_in_buckets_that_another_opened,
    who_follows_the_ledger_misses_no_line_of_two_who_write,
    who_follows_the_outbox_misses_no_notice_of_two_who_write,
);

/// Two handles on the same books, as two processes have them.
pub(super) fn two(bench: &Bench) -> [Arc<dyn Store>; 2] {
    [bench.open(), bench.open()]
}

/// S2: whichever of the windows it is that is tight, again and again.
async fn two_processes_let_in_exactly_as_many_as_fit(bench: &Bench) {
    let both = two(bench);
    let windows_of = |tight: usize| {
        let limits: [i64; 3] = std::array::from_fn(|index| if index == tight { 10 } else { 50 });
        let [day, month, pool] = limits;
        [format!("{day}MB/day"), format!("{month}MB/month"), format!("{pool}MB/month per server")]
    };
    for round in 0..6 {
        let written = windows_of(round % 3);
        let plan = |amount| wants(amount, &written.each_ref().map(String::as_str));
        let granted = at_once(64, bench.store(), async |index, _| {
            let id = HoldId::fresh();
            let store = &both[index % 2];
            let admission = store.reserve(&plan(MB), id, long(), noon()).await.unwrap();
            matches!(admission, Admission::Granted(_)).then_some(id)
        });
        let granted: Vec<_> = granted.into_iter().flatten().collect();
        assert_eq!(granted.len(), 10, "room for 10 in {written:?}");
        for store in &both {
            let held: Vec<_> = windows(store.as_ref(), &plan(0)).await;
            let held: Vec<_> = held.into_iter().map(figures).collect();
            assert_eq!(held, [(0, 10 * MB); 4]);
        }
        for (index, id) in granted.into_iter().enumerate() {
            both[index % 2].release(id, noon()).await.unwrap().unwrap();
        }
    }
}

/// S10.
async fn two_processes_with_one_key_record_once(bench: &Bench) {
    let both = two(bench);
    let plan = asks(MB, &[(Period::Month, None)]);
    for round in 1..=5 {
        let name = format!("k{round}");
        let recorded = at_once(16, bench.store(), async |index, _| {
            let key = Some(key(&name, MB));
            both[index % 2].record(&plan, key, noon()).await.unwrap().unwrap()
        });
        assert_eq!(recorded.iter().filter(|one| !one.replayed).count(), 1);
        for store in &both {
            let used = usage(store.as_ref(), alice(), Period::Month).await;
            assert_eq!(used, (round * MB, 0));
        }
    }
}

/// S6, S8.
async fn what_one_process_reserved_another_settles_and_refunds(bench: &Bench) {
    let [first, second] = two(bench);
    let id = granted(first.as_ref(), &asks(4 * MB, &[MONTH_10MB])).await;
    assert_eq!(second.held(id).await.unwrap().unwrap().state, State::Open);
    assert_eq!(usage(second.as_ref(), alice(), Period::Month).await, (0, 4 * MB));
    let settled = second.settle(id, Amount::new(3 * MB), None, noon()).await.unwrap().unwrap();
    assert!(!settled.late && !settled.replayed);
    assert_eq!(usage(first.as_ref(), alice(), Period::Month).await, (3 * MB, 0));
    let again = first.settle(id, Amount::new(3 * MB), None, noon()).await.unwrap().unwrap();
    assert!(again.replayed);
    assert_conflict(&first.release(id, noon()).await);
    first.refund(id, None, noon()).await.unwrap().unwrap();
    assert_eq!(usage(second.as_ref(), alice(), Period::Month).await, (0, 0));
}

/// S7, S9.
async fn what_one_process_reserved_another_grows_and_releases(bench: &Bench) {
    let [first, second] = two(bench);
    let id = granted(first.as_ref(), &asks(6 * MB, &[MONTH_10MB])).await;
    let more = |amount| asks(amount, &[MONTH_10MB]);
    let grown = second.grow(id, &more(4 * MB), noon()).await.unwrap();
    assert!(matches!(grown, Admission::Granted(_)), "{grown:?}");
    let denied = first.grow(id, &more(1), noon()).await.unwrap();
    assert!(matches!(denied, Admission::Denied(_)), "{denied:?}");
    assert!(second.extend(id, moment("2030-01-02"), noon()).await.unwrap());
    second.release(id, noon()).await.unwrap().unwrap();
    assert_eq!(first.grow(id, &more(1), noon()).await.unwrap(), Admission::Lapsed);
    assert_eq!(usage(first.as_ref(), alice(), Period::Month).await, (0, 0));
}

/// S4.
async fn a_policy_changed_by_one_process_makes_plans_of_another_stale(bench: &Bench) {
    let [server, command_line] = two(bench);
    let plan = asks(MB, &[MONTH_10MB]);
    let id = granted(server.as_ref(), &plan).await;
    let layer = Layer { default_group: Some("free".to_owned()), ..Layer::default() };
    let version = command_line.write_layer(LayerKind::Store, layer.clone(), plan.version).await;
    let stale = server.reserve(&plan, HoldId::fresh(), long(), noon()).await.unwrap();
    assert_eq!(stale, Admission::Stale);
    assert_eq!(server.consume(&plan, HoldId::fresh(), noon()).await.unwrap(), Admission::Stale);
    assert_eq!(server.grow(id, &plan, noon()).await.unwrap(), Admission::Stale);
    assert!(server.record(&plan, None, noon()).await.unwrap().is_none());
    assert!(server.read(&plan, noon()).await.unwrap().is_none());
    let policy = server.policy().await.unwrap();
    assert_eq!((policy.version, policy.store), (version.unwrap(), layer));
    granted(server.as_ref(), &now_planned(server.as_ref(), plan.clone()).await).await;
    assert_eq!(usage(command_line.as_ref(), alice(), Period::Month).await, (0, 2 * MB));
}

/// S11.
async fn a_process_counts_in_buckets_that_another_opened(bench: &Bench) {
    let [first, second] = two(bench);
    recorded(first.as_ref(), &asks(MB, &[(Period::Month, None)])).await;
    recorded(second.as_ref(), &asks(MB, &[(Period::Day, None)])).await;
    recorded(first.as_ref(), &asks(MB, &[(Period::Month, None)])).await;
    recorded(second.as_ref(), &asks(MB, &[(Period::Week, None)])).await;
    charged(first.as_ref(), &asks(MB, &[(Period::Month, None)]), MB).await;
    for store in [first, second] {
        for period in Period::CALENDAR {
            let used = usage(store.as_ref(), alice(), period).await;
            assert_eq!(used, (5 * MB, 0), "{period}");
        }
    }
}

/// How many lines each of two who write brings.
const EACH: usize = 100;

/// Lets two write what `plan` asks [`EACH`] times, through a handle each, while a third follows with
/// `page`, which returns the ids behind one. Returns the ids in the order they were seen.
fn followed(
    bench: &Bench,
    plan: impl Fn(usize) -> Plan + Sync,
    page: impl AsyncFn(&dyn Store, u64) -> Vec<u64> + Sync,
) -> Vec<u64> {
    let (both, done) = (two(bench), AtomicUsize::new(0));
    let seen = at_once(3, bench.store(), async |index, follower| {
        let mut seen = Vec::new();
        if let Some(writer) = both.get(index) {
            for _ in 0..EACH {
                recorded(writer.as_ref(), &plan(index)).await;
            }
            done.fetch_add(1, Ordering::SeqCst);
            return seen;
        }
        loop {
            let is_last = done.load(Ordering::SeqCst) == both.len();
            let found = page(follower, seen.last().copied().unwrap_or_default()).await;
            if found.is_empty() && is_last {
                return seen;
            }
            seen.extend(found);
        }
    });
    seen.concat()
}

/// Asserts that `seen` rose, and that it is `all` there is.
fn assert_none_missed(seen: &[u64], all: &[u64]) {
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "not in order: {seen:?}");
    let missed: Vec<_> = all.iter().filter(|id| !seen.contains(id)).collect();
    assert!(missed.is_empty(), "missed {missed:?} of {} lines", all.len());
    assert_eq!((seen.len(), all.len()), (2 * EACH, 2 * EACH));
}

/// S11: ids rise in the order in which lines can be seen.
async fn who_follows_the_ledger_misses_no_line_of_two_who_write(bench: &Bench) {
    let page = async |store: &dyn Store, behind: u64| -> Vec<u64> {
        let which = Lines { behind: Some(behind), most: 7, ..Lines::default() };
        store.lines(&which).await.unwrap().iter().map(|line| line.id).collect()
    };
    let plan = |index: usize| {
        let who = [alice(), bob()][index].clone();
        by(who, asks(1, &[(Period::Month, None)]))
    };
    let seen = followed(bench, plan, page);
    let which = Lines { most: 9 * EACH, ..Lines::default() };
    let all = bench.store().lines(&which).await.unwrap();
    assert_none_missed(&seen, &all.iter().map(|line| line.id).collect::<Vec<_>>());
}

/// S18.
async fn who_follows_the_outbox_misses_no_notice_of_two_who_write(bench: &Bench) {
    let page = async |store: &dyn Store, behind: u64| -> Vec<u64> {
        let notices = store.notices(behind, 7).await.unwrap();
        notices.iter().map(|notice| notice.id).collect()
    };
    // The first charge of all has passed the limit: from then on each tells its own part.
    recorded(bench.store(), &wants(1, &["0/month soft warn none per server"])).await;
    let before = bench.store().notices(0, 9).await.unwrap().len();
    let plan = |index: usize| {
        let who = [alice(), bob()][index].clone();
        by(who, wants(1, &["0/month soft warn none per server"]))
    };
    let seen = followed(bench, plan, page);
    let all = bench.store().notices(0, 9 * EACH).await.unwrap();
    let all: Vec<_> = all.iter().map(|notice| notice.id).collect();
    assert_none_missed(&seen[before..], &all[before..]);
}
