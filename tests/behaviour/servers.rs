//! The servers that tests stand on do what they are told, and leave nothing.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::servers::{Cluster, Postgres, Redis};
use crate::support::{PATIENCE, within};

fn answers(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn a_durable_redis_has_its_keys_after_it_was_killed() {
    let mut redis = Redis::start_durable().unwrap();
    assert!(redis.says("SET a 5").starts_with("+OK"));
    redis.kill();
    assert!(!answers(&redis.address()));
    redis.restart();
    assert!(redis.says("GET a").contains('5'));
    redis.restart();
    assert!(redis.says("GET a").contains('5'));
    redis.pause();
    assert_eq!(redis.says("PING"), "");
    redis.resume();
    assert!(within(PATIENCE, || redis.says("PING").starts_with("+PONG")));
    let address = redis.address();
    drop(redis);
    assert!(!answers(&address));
}

#[test]
fn a_cluster_outlives_the_end_of_a_node() {
    let mut cluster = Cluster::start().unwrap();
    assert!(cluster.url("a").starts_with("redis+cluster://127.0.0.1:"));
    cluster.nodes[1].kill();
    assert!(within(PATIENCE, || !cluster.is_whole()));
    cluster.nodes[1].restart();
    assert!(within(PATIENCE, || cluster.is_whole()));
}

#[test]
fn a_postgresql_goes_on_after_it_was_stopped_or_killed() {
    let mut postgres = Postgres::start_with(&["fsync=on"]).unwrap();
    let tell = |postgres: &Postgres, statement: &str| {
        let psql = Command::new("psql").args(["-Atqc", statement, &postgres.base()]).output();
        String::from_utf8(psql.unwrap().stdout).unwrap()
    };
    tell(&postgres, "CREATE TABLE kept AS SELECT 'B' AS name UNION SELECT 'a'");
    // Its names are in the order of a language, not of bytes.
    let names = "SELECT string_agg(name, ',' ORDER BY name) FROM kept";
    assert_eq!(tell(&postgres, names), "a,B\n");
    postgres.kill();
    assert_eq!(tell(&postgres, names), "");
    postgres.restart();
    assert_eq!(tell(&postgres, names), "a,B\n");
    postgres.restart();
    postgres.pause();
    let mut ask = Command::new("psql");
    let mut asked =
        ask.args(["-Atqc", names, &postgres.base()]).stdout(Stdio::null()).spawn().unwrap();
    assert!(!within(Duration::from_millis(300), || asked.try_wait().unwrap().is_some()));
    postgres.resume();
    assert!(within(PATIENCE, || asked.try_wait().unwrap().is_some_and(|ended| ended.success())));
}

/// Starts servers and waits for its end.
#[test]
#[ignore = "another test here runs it as a process of its own"]
fn child() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    println!("at {}", postgres.url("a"));
    println!("at {}", redis.url("a"));
    loop {
        std::thread::park();
    }
}

#[test]
fn they_end_with_the_tests_that_were_killed_and_leave_nothing() {
    // The server's user must be able to go through it.
    let passable = std::fs::Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(passable).tempdir().unwrap();
    let mut tests = Command::new(std::env::current_exe().unwrap())
        .args(["servers::child", "--exact", "--ignored", "--nocapture"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(tests.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.filter_map(|line| line.split_once("127.0.0.1:").map(|it| it.1.to_owned()));
    let ports = told.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let addresses: Vec<_> = ports.map(|port| format!("127.0.0.1:{port}")).take(2).collect();
    assert_eq!(addresses.len(), 2);
    assert!(addresses.iter().all(|address| answers(address)), "{addresses:?}");
    tests.kill().unwrap();
    tests.wait().unwrap();
    assert!(within(PATIENCE, || addresses.iter().all(|address| !answers(address))));
    assert!(within(PATIENCE, || folder.path().read_dir().unwrap().next().is_none()));
}
