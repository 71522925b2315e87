//! Raw: the least that a store has to do for each upload, by the tools of those it stands on.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

const SPAN: Duration = Duration::from_millis(500);

/// What a reservation does at least: looks at a policy and at what is used and held, sets room
/// aside in two windows, and writes the reservation down.
const SCRIPT: &str = "
redis.call('HGET', KEYS[1] .. 'policy', 'version')
local used = redis.call('HGET', KEYS[1] .. 'counts', ARGV[1]) or 0
local held = redis.call('HMGET', KEYS[1] .. 'held:' .. ARGV[1], 'day', 'month')
if used + (held[1] or 0) + ARGV[2] > 1e15 then return 0 end
redis.call('HINCRBY', KEYS[1] .. 'held:' .. ARGV[1], 'day', ARGV[2])
redis.call('HINCRBY', KEYS[1] .. 'held:' .. ARGV[1], 'month', ARGV[2])
redis.call('HSET', KEYS[1] .. 'hold:' .. ARGV[1], 'subject', ARGV[1], 'at', 1, 'state', 'open',
           'instance', 'a', 'items', ARGV[2])
redis.call('ZADD', KEYS[1] .. 'open', 1, ARGV[1])
return 1";

/// The same as one transaction.
const TRANSACTION: &str = r"
\set who random(1, 64)
BEGIN;
SELECT used, held FROM raw_counter WHERE account = :who FOR UPDATE;
UPDATE raw_counter SET held = held + 16384 WHERE account = :who;
INSERT INTO raw_hold (account, amount) VALUES (:who, 16384);
COMMIT;
";

const TABLES: &str = "
DROP TABLE IF EXISTS raw_counter, raw_hold;
CREATE TABLE raw_counter (account bigint PRIMARY KEY, used bigint NOT NULL, held bigint NOT NULL);
CREATE TABLE raw_hold (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account bigint, amount bigint);
INSERT INTO raw_counter SELECT n, 0, 0 FROM generate_series(1, 64) n;";

/// Returns how often a second 4 KiB can be appended to a file in `folder` and synced.
pub(crate) fn syncs(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("raw")).unwrap();
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < SPAN {
        file.write_all(&[b'x'; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// Returns how many scripts a second the Redis server at `address` runs for `clients` at once, as
/// redis-benchmark counts them.
pub(crate) fn scripts(address: &str, clients: usize) -> f64 {
    let (host, port) = address.rsplit_once(':').unwrap();
    let clients = clients.to_string();
    let how = ["-h", host, "-p", port, "-c", &clients, "-n", "20000", "-r", "64", "--csv"];
    let said = said(Command::new("redis-benchmark").args(how).args([
        "EVAL",
        SCRIPT,
        "1",
        "{raw}:",
        "__rand_int__",
        "16384",
    ]));
    // "test","rps","…": the script is the first field, quotes, commas and all; seven follow.
    let rate = said.trim_end().rsplit("\",\"").nth(6).unwrap_or_default();
    rate.parse().unwrap_or_else(|_| panic!("{said}"))
}

/// Returns how many transactions a second the PostgreSQL server at `url` commits for `clients` at
/// once, as pgbench counts them; its script lies in `folder` meanwhile.
pub(crate) fn transactions(url: &str, folder: &Path, clients: usize) -> f64 {
    said(Command::new("psql").args(["-q", "-v", "ON_ERROR_STOP=1", "-c", TABLES, url]));
    let script = folder.join("raw.sql");
    std::fs::write(&script, TRANSACTION).unwrap();
    let clients = clients.to_string();
    let said = said(
        Command::new("pgbench")
            .args(["-n", "-M", "prepared", "-j", "2", "-T", "1", "-c", &clients, "-f"])
            .args([script.as_os_str(), url.as_ref()]),
    );
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    rate.and_then(|rate| rate.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

fn said(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{}", command.get_program().display());
    String::from_utf8(output.stdout).unwrap()
}
