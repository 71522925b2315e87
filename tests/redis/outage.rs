//! Servers that go, forget, or only read.

use std::time::Duration;

use metergate::conformance::words::*;
use metergate::store::Store;

use crate::servers::Redis;
use crate::words::{assert_no_answer, open, tell};

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    for round in 1..=3 {
        let id = granted(&store, &asks(MB, &[MONTH_10MB])).await;
        tell(&server.address(), &["SCRIPT", "FLUSH"]);
        store.settle(id, metergate::quota::Amount::new(MB), None, noon()).await.unwrap().unwrap();
        tell(&server.address(), &["SCRIPT", "FLUSH"]);
        assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (round * MB, 0));
    }
}

/// S13, S14: with `appendfsync always` what was acknowledged is there after the server was killed.
#[tokio::test]
async fn a_server_that_was_killed_is_found_again_with_all_it_acknowledged() {
    let mut server = Redis::start_durable().unwrap();
    let store = open(&server.url("books"));
    let plan = asks(1, &[MONTH_10MB]);
    for round in 1..=3 {
        for _ in 0..20 {
            recorded(&store, &plan).await;
        }
        granted(&store, &plan).await;
        server.kill();
        assert_no_answer(store.record(&plan, None, noon()).await, "is it running there?");
        server.restart();
        assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (20 * round, round));
    }
}

/// S14: it may have happened, and whoever asks again finds out.
#[tokio::test]
async fn a_call_to_a_server_that_stands_still_is_given_up_and_may_be_repeated() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let plan = asks(MB, &[MONTH_10MB]);
    // What the server has never been asked before takes a second word, which nobody would send.
    charged(&store, &plan, MB).await;
    let id = granted(&store, &plan).await;
    server.pause();
    let total = metergate::quota::Amount::new(MB);
    let settled = store.settle(id, total, None, noon());
    assert!(tokio::time::timeout(Duration::from_millis(200), settled).await.is_err());
    server.resume();
    let again = store.settle(id, total, None, noon()).await.unwrap().unwrap();
    assert!(again.replayed, "a call that was sent happens");
    assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (2 * MB, 0));
}

#[tokio::test]
async fn a_replica_that_only_reads_is_refused_and_a_master_that_becomes_one_is_left() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    let other = Redis::start().unwrap();
    let (host, port) =
        other.address().split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    tell(&server.address(), &["REPLICAOF", &host, &port]);
    let answer = store.record(&asks(1, &[MONTH_10MB]), None, noon()).await;
    assert_no_answer(answer, "a replica");
    tell(&server.address(), &["REPLICAOF", "NO", "ONE"]);
    let plan = asks(1, &[MONTH_10MB]);
    while store.record(&plan, None, noon()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
