//! A Cluster whose books move to another node.

use metergate::conformance::words::*;
use metergate::store::Store;

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
