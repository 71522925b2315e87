//! What is there already, and what is not.

use metergate::conformance::words::*;
use metergate::quota::Period;
use metergate::store::{Store, StoreError};

use crate::{opened, server, tell, told};

async fn refused(store: &dyn Store) -> String {
    let written = store.record(&asks(1, &[MONTH_10MB]), None, noon()).await.unwrap_err();
    assert!(matches!(written, StoreError::Corrupt(_)), "{}", told(&written));
    let read = store.policy().await.unwrap_err();
    assert!(matches!(read, StoreError::Corrupt(_)), "{}", told(&read));
    written.to_string()
}

#[tokio::test]
async fn tables_of_a_newer_metergate_are_left_alone() {
    let url = server().url("newer");
    recorded(&opened(&url), &asks(1, &[MONTH_10MB])).await;
    tell(server(), "newer", "UPDATE book SET format = 99");
    let why = refused(&opened(&url)).await;
    assert!(why.contains("newer metergate (schema 99"), "{why}");
    tell(server(), "newer", "UPDATE book SET format = 1");
    assert_eq!(usage(&opened(&url), alice(), Period::Month).await, (1, 0));
}

#[tokio::test]
async fn tables_of_another_application_are_left_alone() {
    tell(server(), "public", "CREATE SCHEMA library; CREATE TABLE library.book (id INT)");
    let why = refused(&opened(&server().url("library"))).await;
    assert!(why.contains("\"library\" belongs to another application"), "{why}");
    assert!(why.contains("?schema=NAME"), "{why}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'library'";
    assert_eq!(tell(server(), "public", tables), "1");
}

#[tokio::test]
async fn a_schema_may_have_any_name_and_go_away_again() {
    let name = "My \"own\" books; DROP";
    let count = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{name}'");
    let url = format!("{}?schema=My%20%22own%22%20books%3B%20DROP", server().base());
    let store = opened(&url);
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    assert_eq!(usage(&opened(&url), alice(), Period::Month).await, (1, 0));
    assert_eq!(tell(server(), "public", &count), "1");
    drop(store);
    opened(&url).erase().await.unwrap();
    assert_eq!(tell(server(), "public", &count), "0");
    // One that was made beforehand, for a user who may not make any, serves as well.
    tell(server(), "public", "CREATE SCHEMA made");
    recorded(&opened(&server().url("made")), &asks(1, &[MONTH_10MB])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_make_the_tables_at_once() {
    let url = server().url("many");
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = opened(&url);
        all.spawn(async move { recorded(&store, &asks(1, &[MONTH_10MB])).await });
    }
    all.join_all().await;
    assert_eq!(usage(&opened(&url), alice(), Period::Month).await, (8, 0));
}

#[tokio::test]
async fn a_name_that_cannot_be_kept_is_refused_by_itself() {
    let store = opened(&server().url("nul"));
    let refused = store.tell("a\0b", 1).await;
    assert_conflict(&refused);
    assert!(refused.unwrap_err().to_string().contains("NUL"));
    assert_conflict(&store.told("a\0b").await);
    store.tell("ab", 1).await.unwrap();
    assert_eq!(store.told("ab").await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_by_the_first_call() {
    let store = opened("postgresql://me:s3cret@127.0.0.1:1/none");
    assert_eq!(store.describe(), "postgresql://me@127.0.0.1:1/none");
    for error in [
        store.policy().await.unwrap_err(),
        store.record(&asks(1, &[MONTH_10MB]), None, noon()).await.unwrap_err(),
        store.time().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        let told = told(&error);
        assert!(told.contains("cannot be reached"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}
