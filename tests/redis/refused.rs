//! Servers and books that are refused.

use metergate::conformance::words::*;
use metergate::store::{Store, StoreError};

use crate::servers::Redis;
use crate::words::{assert_no_answer, open, tell};

#[tokio::test]
async fn a_server_that_throws_keys_away_is_refused_until_it_does_not() {
    let server = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]).unwrap();
    let store = open(&server.url("books"));
    assert_no_answer(store.policy().await, "set its maxmemory-policy from");
    let reserved = store.read(&asks(1, &[MONTH_10MB]), noon()).await;
    assert_no_answer(reserved, "from allkeys-lru");
    tell(&server.address(), &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_named_without_password() {
    let store = open("redis://me:s3cret@127.0.0.1:1/0?prefix=books");
    assert_no_answer(store.policy().await, "is it running there?");
    assert_eq!(store.describe(), "redis://me@127.0.0.1:1/0");
    assert!(!format!("{store:?}").contains("s3cret"));
}

#[tokio::test]
async fn books_of_a_newer_layout_are_not_touched() {
    let server = Redis::start().unwrap();
    tell(&server.address(), &["SET", "{books}:layout", "99"]);
    let store = open(&server.url("books"));
    let answer = store.policy().await;
    assert!(matches!(answer, Err(StoreError::Corrupt(_))), "{answer:?}");
    assert!(answer.unwrap_err().to_string().contains("use the newer metergate"));
    // Those of others on the same server are.
    open(&server.url("others")).policy().await.unwrap();
}

#[tokio::test]
async fn books_under_two_prefixes_share_nothing_and_are_erased_apart() {
    let server = Redis::start().unwrap();
    let [first, second] = ["first", "second"].map(|prefix| open(&server.url(prefix)));
    recorded(&first, &asks(5, &[MONTH_10MB])).await;
    recorded(&second, &asks(7, &[MONTH_10MB])).await;
    first.erase().await.unwrap();
    assert_eq!(reads(&first, &asks(0, &[MONTH_10MB])).await, (0, 0));
    assert_eq!(reads(&second, &asks(0, &[MONTH_10MB])).await, (7, 0));
    second.erase().await.unwrap();
    // Whoever asked the first since has claimed it anew; nothing else is left.
    let keys = tell(&server.address(), &["KEYS", "*"]);
    assert!(!keys.contains("{second}") && !keys.contains("line"), "{keys}");
}

#[tokio::test]
async fn a_server_that_is_full_says_what_to_do() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    tell(&server.address(), &["CONFIG", "SET", "maxmemory", "1"]);
    let answer = store.record(&asks(1, &[MONTH_10MB]), None, noon()).await;
    assert_no_answer(answer, "raise its maxmemory");
    // Nothing of it has happened.
    tell(&server.address(), &["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (1, 0));
}
