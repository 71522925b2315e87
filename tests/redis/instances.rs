//! S12 over connections: who is gone is seen at once, who is there is not pushed aside.

use std::time::Duration;

use metergate::clock::Timestamp;
use metergate::conformance::words::*;
use metergate::quota::held::{HoldId, Instance, Life, State};
use metergate::store::{Admission, INSTANCE_LEASE, Store};

use crate::servers::Redis;
use crate::words::{open, tell};

async fn holds(store: &dyn Store, instance: &Instance, now: Timestamp) -> HoldId {
    let id = HoldId::fresh();
    let life = Life::While(instance.clone());
    let admission = store.reserve(&asks(4 * MB, &[MONTH_10MB]), id, life, now).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)), "{admission:?}");
    id
}

/// Joins as soon as the server has seen the former one go.
async fn joined(store: &dyn Store, instance: &Instance) -> usize {
    for _ in 0..200 {
        if let Ok(ended) = store.join(instance, noon()).await {
            return ended;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is still running");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_under_its_name_ends_what_its_former_process_left() {
    let server = Redis::start().unwrap();
    let named = Instance::named("proxy 1 – Köln");
    let former = open(&server.url("books"));
    assert_eq!(former.join(&named, noon()).await.unwrap(), 0);
    let id = holds(&former, &named, noon()).await;
    let other = open(&server.url("books"));
    let early = other.join(&named, noon()).await;
    assert_conflict(&early);
    assert!(early.unwrap_err().to_string().contains("already running"), "while it runs");
    assert_eq!(other.held(id).await.unwrap().unwrap().state, State::Open);
    drop(former);
    assert_eq!(joined(&other, &named).await, 1);
    assert_eq!(other.held(id).await.unwrap().unwrap().state, State::Lapsed);
    assert_eq!(other.join(&named, noon()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_not_been_seen_for_long_is_gone_even_if_it_seems_connected() {
    let server = Redis::start().unwrap();
    let (first, second) = (open(&server.url("books")), open(&server.url("books")));
    let (named, fresh) = (Instance::named("a"), Instance::fresh());
    first.join(&named, noon()).await.unwrap();
    first.join(&fresh, noon()).await.unwrap();
    holds(&first, &named, noon()).await;
    holds(&first, &fresh, noon()).await;
    let early = noon().after(INSTANCE_LEASE).before(Duration::from_millis(1));
    assert_eq!(second.join(&Instance::fresh(), early).await.unwrap(), 0);
    assert_eq!(second.join(&named, noon().after(INSTANCE_LEASE)).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_broke_is_named_again() {
    let server = Redis::start().unwrap();
    let (first, second) = (open(&server.url("books")), open(&server.url("books")));
    let named = Instance::named("a");
    first.join(&named, noon()).await.unwrap();
    let names = || tell(&server.address(), &["CLIENT", "LIST"]);
    assert!(names().contains(" name=metergate:books:a:"));
    tell(&server.address(), &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert!(!names().contains(" name=metergate:books:a:"));
    for _ in 0..500 {
        if names().contains(" name=metergate:books:a:") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_conflict(&second.join(&named, noon()).await);
}
