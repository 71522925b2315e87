//! A Cluster whose books move to another node, or whose answers are lost on the way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use metergate::conformance::words::*;
use metergate::quota::held::{HoldId, Life};
use metergate::store::{Admission, Store};

use crate::servers::{Cluster, Redis};
use crate::words::{assert_no_answer, open, tell};

/// The slot of the books named `books`.
fn slot(cluster: &Cluster) -> String {
    let answer = tell(&cluster.nodes[0].address(), &["CLUSTER", "KEYSLOT", "{books}:"]);
    answer.trim().trim_start_matches(':').to_owned()
}

/// Returns the node that has the books, and another.
fn nodes<'a>(cluster: &'a Cluster, slot: &str) -> [&'a Redis; 2] {
    let has = |node: &&Redis| !keys(node, slot, "1").is_empty();
    let from = cluster.nodes.iter().find(has).unwrap();
    let to = cluster.nodes.iter().find(|node| !has(node)).unwrap();
    [from, to]
}

/// Returns so many of the keys in a slot at a node.
fn keys(node: &Redis, slot: &str, most: &str) -> Vec<String> {
    let answer = tell(&node.address(), &["CLUSTER", "GETKEYSINSLOT", slot, most]);
    answer.lines().filter(|it| it.starts_with('{')).map(|it| it.trim().to_owned()).collect()
}

fn name(node: &Redis) -> String {
    tell(&node.address(), &["CLUSTER", "MYID"]).lines().nth(1).unwrap().trim().to_owned()
}

/// Gives `keys` from one node to another.
fn carry(from: &Redis, to: &Redis, keys: &[String]) {
    let address = to.address();
    let (host, port) = address.split_once(':').unwrap();
    let mut words = vec!["MIGRATE", host, port, "", "0", "5000", "KEYS"];
    words.extend(keys.iter().map(String::as_str));
    assert_eq!(tell(&from.address(), &words), "+OK\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_are_being_moved_answer_nothing_until_all_of_them_are_there() {
    let cluster = Cluster::start().unwrap();
    let store = open(&cluster.url("books"));
    let plan = asks(MB, &[MONTH_10MB]);
    recorded(&store, &plan).await;
    let slot = slot(&cluster);
    let [from, to] = nodes(&cluster, &slot);
    let all = keys(from, &slot, "1000");
    let ends = [name(from), name(to)];
    let set = |node: &Redis, words: &[&str]| {
        let words = [&["CLUSTER", "SETSLOT", slot.as_str()], words].concat();
        assert_eq!(tell(&node.address(), &words), "+OK\r\n");
    };
    set(to, &["IMPORTING", &ends[0]]);
    set(from, &["MIGRATING", &ends[1]]);
    let (first, rest) = all.split_at(all.len() / 2);
    for part in [first, rest] {
        assert_no_answer(store.record(&plan, None, noon()).await, "moving the books");
        assert_no_answer(store.read(&plan, noon()).await, "moving the books");
        assert_no_answer(store.policy().await, "moving the books");
        carry(from, to, part);
    }
    assert_no_answer(open(&cluster.url("books")).policy().await, "moving the books");
    for node in [to, from] {
        set(node, &["NODE", &ends[1]]);
    }
    assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (MB, 0));
    recorded(&store, &plan).await;
    assert_eq!(reads(&store, &asks(0, &[MONTH_10MB])).await, (2 * MB, 0));
    assert!(keys(from, &slot, "1").is_empty());
}

/// Lets the node of the books hear what `call` asks, and loses the answer on the way.
async fn unheard<T>(node: &Redis, call: impl Future<Output = T>) -> T {
    let mut stream = TcpStream::connect(node.address()).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    assert_eq!(stream.read(&mut [0; 64]).unwrap(), 7);
    node.pause();
    let losing = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        // The node hears it right behind the call, before it writes the answer to that.
        stream.write_all(b"CLIENT KILL TYPE normal SKIPME yes\r\n").unwrap();
        node.resume();
    };
    tokio::join!(call, losing).0
}

/// S14: what was not acknowledged is not repeated by anyone but the caller.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_was_lost_happened_once_at_most() {
    let cluster = Cluster::start().unwrap();
    let store = open(&cluster.url("books"));
    let plan = asks(MB, &[MONTH_10MB]);
    recorded(&store, &plan).await;
    let id = HoldId::fresh();
    let life = Life::Until(noon().after(Duration::from_hours(1)));
    let admission = store.reserve(&plan, id, life, noon()).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)));
    store.grow(id, &plan, noon()).await.unwrap();
    let [node, _] = nodes(&cluster, &slot(&cluster));
    let present = async || {
        loop {
            if let Ok(Some(readings)) = store.read(&asks(0, &[MONTH_10MB]), noon()).await {
                break (readings[0][0].used.get(), readings[0][0].held.get());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(present().await, (MB, 2 * MB));
    // A busy machine may get the answer through, or never ask.
    let answer = unheard(node, store.record(&plan, None, noon())).await;
    let (used, held) = present().await;
    assert!(used == 2 * MB || (used == MB && answer.is_err()), "{used} after {answer:?}");
    assert_eq!(held, 2 * MB);
    let answer = unheard(node, store.grow(id, &plan, noon())).await;
    let (_, held) = present().await;
    assert!(held == 3 * MB || (held == 2 * MB && answer.is_err()), "{held} after {answer:?}");
}
