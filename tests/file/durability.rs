//! S13, S12: what the SQLite store keeps, over its own end too.

use std::path::{Path, PathBuf};

use metergate::quota::held::{HoldId, Instance, Life, State};
use metergate::quota::notice::Topic;
use metergate::quota::{Amount, Layer, Period, PolicyVersion};
use metergate::store::sqlite::Sqlite;
use metergate::store::{Admission, LayerKind, Store, StoreError};

use metergate::conformance::crowd::at_once;
use metergate::conformance::words::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    (folder, file)
}

fn open(file: &Path) -> Sqlite {
    Sqlite::open(file).unwrap()
}

fn defaults_to(group: &str) -> Layer {
    Layer { default_group: Some(group.to_owned()), ..Layer::default() }
}

async fn held_by(store: &Sqlite, instance: &Instance) -> HoldId {
    let id = HoldId::fresh();
    let life = Life::While(instance.clone());
    let admission = store.reserve(&asks(4 * MB, &[MONTH_10MB]), id, life, noon()).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)));
    id
}

#[tokio::test]
async fn reopened_it_knows_everything() {
    let (_folder, file) = folder();
    let store = open(&file);
    let settled = charged(&store, &asks(4 * MB, &[MONTH_10MB]), 3 * MB).await;
    let still_open = granted(&store, &asks(2 * MB, &[MONTH_10MB])).await;
    let fact = asks(MB, &[MONTH_10MB]);
    store.record(&fact, Some(key("k", MB)), noon()).await.unwrap().unwrap();
    let version = store.write_layer(LayerKind::File, defaults_to("free"), PolicyVersion(0)).await;
    store.close().await.unwrap();
    drop(store);

    let store = open(&file);
    let policy = store.policy().await.unwrap();
    assert_eq!((policy.version, policy.file), (version.unwrap(), defaults_to("free")));
    assert_eq!(usage(&store, alice(), Period::Month).await, (4 * MB, 2 * MB));
    assert!(
        store.settle(settled, Amount::new(3 * MB), None, noon()).await.unwrap().unwrap().replayed
    );
    let fact = now_planned(&store, fact).await;
    assert!(store.record(&fact, Some(key("k", MB)), noon()).await.unwrap().unwrap().replayed);
    store.settle(still_open, Amount::new(MB), None, noon()).await.unwrap().unwrap();
    assert_eq!(usage(&store, alice(), Period::Month).await, (5 * MB, 0));
}

#[tokio::test]
async fn a_store_that_was_never_closed_loses_nothing() {
    let (_folder, file) = folder();
    let store = open(&file);
    charged(&store, &asks(4 * MB, &[MONTH_10MB]), 3 * MB).await;
    granted(&store, &asks(2 * MB, &[MONTH_10MB])).await;
    std::mem::forget(store);
    assert_eq!(usage(&open(&file), alice(), Period::Month).await, (3 * MB, 2 * MB));
}

/// S18: whoever is told of a charge finds it, and the other way round.
#[tokio::test]
async fn charge_and_notice_are_kept_together() {
    let (_folder, file) = folder();
    let plan = |amount| wants(amount, &["10/month soft warn none"]);
    let told = async |store: &Sqlite, behind| {
        let notices = store.notices(behind, 9).await.unwrap();
        notices.into_iter().map(|it| (it.id, it.topic, it.part.unwrap_or_default().get())).collect()
    };
    let store = open(&file);
    recorded(&store, &plan(12)).await;
    store.tell("hook", 1).await.unwrap();
    std::mem::forget(store);
    let store = open(&file);
    assert_eq!(used(&store, &plan(0)).await, [12, 12]);
    let both: Vec<_> = told(&store, 0).await;
    assert_eq!(both, [(1, Topic::Over, 0), (2, Topic::ChargeOver, 2)]);
    assert_eq!(store.told("hook").await.unwrap(), 1);
    // It still knows what it has told.
    recorded(&store, &plan(1)).await;
    let third: Vec<_> = told(&store, 2).await;
    assert_eq!(third, [(3, Topic::ChargeOver, 1)]);
}

#[tokio::test]
async fn calls_that_wait_are_done_when_it_is_dropped() {
    let (_folder, file) = folder();
    let store = open(&file);
    let plan = asks(MB, &[MONTH_10MB]);
    {
        let mut call = store.record(&plan, None, noon());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        // Handed over, and then dropped half way.
        let _ = call.as_mut().poll(&mut context);
    }
    drop(store);
    assert_eq!(usage(&open(&file), alice(), Period::Month).await, (MB, 0));
}

#[tokio::test]
async fn it_goes_on_after_being_closed() {
    let (_folder, file) = folder();
    let store = open(&file);
    store.close().await.unwrap();
    recorded(&store, &asks(MB, &[MONTH_10MB])).await;
    store.close().await.unwrap();
    assert_eq!(usage(&store, alice(), Period::Month).await, (MB, 0));
}

/// S12.
#[tokio::test]
async fn a_dead_instance_is_known_by_its_lock() {
    let (_folder, file) = folder();
    let (dead, alive, new) = (Instance::fresh(), Instance::fresh(), Instance::fresh());
    let (first, second, third) = (open(&file), open(&file), open(&file));
    first.join(&dead, noon()).await.unwrap();
    second.join(&alive, noon()).await.unwrap();
    let lost = held_by(&first, &dead).await;
    let kept = held_by(&second, &alive).await;
    drop(first);
    assert_eq!(third.join(&new, noon()).await.unwrap(), 1);
    assert_eq!(third.held(lost).await.unwrap().unwrap().state, State::Lapsed);
    assert_eq!(third.held(kept).await.unwrap().unwrap().state, State::Open);
    assert_eq!(third.join(&Instance::fresh(), noon()).await.unwrap(), 0);
    // It was charged after all.
    let settled = third.settle(lost, Amount::new(MB), None, noon()).await.unwrap().unwrap();
    assert!(settled.late);
}

/// S12.
#[tokio::test]
async fn an_instance_that_stands_still_is_left_to_the_lease() {
    let (_folder, file) = folder();
    let (still, new) = (Instance::fresh(), Instance::fresh());
    let (first, second) = (open(&file), open(&file));
    first.join(&still, noon()).await.unwrap();
    let id = held_by(&first, &still).await;
    let much_later = noon().after(10 * metergate::store::INSTANCE_LEASE);
    assert_eq!(second.join(&new, much_later).await.unwrap(), 0);
    let plan = asks(10 * MB, &[MONTH_10MB]);
    // For others it has lapsed; for itself it lives until somebody else needs the room.
    let for_others = second.read(&plan, much_later).await.unwrap().unwrap();
    assert_eq!(figures(for_others[0][0]), (0, 0));
    let for_itself = first.read(&plan, much_later).await.unwrap().unwrap();
    assert_eq!(figures(for_itself[0][0]), (0, 4 * MB));
    let taken = second.reserve(&plan, HoldId::fresh(), long(), much_later).await.unwrap();
    assert!(matches!(taken, Admission::Granted(_)));
    assert_eq!(first.grow(id, &asks(1, &[]), much_later).await.unwrap(), Admission::Lapsed);
}

/// S12.
#[tokio::test]
async fn a_named_instance_takes_over_from_its_former_self_only() {
    let (folder, file) = folder();
    let a = Instance::named("a/ä");
    let (first, second) = (open(&file), open(&file));
    first.join(&a, noon()).await.unwrap();
    let id = held_by(&first, &a).await;
    let error = second.join(&a, noon()).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    assert!(error.to_string().contains("already running"), "{error}");
    drop(first);
    assert_eq!(second.join(&a, noon()).await.unwrap(), 1);
    assert_eq!(second.held(id).await.unwrap().unwrap().state, State::Lapsed);
    second.leave(&a, noon()).await.unwrap();
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let locks: Vec<_> = names.filter(|name| name.to_string_lossy().contains("instance")).collect();
    assert!(locks.is_empty(), "{locks:?}");
}

/// S4, as two processes see it.
#[tokio::test]
async fn another_handle_sees_a_change_of_policy_at_once() {
    let (_folder, file) = folder();
    let (server, command_line) = (open(&file), open(&file));
    let plan = asks(MB, &[MONTH_10MB]);
    granted(&server, &plan).await;
    let written = command_line.write_layer(LayerKind::Store, defaults_to("free"), plan.version);
    written.await.unwrap();
    let stale = server.reserve(&plan, HoldId::fresh(), long(), noon()).await.unwrap();
    assert_eq!(stale, Admission::Stale);
    assert_eq!(server.policy().await.unwrap().store, defaults_to("free"));
    granted(&server, &now_planned(&server, plan).await).await;
}

/// S11, as two processes see it.
#[tokio::test]
async fn another_handle_counts_in_buckets_it_did_not_open() {
    let (_folder, file) = folder();
    let (first, second) = (open(&file), open(&file));
    recorded(&first, &asks(MB, &[(Period::Month, None)])).await;
    recorded(&second, &asks(MB, &[(Period::Day, None)])).await;
    recorded(&first, &asks(MB, &[(Period::Month, None)])).await;
    recorded(&second, &asks(MB, &[(Period::Week, None)])).await;
    for store in [first, second] {
        for period in Period::CALENDAR {
            assert_eq!(usage(&store, alice(), period).await, (4 * MB, 0), "{period}");
        }
    }
}

/// S2, as four processes see it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_handles_admit_no_more_than_one_would() {
    let (_folder, file) = folder();
    let stores: Vec<_> = (0..4).map(|_| open(&file)).collect();
    let admissions = at_once(32, &stores[0], async |index, _| {
        let plan = asks(MB, &[MONTH_10MB, DAY_10MB]);
        stores[index % 4].reserve(&plan, HoldId::fresh(), long(), noon()).await.unwrap()
    });
    let granted = admissions.iter().filter(|one| matches!(one, Admission::Granted(_))).count();
    assert_eq!(granted, 10);
    for store in stores {
        assert_eq!(usage(&store, alice(), Period::Day).await, (0, 10 * MB));
    }
}

/// S14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_handles_that_write_at_once_lose_nothing() {
    let (_folder, file) = folder();
    at_once(8, &open(&file), async |_, _| {
        let store = open(&file);
        for _ in 0..200 {
            recorded(&store, &asks(1, &[(Period::Month, None)])).await;
        }
    });
    assert_eq!(usage(&open(&file), alice(), Period::Month).await, (1600, 0));
}

/// S6: long enough for any repeated call, and not for ever.
#[tokio::test]
async fn reservations_that_ended_long_ago_are_forgotten() {
    let (_folder, file) = folder();
    let store = open(&file);
    let old = charged(&store, &asks(MB, &[MONTH_10MB]), MB).await;
    let days = |days: u64| noon().after(std::time::Duration::from_hours(24 * days));
    for (day, known) in [(34, true), (36, false)] {
        recorded_at(&store, days(day)).await;
        assert_eq!(store.held(old).await.unwrap().is_some(), known, "after {day} days");
    }
    assert_eq!(usage(&store, alice(), Period::Month).await, (MB, 0));
}

async fn recorded_at(store: &Sqlite, now: metergate::clock::Timestamp) {
    let plan = by(bob(), asks_at(now, 1, &[(Period::Month, None)]));
    store.record(&plan, None, now).await.unwrap().unwrap();
}
