//! S13, S14 over real processes: one that is killed, and many that write at once.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use metergate::quota::Period;
use metergate::quota::held::{HoldId, Instance, Life, State};
use metergate::quota::notice::Topic;
use metergate::store::Store;
use metergate::store::sqlite::Sqlite;

use metergate::conformance::words::*;

const FILE: &str = "METERGATE_TEST_FILE";
const ROUNDS: &str = "METERGATE_TEST_ROUNDS";

/// What a child says after each round that was acknowledged.
const DONE: &str = "round done";

/// Rounds of a process: a reservation that stays open, one that is settled, and a fact past a soft
/// limit.
#[tokio::test]
#[ignore = "the other tests here run it as a process of its own"]
async fn child() {
    let store = Sqlite::open(&PathBuf::from(std::env::var_os(FILE).unwrap())).unwrap();
    let rounds: u32 = std::env::var(ROUNDS).unwrap().parse().unwrap();
    for _ in 0..rounds {
        granted(&store, &asks(1, &[(Period::Month, None)])).await;
        charged(&store, &asks(1, &[(Period::Month, None)]), 1).await;
        recorded(&store, &by(bob(), wants(1, &["0/month soft warn none"]))).await;
        println!("{DONE}");
    }
}

fn process(file: &Path, rounds: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["processes::child", "--exact", "--ignored", "--nocapture"])
        .env(FILE, file)
        .env(ROUNDS, rounds.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    let mut child = process(&file, u32::MAX);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut done = lines.map_while(Result::ok).filter(|line| line.contains(DONE));
    assert_eq!(done.by_ref().take(50).count(), 50);
    child.kill().unwrap();
    child.wait().unwrap();
    let acknowledged = 50 + i64::try_from(done.count()).unwrap();
    let (used, held) = usage(&Sqlite::open(&file).unwrap(), alice(), Period::Month).await;
    assert!((acknowledged..=acknowledged + 1).contains(&used), "{used} of {acknowledged}");
    // A round has a second reservation open until it is settled.
    assert!((acknowledged..=acknowledged + 2).contains(&held), "{held} of {acknowledged}");
}

/// S18: even then a charge and its notice are both there, or neither.
#[tokio::test]
async fn a_killed_process_leaves_no_charge_without_its_notice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    for _ in 0..3 {
        let mut child = process(&file, u32::MAX);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let done = lines.map_while(Result::ok).filter(|line| line.contains(DONE));
        assert_eq!(done.take(10).count(), 10);
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Sqlite::open(&file).unwrap();
        let (used, _) = usage(&store, bob(), Period::Month).await;
        let notices = store.notices(0, usize::MAX).await.unwrap();
        let parts = notices.iter().filter(|notice| notice.topic == Topic::ChargeOver).count();
        assert_eq!(i64::try_from(parts).unwrap(), used);
    }
}

#[tokio::test]
async fn many_processes_that_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    // Nobody made the file before: they do that at once as well.
    let children: Vec<_> = (0..8).map(|_| process(&file, 100)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let store = Sqlite::open(&file).unwrap();
    assert_eq!(usage(&store, alice(), Period::Month).await, (800, 800));
    assert_eq!(usage(&store, bob(), Period::Month).await, (800, 0));
    let notices = store.notices(0, 9000).await.unwrap();
    assert_eq!(notices.iter().filter(|one| one.topic == Topic::ChargeOver).count(), 800);
    assert_eq!(notices.iter().filter(|one| one.topic == Topic::Over).count(), 1);
}

/// As in a database that was copied back, without what was beside it.
#[tokio::test]
async fn whoever_comes_back_without_its_lock_file_ends_what_its_former_process_held() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    let (named, id) = (Instance::named("a"), HoldId::fresh());
    let former = Sqlite::open(&file).unwrap();
    former.join(&named, noon()).await.unwrap();
    let plan = asks(1, &[(Period::Month, None)]);
    former.reserve(&plan, id, Life::While(named.clone()), noon()).await.unwrap();
    drop(former);
    std::fs::remove_file(folder.path().join("metergate.db-instance-a")).unwrap();
    let again = Sqlite::open(&file).unwrap();
    assert_eq!(again.join(&named, noon()).await.unwrap(), 1);
    assert_eq!(again.held(id).await.unwrap().unwrap().state, State::Lapsed);
}
