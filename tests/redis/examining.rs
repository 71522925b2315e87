//! What `examine` finds, and that it is told the truth.

use std::time::Duration;

use metergate::store::redis::Redis as Books;
use metergate::store::{Finding, Severity, Store};

use crate::servers::Redis;
use crate::words::{open, tell};

async fn found(store: &Books) -> Vec<Finding> {
    let now = store.time().await.unwrap().unwrap();
    store.examine(now).await.unwrap()
}

fn about<'a>(found: &'a [Finding], about: &str) -> &'a Finding {
    let all = || found.iter().map(|it| &it.about).collect::<Vec<_>>();
    found.iter().find(|it| it.about == about).unwrap_or_else(|| panic!("{:?}", all()))
}

fn set(server: &Redis, name: &str, value: &str) {
    assert_eq!(tell(&server.address(), &["CONFIG", "SET", name, value]), "+OK\r\n");
}

#[tokio::test]
async fn a_durable_server_is_well() {
    let server = Redis::start_durable().unwrap();
    let found = found(&open(&server.url("books"))).await;
    assert!(found.iter().all(|it| it.severity == Severity::Good), "{found:?}");
    for name in ["version", "eviction", "memory", "durability", "schema", "clock", "instances"] {
        about(&found, name);
    }
}

#[tokio::test]
async fn what_may_lose_books_is_told() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    assert_eq!(about(&found(&store).await, "durability").severity, Severity::Fault);
    set(&server, "appendonly", "yes");
    set(&server, "appendfsync", "everysec");
    assert_eq!(about(&found(&store).await, "durability").severity, Severity::Warning);
    set(&server, "appendfsync", "no");
    assert_eq!(about(&found(&store).await, "durability").severity, Severity::Fault);
    set(&server, "maxmemory-policy", "allkeys-lru");
    let told = found(&store).await;
    let eviction = about(&told, "eviction");
    assert_eq!(eviction.severity, Severity::Fault);
    assert!(eviction.text.contains("allkeys-lru") && eviction.text.contains("noeviction"));
    set(&server, "maxmemory-policy", "noeviction");
    set(&server, "maxmemory", "1000000000");
    assert_eq!(about(&found(&store).await, "memory").severity, Severity::Good);
}

#[tokio::test]
async fn clocks_that_differ_are_told() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let now = store.time().await.unwrap().unwrap();
    for (apart, severity) in [(0, Severity::Good), (3, Severity::Warning), (30, Severity::Fault)] {
        for other in [now.before(Duration::from_secs(apart)), now.after(Duration::from_secs(apart))]
        {
            let found = store.examine(other).await.unwrap();
            assert_eq!(about(&found, "clock").severity, severity, "{apart} s");
        }
    }
}

#[tokio::test]
async fn who_may_not_see_the_configuration_is_told_the_rest() {
    let server = Redis::start_durable().unwrap();
    let rules = ["ACL", "SETUSER", "quota", "on", ">s3cret", "~*", "&*", "+@all", "-config"];
    assert_eq!(tell(&server.address(), &rules), "+OK\r\n");
    let store = open(&format!("redis://quota:s3cret@{}", server.address()));
    let found = found(&store).await;
    let durability = about(&found, "durability");
    assert_eq!(durability.severity, Severity::Warning);
    assert!(durability.text.contains("CONFIG GET"), "{durability:?}");
}
