//! What the writer promises beside the contract: one transaction for all who wait, no harm from
//! those that fail, and life after a full disk.

mod agreeing;
mod migrating;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Waker};

use super::*;
use crate::clock::Timestamp;
use crate::quota::held::{HoldId, Instance, Life};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Bound, Item, Plan};
use crate::quota::policy::Source;
use crate::quota::{Aggregate, Amount, Bucket, Layer, Period, PolicyVersion, Resource};
use crate::store::sql::engine::Survives;
use crate::store::sql::facts;
use crate::store::sql::step::Step;
use crate::store::{LayerKind, Lines, Page, Store};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    (folder, file)
}

fn noon() -> Timestamp {
    "2026-06-18T12:00:00Z".parse().unwrap()
}

/// Returns the plan of `subject` for one byte, counted in all.
fn byte(subject: &str) -> Plan {
    let bound = Bound::counting(Period::Never, Bucket::all());
    let item = Item {
        resource: "media_bytes".parse().unwrap(),
        aggregate: Aggregate::Sum,
        amount: Amount::ONE,
        member: None,
        metered: true,
        source: Source::Nothing,
        bounds: vec![bound],
    };
    let (version, subject) = (PolicyVersion::default(), subject.parse().unwrap());
    Plan { version, subject, group: None, at: noon(), growing: false, items: vec![item] }
}

async fn used(store: &Sqlite, subject: &str) -> i64 {
    store.read(&byte(subject), noon()).await.unwrap().unwrap()[0][0].used.get()
}

/// Keeps the writer busy until something is sent; what is called meanwhile is one batch.
fn busy(store: &Sqlite) -> Sender<()> {
    let (go_on, wait) = channel();
    let (started, start) = channel();
    let stop = store.writer.call(Survives::Crash, move |_| {
        started.send(()).unwrap();
        wait.recv().unwrap();
        Ok(())
    });
    // The call is handed over when first polled, and done though nobody waits for it.
    begin(&mut Box::pin(stop));
    start.recv().unwrap();
    go_on
}

fn begin<F: Future + ?Sized>(call: &mut std::pin::Pin<Box<F>>) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
}

/// Sees what is committed, from beside the store.
fn committed(file: &Path) -> i64 {
    let beside = file::for_reading(file).unwrap();
    beside.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
}

fn is_unavailable<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable { .. }))
}

#[tokio::test]
async fn all_calls_that_wait_are_committed_at_once() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    let go_on = busy(&store);
    let plan = byte("@alice:example.org");
    let mut calls: Vec<_> = (0..64).map(|_| store.record(&plan, None, noon())).collect();
    calls.iter_mut().for_each(begin);
    let beside = file.clone();
    let mut last = Box::pin(store.writer.call(Survives::Crash, move |step| {
        let seen = step.db.sure("SELECT count(*) FROM event", &[], |row| row.get::<i64>(0));
        Ok((committed(&beside), seen?))
    }));
    begin(&mut last);
    go_on.send(()).unwrap();
    assert_eq!(last.await.unwrap(), (0, 64));
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(committed(&file), 64);
}

#[tokio::test]
async fn a_call_that_fails_takes_nothing_of_the_others_with_it() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    let go_on = busy(&store);
    let plan = byte("@alice:example.org");
    let mut before = store.record(&plan, None, noon());
    let half_done = plan.clone();
    let mut fails = Box::pin(store.writer.call(Survives::Crash, move |step| {
        facts::record(step, &half_done, None, noon())?;
        Err::<(), _>(StoreError::Conflict("on second thoughts".to_owned()))
    }));
    let mut after = store.record(&plan, None, noon());
    begin(&mut before);
    begin(&mut fails);
    begin(&mut after);
    go_on.send(()).unwrap();
    before.await.unwrap().unwrap();
    assert!(matches!(fails.await, Err(StoreError::Conflict(_))));
    after.await.unwrap().unwrap();
    assert_eq!(used(&store, "@alice:example.org").await, 2);
}

#[tokio::test]
async fn a_lost_transaction_is_told_to_all_it_was_for() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    let go_on = busy(&store);
    let plan = byte("@alice:example.org");
    let mut before = store.record(&plan, None, noon());
    let mut breaks =
        Box::pin(store.writer.call(Survives::Crash, |step| step.db.write("ROLLBACK", &[])));
    let mut after = store.record(&plan, None, noon());
    begin(&mut before);
    begin(&mut breaks);
    begin(&mut after);
    go_on.send(()).unwrap();
    assert!(is_unavailable(&before.await));
    assert!(is_unavailable(&breaks.await));
    assert!(!after.await.unwrap().unwrap().replayed);
    assert_eq!(used(&store, "@alice:example.org").await, 1);
}

async fn most_pages(store: &Sqlite, pages: i64) {
    let set = move |step: &mut Step<'_>| {
        // SQLite never goes below what the file has.
        step.db.sure(&format!("PRAGMA max_page_count = {pages}"), &[], |_| Ok(()))
    };
    store.writer.call(Survives::Crash, set).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    most_pages(&store, 1).await;
    let mut acknowledged = 0;
    let full = loop {
        let plan = byte(&format!("@user{acknowledged}:{}", "long.".repeat(40)));
        match store.record(&plan, None, noon()).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(full.to_string().contains("no room left"), "{full}");
    assert_eq!(committed(&file), acknowledged);
    let go_on = busy(&store);
    let plan = byte("@alice:example.org");
    let mut calls: Vec<_> = (0..300).map(|_| store.record(&plan, None, noon())).collect();
    calls.iter_mut().for_each(begin);
    go_on.send(()).unwrap();
    let mut kept = 0;
    for call in calls {
        kept += i64::from(call.await.is_ok());
    }
    assert!(kept < 300);
    assert_eq!(used(&store, "@alice:example.org").await, kept);
    most_pages(&store, 1_000_000).await;
    store.record(&plan, None, noon()).await.unwrap().unwrap();
    assert_eq!(used(&store, "@alice:example.org").await, kept + 1);
    assert_eq!(committed(&file), acknowledged + kept + 1);
}

#[tokio::test]
async fn calls_past_what_may_wait_are_refused() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    let go_on = busy(&store);
    let instance = Instance::named("a");
    let mut calls = Vec::new();
    let refused = loop {
        let mut call = store.beat(&instance, noon());
        let mut context = Context::from_waker(Waker::noop());
        match call.as_mut().poll(&mut context) {
            std::task::Poll::Pending => calls.push(call),
            std::task::Poll::Ready(answer) => break answer,
        }
    };
    assert!(is_unavailable(&refused));
    go_on.send(()).unwrap();
    for call in calls {
        call.await.unwrap();
    }
    store.beat(&instance, noon()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_a_little_waits_for_nobody_who_looks_at_much() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    store.record(&byte("alice"), None, noon()).await.unwrap().unwrap();
    let (go_on, wait) = channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    let looks = || {
        let wait = wait.clone();
        store.readers.ask_much(move |_| {
            let _ = wait.lock().unwrap().recv();
            Ok(())
        })
    };
    let mut looking: Vec<_> = std::iter::repeat_with(|| Box::pin(looks())).take(9).collect();
    looking.iter_mut().for_each(begin);
    assert_eq!(used(&store, "alice").await, 1);
    drop(go_on);
    for look in looking {
        look.await.unwrap();
    }
}
