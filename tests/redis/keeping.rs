//! S19, S20: books that were tampered with are put right, a large ledger is brought in whole or not
//! at all, and what nobody needs goes, whatever lies beside it.

use std::time::Duration;

use metergate::clock::Timestamp;
use metergate::conformance::words::*;
use metergate::quota::event::{Event, Kind, Line};
use metergate::quota::{Aggregate, Amount, Bucket, Per, Subject};
use metergate::store::redis::Redis as Books;
use metergate::store::{Drift, Import, Ledger, Lines, Page, Store, StoreError};

use crate::servers::Redis;
use crate::words::{open, tell};

async fn drifts(store: &Books, dry_run: bool) -> Vec<Drift> {
    let mut found = Vec::new();
    for opened in store.opened().await.unwrap() {
        found.extend(store.recount(&opened, None, dry_run).await.unwrap());
    }
    found
}

/// Returns the keys of the server, by name.
fn keys(server: &Redis, pattern: &str) -> Vec<String> {
    let answer = tell(&server.address(), &["KEYS", pattern]);
    let mut keys: Vec<_> =
        answer.lines().filter(|it| it.starts_with('{')).map(str::to_owned).collect();
    keys.sort();
    keys
}

fn told(drifts: &[Drift]) -> Vec<(Per, &str, &str, i64, i64)> {
    let mut all: Vec<_> = drifts
        .iter()
        .map(|it| {
            let (counted, ledger) = (it.counted.get(), it.ledger.get());
            (it.per, it.account.as_str(), it.bucket.as_str(), counted, ledger)
        })
        .collect();
    all.sort_by(|one, other| one.2.cmp(other.2).then(one.1.cmp(other.1)));
    all
}

#[tokio::test]
async fn counts_that_were_tampered_with_are_put_right() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let windows = ["any/month", "any/7d", "any/rolling 30d", "any/day per server"];
    let plan = wants(5, &windows);
    recorded(&store, &plan).await;
    recorded(&store, &by(bob(), wants(3, &windows))).await;
    let before = used(&store, &plan).await;
    for key in keys(&server, "{books}:counts:*") {
        tell(&server.address(), &["HSET", &key, alice().as_str(), "99 - - -"]);
    }
    let parts = format!("{{books}}:part:subject:{}:{}", media(), alice());
    let day = format!("d{}", noon().millis().div_euclid(86_400_000));
    tell(&server.address(), &["HSET", &parts, &day, "77"]);
    let dry = drifts(&store, true).await;
    assert_eq!(drifts(&store, false).await, dry);
    assert_eq!(drifts(&store, false).await, []);
    assert_eq!(used(&store, &plan).await, before);
    let own = alice();
    let found = told(&dry);
    assert!(found.contains(&(Per::Subject, own.as_str(), "rolling 30d", 77, 5)), "{found:?}");
    assert!(found.contains(&(Per::Subject, own.as_str(), "all", 99, 5)), "{found:?}");
    assert!(found.iter().all(|it| it.1 != bob().as_str()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_put_right_while_charges_come() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let plan = wants(1, &["any/month", "any/rolling 30d", "any/month per server"]);
    recorded(&store, &plan).await;
    let charging = async {
        for _ in 0..400 {
            recorded(&store, &plan).await;
        }
    };
    let mending = async {
        for round in 0..20 {
            for key in keys(&server, "{books}:counts:*") {
                tell(
                    &server.address(),
                    &["HSET", &key, alice().as_str(), &format!("{round} - - -")],
                );
            }
            drifts(&store, false).await;
        }
    };
    tokio::join!(charging, mending);
    assert_eq!(drifts(&store, false).await, []);
    assert_eq!(used(&store, &plan).await, [401; 4]);
}

fn line(id: u64, who: Subject, at: Timestamp) -> Line {
    let event = Event {
        subject: who,
        group: None,
        resource: media(),
        kind: Kind::Use,
        amount: Amount::new(1),
        member: None,
        at,
        hold: None,
        bucket: None,
    };
    Line { id, event, recorded: at, key: None }
}

/// Returns a ledger of so many lines of ten subjects, a minute apart, up to noon.
fn ledger(lines: u64) -> Ledger {
    let who = |id: u64| format!("@user{}:example.org", id % 10).parse().unwrap();
    let at = |id: u64| noon().before(Duration::from_mins(lines - id));
    Ledger {
        balances: Vec::new(),
        lines: (1..=lines).map(|id| line(id, who(id), at(id))).collect(),
    }
}

async fn bring(store: &Books, ledger: Ledger) -> Result<(), StoreError> {
    let seen = store.policy().await.unwrap().version;
    let import = Import { ledger: Some(ledger), ..Import::default() };
    store.import(import, seen).await.map(|_| ())
}

async fn in_all(store: &Books) -> i64 {
    let cuts = [Timestamp::MIN, Timestamp::MAX];
    store.history(None, &media(), Aggregate::Sum, &cuts).await.unwrap()[0].get()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_ledger_is_there_whole_or_not_at_all() {
    let server = Redis::start().unwrap();
    let (store, other) = (open(&server.url("books")), open(&server.url("books")));
    let beside = open(&server.url("beside"));
    recorded(&beside, &asks(1, &[])).await;
    bring(&store, ledger(1200)).await.unwrap();
    let importing = async {
        for _ in 0..3 {
            bring(&store, ledger(2300)).await.unwrap();
        }
    };
    let reading = async {
        for _ in 0..40 {
            let all = in_all(&other).await;
            assert!(all == 1200 || all == 2300, "{all}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(importing, reading);
    assert_eq!(in_all(&other).await, 2300);
    let plan =
        now_planned(&other, by("@user3:example.org".parse().unwrap(), wants(0, &["any/day"])))
            .await;
    assert_eq!(used(&other, &plan).await, [72, 230]);
    recorded(&other, &plan).await;
    assert_eq!(drifts(&store, true).await, []);
    let root = "{books}:g4:";
    let fixed =
        ["generation", "generations", "layout", "swept"].map(|it| format!("{{books}}:{it}"));
    let old = keys(&server, "{books}:*");
    let old: Vec<_> = old.into_iter().filter(|it| !it.starts_with(root)).collect();
    assert_eq!(old, fixed);
    assert_eq!(in_all(&beside).await, 1);
}

#[tokio::test]
async fn an_import_that_is_too_late_leaves_nothing() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    bring(&store, ledger(3)).await.unwrap();
    let before = keys(&server, "*");
    let seen = store.policy().await.unwrap().version;
    bring(&store, ledger(3)).await.unwrap();
    let import = Import { ledger: Some(ledger(9)), ..Import::default() };
    let late = store.import(import, seen).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    assert_eq!(keys(&server, "*").len(), before.len());
    assert_eq!(in_all(&store).await, 3);
}

#[tokio::test]
async fn an_import_that_was_broken_off_is_swept_away_and_one_that_goes_on_is_not() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    recorded(&store, &asks(1, &[])).await;
    let root = "{books}:g1:";
    {
        let mut importing = std::pin::pin!(bring(&store, ledger(6000)));
        while keys(&server, "{books}:g1:line").is_empty() {
            let some = Duration::from_millis(5);
            assert!(tokio::time::timeout(some, importing.as_mut()).await.is_err());
        }
    }
    let old = noon().before(Duration::from_hours(24));
    store.prune(old, noon()).await.unwrap();
    assert!(!keys(&server, &format!("{root}*")).is_empty(), "it may go on");
    // A minute passes.
    tell(&server.address(), &["ZADD", "{books}:importing", "1", "g1:"]);
    store.prune(old, noon()).await.unwrap();
    assert_eq!(keys(&server, &format!("{root}*")), Vec::<String>::new());
    assert_eq!(in_all(&store).await, 1);
    bring(&store, ledger(3)).await.unwrap();
    assert_eq!(in_all(&store).await, 3);
}

#[tokio::test]
async fn long_lists_come_whole_in_one_page() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let who = |index: u64| format!("@user{index:04}:example.org").parse::<Subject>().unwrap();
    let lines = (1..=2600).map(|id| line(id, who(id % 1300), noon())).collect();
    bring(&store, Ledger { lines, ..Ledger::default() }).await.unwrap();
    let all = Page::first(usize::MAX);
    assert_eq!(store.subjects("", all.clone()).await.unwrap().len(), 1300);
    let users = store.users(&media(), noon(), all).await.unwrap();
    assert_eq!(users.len(), 1300);
    assert!(users.windows(2).all(|pair| pair[0].subject < pair[1].subject));
    let every = Lines { most: usize::MAX, ..Lines::default() };
    for newest_first in [false, true] {
        let found = store.lines(&Lines { newest_first, ..every.clone() }).await.unwrap();
        assert_eq!(found.len(), 2600);
    }
    let top = async || {
        let top = store.top(&media(), Aggregate::Sum, &Bucket::all(), None, usize::MAX).await;
        top.unwrap().into_iter().map(|it| it.used.get()).collect::<Vec<_>>()
    };
    assert_eq!(top().await, [2; 1300]);
    // Opened, it is counted.
    recorded(&store, &now_planned(&store, by(who(7), asks(0, &[]))).await).await;
    assert_eq!(top().await, [2; 1300]);
}

#[tokio::test]
async fn an_old_ledger_goes_in_pieces_and_its_parts_too() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    bring(&store, ledger(6000)).await.unwrap();
    let who: Subject = "@user3:example.org".parse().unwrap();
    let plan = by(who.clone(), wants(0, &["any/rolling 1d", "any/rolling 1h per server"]));
    let plan = now_planned(&store, plan).await;
    let long = by(who, wants(0, &["any/rolling 30d", "any/rolling 30d per server"]));
    let long = now_planned(&store, long).await;
    recorded(&store, &long).await;
    assert_eq!(used(&store, &long).await, [600, 6000, 600]);
    recorded(&store, &plan).await;
    let before = used(&store, &plan).await;
    // Only a policy that adds up otherwise closes a window: so nothing may go yet.
    let old = noon().before(Duration::from_hours(24));
    assert_eq!(store.prune(old, noon()).await.unwrap().lines, 0);
    let later = noon().after(Duration::from_hours(24 * 28));
    let mut lines = 0;
    loop {
        let pruned = store.prune(old, later).await.unwrap();
        lines += pruned.lines;
        if !pruned.more {
            break;
        }
    }
    assert!(lines > 2000, "{lines}");
    let parts = format!("{{books}}:g1:part:server:{}:", media());
    let first = later.before(Duration::from_hours(24 * 30)).millis().div_euclid(86_400_000);
    let fields = tell(&server.address(), &["HKEYS", &parts]);
    let days = fields.lines().filter_map(|it| it.strip_prefix('d')?.parse::<i64>().ok());
    let days: Vec<_> = days.collect();
    assert!(!days.is_empty() && days.iter().all(|day| *day >= first), "{days:?} before {first}");
    assert_eq!(used(&store, &plan).await, before);
    assert_eq!(drifts(&store, false).await, []);
    // Asked as it was then, a long window has what is left, however often it is asked.
    let left = i64::try_from(6000 - lines).unwrap();
    recorded(&store, &long).await;
    for _ in 0..2 {
        assert_eq!(used(&store, &long).await[1], left);
    }
}

#[tokio::test]
async fn who_is_given_a_name_that_is_known_has_what_both_had() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let windows = ["any/month", "any/7d", "any/rolling 30d", "20/day soft", "any/never per server"];
    let plan = wants(15, &windows);
    recorded(&store, &plan).await;
    recorded(&store, &by(bob(), wants(10, &windows))).await;
    assert!(store.forget(&alice(), &bob(), noon()).await.unwrap());
    assert_eq!(used(&store, &by(bob(), plan.clone())).await, [25; 6]);
    assert_eq!(used(&store, &plan).await, [0, 0, 0, 0, 25, 0]);
    assert_eq!(drifts(&store, true).await, []);
    assert_eq!(keys(&server, &format!("*{}*", alice())), Vec::<String>::new());
}

#[tokio::test]
async fn many_who_were_counted_by_members_go_with_their_bucket() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    recorded(&store, &asks(1, &[])).await;
    let closed = "for index = 1, 20000 do
        local name = '@user' .. index .. ':example.org'
        redis.call('HSET', KEYS[1] .. 'counts:77', name, '1 - - -')
        redis.call('SADD', KEYS[1] .. 'members:77:' .. name, 'a')
    end
    return redis.call('SADD', KEYS[1] .. 'closed', '77')";
    assert_eq!(tell(&server.address(), &["EVAL", closed, "1", "{books}:"]), ":1\r\n");
    let old = noon().before(Duration::from_hours(24));
    let mut passes = 0;
    while store.prune(old, noon()).await.unwrap().more {
        passes += 1;
        assert!(passes < 200, "it never ends");
    }
    assert_eq!(keys(&server, "*:77*"), Vec::<String>::new());
    assert_eq!(keys(&server, "*closed*"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_opened_while_parts_are_taken_out_counts_all_there_is() {
    let server = Redis::start().unwrap();
    let later = noon().after(Duration::from_hours(24 * 3));
    for pause in [0, 10, 20, 40, 80, 160] {
        let (name, pause) = (format!("books{pause}"), Duration::from_millis(pause));
        let (store, other) = (open(&server.url(&name)), open(&server.url(&name)));
        bring(&store, ledger(3000)).await.unwrap();
        // All lines are needed; not so the parts of the short window.
        let short = wants(0, &["any/rolling 1d per server", "any/month per server"]);
        let short = now_planned(&store, short).await;
        recorded(&store, &short).await;
        let long = wants_at(later, 0, &["any/rolling 30d per server"]);
        let long = now_planned(&store, long).await;
        let opening = store.record(&long, None, later);
        let pruning = async {
            tokio::time::sleep(pause).await;
            let before = later.before(Duration::from_hours(1));
            loop {
                match other.prune(before, later).await {
                    Ok(pruned) if pruned.more => {}
                    _ => break,
                }
            }
        };
        let (opened, ()) = tokio::join!(opening, pruning);
        opened.unwrap().unwrap();
        assert_eq!(drifts(&store, true).await, [], "after {pause:?}");
    }
}
