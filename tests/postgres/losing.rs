//! S14: servers that go away, and processes that stand still.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use metergate::conformance::words::*;
use metergate::quota::held::Instance;
use metergate::quota::{Amount, Period};
use metergate::store::{Store, StoreError};
use tokio::time::{Instant, timeout};

use crate::servers::Postgres;
use crate::{opened, server, tell, told, until};

const URL: &str = "METERGATE_TEST_URL";

/// What a server needs to come back, and a store to notice.
const PATIENCE: Duration = Duration::from_secs(20);

async fn back(store: &dyn Store) {
    let begun = Instant::now();
    while let Err(error) = store.policy().await {
        assert!(begun.elapsed() < PATIENCE, "{}", told(&error));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_server_that_was_killed_is_come_back_to_and_has_all_it_acknowledged() {
    let mut server = Postgres::start_with(&["fsync=on"]).unwrap();
    let store = opened(&server.url("a"));
    let instance = Instance::named("a");
    store.join(&instance, noon()).await.unwrap();
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    let id = granted(&store, &asks(MB, &[MONTH_10MB])).await;
    server.kill();
    let gone = store.record(&asks(1, &[MONTH_10MB]), None, noon()).await.unwrap_err();
    assert!(matches!(gone, StoreError::Unavailable { .. }), "{gone}");
    // Nobody waits for what is known to be away, however often it is asked.
    let asked = async {
        for _ in 0..20 {
            store.policy().await.unwrap_err();
            store.beat(&instance, noon()).await.unwrap_err();
        }
    };
    timeout(PATIENCE, asked).await.unwrap();
    server.restart();
    back(&store).await;
    assert_eq!(usage(&store, alice(), Period::Month).await, (1, MB));
    let begun = Instant::now();
    while let Err(error) = store.settle(id, Amount::new(3), None, noon()).await {
        assert!(begun.elapsed() < PATIENCE, "{}", told(&error));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(usage(&store, alice(), Period::Month).await, (4, 0));
    // Its name is its own again with the next sign of life.
    store.beat(&instance, noon()).await.unwrap();
    let other = opened(&server.url("a"));
    assert_conflict(&other.join(&instance, noon()).await);
    // One that was only restarted while nobody called is not noticed.
    server.restart();
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    assert_eq!(usage(&store, alice(), Period::Month).await, (5, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_that_a_commit_happened_which_nobody_saw() {
    let store = opened(&server().url("unknown"));
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION slow()";
    tell(server(), "unknown", slow);
    let call = tokio::spawn(async move {
        let lost = store.record(&asks(5, &[MONTH_10MB]), Some(key("k", 5)), noon()).await;
        (store, lost)
    });
    let commits = "FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'";
    until(server(), "unknown", &format!("SELECT count(*) {commits}"), "1");
    tell(server(), "unknown", &format!("SELECT pg_terminate_backend(pid) {commits}"));
    let (store, lost) = call.await.unwrap();
    let lost = lost.unwrap_err();
    assert!(matches!(lost, StoreError::Unavailable { .. }), "{lost}");
    assert!(told(&lost).contains("not known"), "{}", told(&lost));
    tell(server(), "unknown", "DROP TRIGGER slow ON event");
    // The same again, under its key, counts it once, whatever had happened.
    for _ in 0..2 {
        store.record(&asks(5, &[MONTH_10MB]), Some(key("k", 5)), noon()).await.unwrap().unwrap();
    }
    assert_eq!(usage(&store, alice(), Period::Month).await, (6, 0));
}

/// Records one fact, in a transaction that takes a while.
#[tokio::test]
#[ignore = "another test here runs it as a process of its own"]
async fn child() {
    let store = opened(&std::env::var(URL).unwrap());
    recorded(&store, &by(bob(), asks(1, &[MONTH_10MB]))).await;
}

fn process(url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["losing::child", "--exact", "--ignored"])
        .env(URL, url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn a_process_that_stands_still_in_the_middle_holds_nobody_up_for_long() {
    let store = opened(&server().url("still"));
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF NEW.subject LIKE '@bob%' THEN PERFORM pg_sleep(1); END IF; RETURN NEW; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON counter FOR EACH ROW EXECUTE FUNCTION slow()";
    tell(server(), "still", &slow.replace("NEW.subject", "NEW.account"));
    let mut child = process(&server().url("still"));
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
                  AND query LIKE 'INSERT INTO counter%'";
    until(server(), "still", asleep, "1");
    signal(&child, "STOP");
    let mut tries = 0;
    while store.record(&asks(1, &[MONTH_10MB]), None, noon()).await.is_err() {
        tries += 1;
        assert!(tries < 4, "nobody else can write");
    }
    signal(&child, "CONT");
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(timeout(PATIENCE, ended).await.unwrap().unwrap().success());
    assert_eq!(usage(&store, alice(), Period::Month).await, (2, 0));
    // What it had begun was taken back, and done again.
    assert_eq!(usage(&store, bob(), Period::Month).await, (1, 0));
}

#[tokio::test]
async fn connections_that_the_server_ends_are_made_anew() {
    let url = format!("{}&application_name=ended", server().url("ended"));
    let store = opened(&url);
    recorded(&store, &asks(1, &[MONTH_10MB])).await;
    for round in 2..=4 {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE application_name = 'ended'";
        tell(server(), "ended", end);
        recorded(&store, &asks(1, &[MONTH_10MB])).await;
        assert_eq!(usage(&store, alice(), Period::Month).await, (round, 0));
    }
}
