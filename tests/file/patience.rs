//! S14: a file that somebody else has locked, and calls whose answer nobody waited for.

use std::sync::Arc;
use std::time::Duration;

use metergate::clock::Manual;
use metergate::conformance::words::*;
use metergate::engine::{Ask, Engine, EngineError};
use metergate::quota::{Amount, Period};
use metergate::store::Timed;
use metergate::store::sqlite::Sqlite;
use rusqlite::Connection;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_given_up_and_what_it_does_late_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    let store = Arc::new(Sqlite::open(&file).unwrap());
    let timed = Arc::new(Timed::new(store.clone(), Duration::from_millis(100)));
    let engine = Engine::start(timed, Arc::new(Manual::at(noon()))).await.unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reserved = engine.reserve(&alice(), &Ask::upload(Amount::new(MB))).await;
    assert!(matches!(reserved, Err(EngineError::Unavailable(_))), "{reserved:?}");
    other.execute_batch("ROLLBACK").unwrap();
    // Behind the reservation in the queue: now that has happened.
    recorded(store.as_ref(), &asks(1, &[MONTH_10MB])).await;
    while usage(store.as_ref(), alice(), Period::Month).await != (1, 0) {
        tokio::task::yield_now().await;
    }
}
