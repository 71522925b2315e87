//! S19: what only a look into the file shows: counters that went wrong, and names that are gone.

use std::path::PathBuf;

use metergate::quota::grant::Grant;
use metergate::quota::plan::Plan;
use metergate::quota::{Aggregate, Amount, Grants, Per, Subject};
use metergate::store::sqlite::Sqlite;
use metergate::store::{Drift, Store};
use rusqlite::Connection;

use metergate::conformance::words::*;

const WINDOWS: [&str; 5] =
    ["any/month", "any/day per group", "any/30d", "any/rolling 30d", "any/year per server"];

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    (folder, file)
}

fn plan(subject: Subject, amount: i64) -> Plan {
    within("free", by(subject, wants(amount, &WINDOWS)))
}

fn changed(file: &PathBuf, statement: &str) -> usize {
    Connection::open(file).unwrap().execute(statement, []).unwrap()
}

async fn drifts(store: &Sqlite, subject: Option<&Subject>, dry_run: bool) -> Vec<Drift> {
    let mut found = Vec::new();
    for opened in store.opened().await.unwrap() {
        found.extend(store.recount(&opened, subject, dry_run).await.unwrap());
    }
    found.sort_by_key(|drift| (drift.bucket.clone(), drift.per, drift.account.clone()));
    found
}

#[tokio::test]
async fn counters_that_went_wrong_are_found_and_made_right() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    recorded(&store, &plan(alice(), 5)).await;
    recorded(&store, &plan(bob(), 3)).await;
    changed(&file, "UPDATE counter SET used = used + 7");
    let whole = |per, account: &str, bucket: &str, ledger| Drift {
        resource: media(),
        per,
        account: account.to_owned(),
        bucket: bucket.to_owned(),
        counted: Amount::new(ledger + 7),
        ledger: Amount::new(ledger),
    };
    let (a, b) = (alice(), bob());
    let expected = [
        whole(Per::Server, "", "2026", 8),
        whole(Per::Subject, a.as_str(), "2026-06", 5),
        whole(Per::Subject, b.as_str(), "2026-06", 3),
        whole(Per::Group, "free", "2026-06-18", 8),
        whole(Per::Subject, a.as_str(), "30d", 5),
        whole(Per::Subject, b.as_str(), "30d", 3),
        whole(Per::Subject, a.as_str(), "all", 5),
        whole(Per::Subject, b.as_str(), "all", 3),
    ];
    assert_eq!(drifts(&store, None, true).await, expected);
    assert_eq!(used(&store, &plan(bob(), 0)).await, [10, 15, 10, 3, 15, 10]);
    // Only one's own.
    let mine = drifts(&store, Some(&b), false).await;
    assert!(mine.iter().all(|drift| drift.per == Per::Subject && drift.account == b.as_str()));
    assert_eq!(mine.len(), 3);
    assert_eq!(used(&store, &plan(bob(), 0)).await, [3, 15, 3, 3, 15, 3]);
    assert_eq!(drifts(&store, None, false).await.len(), 5);
    assert_eq!(used(&store, &plan(alice(), 0)).await, [5, 8, 5, 5, 8, 5]);
    assert_eq!(drifts(&store, None, false).await, []);
}

#[tokio::test]
async fn sums_and_members_that_went_wrong_are_made_right() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    // Far enough apart that the window is made of whole parts of time.
    for day in ["2026-05-25", "2026-06-01", "2026-06-10"] {
        recorded(&store, &wants_at(moment(day), 5, &["any/rolling 30d"])).await;
    }
    let mut members = wants(0, &[]);
    members.items.clear();
    let members = and_wants(members, &uploads(), 1, &["any/month"]);
    for name in ["a", "b"] {
        recorded(&store, &member(name, members.clone())).await;
    }
    assert!(changed(&file, "UPDATE part SET net = net + 7") > 0);
    changed(&file, "DELETE FROM member WHERE member = 'a'");
    let drift = drifts(&store, None, false).await;
    assert!(!drift.is_empty());
    assert_eq!(used(&store, &wants(0, &["any/rolling 30d"])).await, [15, 15]);
    recorded(&store, &member("a", members.clone())).await;
    let unique = adding(Aggregate::Unique, members);
    assert_eq!(used(&store, &unique).await, [2, 2]);
    assert_eq!(drifts(&store, None, false).await, []);
}

#[tokio::test]
async fn a_forgotten_name_is_nowhere_in_the_file() {
    let (_folder, file) = folder();
    let store = Sqlite::open(&file).unwrap();
    let soft = ["1/month soft grace 7d", "1/rolling 30d soft", "1/30d soft"];
    let mine = |amount| within("free", wants(amount, &soft));
    store.record(&mine(5), Some(key("k", 5)), noon()).await.unwrap().unwrap();
    charged(&store, &mine(5), 4).await;
    let open = granted(&store, &mine(5)).await;
    store.release(open, noon()).await.unwrap().unwrap();
    recorded(&store, &member("room", mine(1))).await;
    store.reset(&mine(0), None, noon()).await.unwrap().unwrap();
    let old = noon().before(std::time::Duration::from_hours(24 * 400));
    store.record(&within("free", wants_at(old, 5, &[])), None, old).await.unwrap().unwrap();
    let group = Grant { what: "gold".to_owned(), until: None, note: None };
    let grants = Grants { group: Some(group), ..Grants::default() };
    let seen = store.policy().await.unwrap().version;
    store.write_grants(&alice(), grants, seen).await.unwrap();
    assert!(!places_of(&file, "alice").is_empty());
    let gone = "gone-1".parse().unwrap();
    assert!(store.forget(&alice(), &gone, noon()).await.unwrap());
    assert_eq!(places_of(&file, "alice"), Vec::<String>::new());
    assert!(places_of(&file, "gone-1").len() > 3);
}

/// Returns in which columns `text` occurs.
fn places_of(file: &PathBuf, text: &str) -> Vec<String> {
    let db = Connection::open(file).unwrap();
    let columns = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
                   WHERE t.type = 'table'";
    let mut query = db.prepare(columns).unwrap();
    let pairs = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let pairs: Vec<(String, String)> = pairs.map(Result::unwrap).collect();
    let holds = |(table, column): &&(String, String)| {
        let count = format!("SELECT count(*) FROM \"{table}\" WHERE instr(\"{column}\", ?1) > 0");
        db.query_row(&count, [text], |row| row.get::<_, i64>(0)).unwrap() > 0
    };
    pairs.iter().filter(holds).map(|(table, column)| format!("{table}.{column}")).collect()
}
