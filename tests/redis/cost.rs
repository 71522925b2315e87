//! S15, S17: what a call costs, in commands that the server runs, does not grow with the books.

use std::time::Duration;

use metergate::conformance::words::*;
use metergate::quota::held::{HoldId, Instance, Life};
use metergate::quota::{Amount, Subject};
use metergate::store::{Admission, Store};

use crate::servers::Redis;
use crate::words::{open, tell};

/// Returns how many commands the server has run so far, those of scripts among them.
fn commands(server: &Redis) -> u64 {
    let stats = tell(&server.address(), &["INFO", "commandstats"]);
    let calls = stats.lines().filter(|line| !line.starts_with("cmdstat_info"));
    let calls = calls
        .filter_map(|line| line.split_once("calls=")?.1.split_once(',')?.0.parse::<u64>().ok());
    calls.sum()
}

async fn cost_of<T>(server: &Redis, call: impl Future<Output = T>) -> u64 {
    let before = commands(server);
    call.await;
    commands(server) - before
}

fn who(index: usize) -> Subject {
    format!("@user{index}:example.org").parse().unwrap()
}

#[tokio::test]
async fn a_pool_with_thousands_of_open_reservations_costs_no_more_than_an_empty_one() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let windows = ["any/month", "100000/day per server", "100000/rolling 1h per group"];
    let at = |index: usize| noon().after(Duration::from_millis(u64::try_from(index * 20).unwrap()));
    let plan = |index| within("free", by(who(index), wants_at(at(index), 1, &windows)));
    let proxies = [Instance::named("a"), Instance::named("b")];
    let reserve = async |index: usize| {
        let life = if index.is_multiple_of(3) {
            Life::Until(at(index).after(Duration::from_mins(10)))
        } else {
            Life::While(proxies[index % 2].clone())
        };
        let id = HoldId::fresh();
        let admission = store.reserve(&plan(index), id, life, at(index)).await.unwrap();
        assert!(matches!(admission, Admission::Granted(_)), "{admission:?}");
        id
    };
    for index in 0..20 {
        reserve(index).await;
    }
    let few = cost_of(&server, reserve(20)).await;
    let mut last = HoldId::fresh();
    for index in 21..2000 {
        last = reserve(index).await;
    }
    let many = cost_of(&server, reserve(2000)).await;
    assert!(many <= few + 10, "{many} commands with 2000 open, {few} with 20");
    let held = store.read(&plan(2001), at(2001)).await.unwrap().unwrap();
    assert_eq!(
        held[0].iter().map(|it| it.held.get()).skip(1).take(2).collect::<Vec<_>>(),
        [2001, 2001]
    );
    let settled = cost_of(&server, store.settle(last, Amount::new(1), None, at(2001))).await;
    assert!(settled < 150, "{settled} commands");
}

#[tokio::test]
async fn a_moving_window_costs_no_more_as_the_ledger_grows() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let windows = ["any/rolling 30d", "any/rolling 30d per server", "any/30d", "any/month"];
    let begin = moment("2026-01-01T00:00:00Z");
    let at = |index: usize| begin.after(Duration::from_mins(u64::try_from(index * 30).unwrap()));
    let record = async |index: usize| {
        let plan = wants_at(at(index), 1, &windows);
        store.record(&plan, None, at(index)).await.unwrap().unwrap();
    };
    for index in 0..1500 {
        record(index).await;
    }
    let early = cost_of(&server, record(1500)).await;
    for index in 1501..3000 {
        record(index).await;
    }
    let late = cost_of(&server, record(3000)).await;
    assert!(late <= early + 20, "{late} commands after 3000 lines, {early} after 1500");
    let read = store.read(&wants_at(at(3000), 0, &windows), at(3000)).await.unwrap().unwrap();
    // Half an hour each: thirty days of them.
    assert_eq!(read[0][1].used.get(), 1440);
}

#[tokio::test]
async fn the_verbs_of_an_upload_take_one_round_trip_each() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let plan = |amount| wants(amount, &["10MB/month", "5MB/day", "any/7d", "any/month per server"]);
    recorded(&store, &plan(1)).await;
    let trips = || {
        let stats = tell(&server.address(), &["INFO", "commandstats"]);
        let calls = stats.lines().filter(|line| line.starts_with("cmdstat_eval"));
        let calls = calls
            .filter_map(|line| line.split_once("calls=")?.1.split_once(',')?.0.parse::<u64>().ok());
        calls.sum::<u64>()
    };
    // The first time the server is told the scripts.
    for is_known in [false, true] {
        let before = trips();
        let id = granted(&store, &plan(1)).await;
        store.grow(id, &plan(1), noon()).await.unwrap();
        store.settle(id, Amount::new(2), Some(&plan(2)), noon()).await.unwrap().unwrap();
        let other = granted(&store, &plan(1)).await;
        store.release(other, noon()).await.unwrap().unwrap();
        recorded(&store, &plan(1)).await;
        consumed(&store, &plan(1)).await;
        store.read(&plan(0), noon()).await.unwrap().unwrap();
        if is_known {
            assert_eq!(trips() - before, 8);
        }
    }
}
