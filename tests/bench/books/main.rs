//! Books: how many uploads a second a store can pay for, beside what its disk or server can do.
//!
//! ```text
//! cargo bench --bench books                    # all
//! cargo bench --bench books -- redis sqlite    # these
//! ```
//!
//! Each of 64 tasks reserves and settles, again and again, for a user of its own; a pair is two
//! calls, and durable once it has returned. Beside it, in the same round and on the same disk, the
//! least that any such store has to do: a sync of a file, a script that Redis is asked to run, a
//! transaction that PostgreSQL commits. The servers are started for it, and keep what they
//! acknowledge.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]
#![expect(clippy::panic, reason = "as above")]
#![expect(clippy::print_stdout, reason = "its table is what it is for")]

mod raw;
#[expect(dead_code, unused_imports, reason = "tests ask more of servers than to run")]
#[path = "../../support/servers/mod.rs"]
mod servers;

use std::sync::Arc;
use std::time::Duration;

use metergate::clock;
use metergate::engine::{Ask, Engine};
use metergate::quota::{Amount, Group, Layer, Limit, Measure, Subject};
use metergate::store::{StorageSpec, open};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;

const AT_ONCE: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);

/// A store, and the least it has to do.
struct Peer {
    name: &'static str,
    spec: StorageSpec,
    raw: Box<dyn Fn() -> Option<f64>>,
}

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut peers = Vec::new();
    if wanted("memory") {
        peers.push(Peer { name: "memory", spec: StorageSpec::Memory, raw: Box::new(|| None) });
    }
    if wanted("sqlite") {
        let spec = StorageSpec::Sqlite(folder.path().join("quota.db"));
        let place = folder.path().to_owned();
        peers.push(Peer { name: "sqlite", spec, raw: Box::new(move || Some(raw::syncs(&place))) });
    }
    let redis = wanted("redis").then(|| servers::Redis::start_durable().unwrap());
    if let Some(redis) = &redis {
        let (spec, address) = (redis.url("bench").parse().unwrap(), redis.address());
        let raw = Box::new(move || Some(raw::scripts(&address, AT_ONCE)));
        peers.push(Peer { name: "redis", spec, raw });
    }
    let postgres = wanted("postgres").then(|| servers::Postgres::start_with(&[]).unwrap());
    if let Some(postgres) = &postgres {
        let (spec, base) = (postgres.url("bench").parse().unwrap(), postgres.base());
        let scripts = folder.path().to_owned();
        let raw = Box::new(move || Some(raw::transactions(&base, &scripts, AT_ONCE)));
        peers.push(Peer { name: "postgres", spec, raw });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:<10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>14}",
        "", "pairs/s", "p50 us", "p99 us", "CPU us", "raw/s", "pairs per raw"
    );
    for round in 1..=ROUNDS {
        println!("round {round}");
        for peer in &peers {
            let pairs = runtime.block_on(pairs(&peer.spec));
            pairs.print(peer.name, (peer.raw)());
        }
    }
}

/// What was done in one round.
struct Pairs {
    /// How long each took, sorted.
    times: Vec<Duration>,
    span: Duration,
    /// Of this process, in seconds.
    cpu: f64,
}

impl Pairs {
    fn print(&self, name: &str, raw: Option<f64>) {
        let count = f64::from(u32::try_from(self.times.len()).unwrap());
        let micros = |percent: usize| self.times[self.times.len() * percent / 100].as_micros();
        let (rate, cpu) = (count / self.span.as_secs_f64(), self.cpu * 1e6 / count);
        print!("{name:<10}{rate:>10.0}{:>10}{:>10}{cpu:>10.1}", micros(50), micros(99));
        match raw {
            Some(raw) => println!("{raw:>12.0}{:>14.2}", rate / raw),
            None => println!(),
        }
    }
}

async fn pairs(spec: &StorageSpec) -> Pairs {
    let engine = Engine::start(open(spec).unwrap(), Arc::new(clock::System)).await.unwrap();
    engine.apply_file(&policy()).await.unwrap();
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        let subject: Subject = format!("@user{number}:example.org").parse().unwrap();
        tasks.spawn(repeat(engine.clone(), subject, begun + ROUND));
    }
    let mut times = tasks.join_all().await.concat();
    let (span, cpu) = (begun.elapsed(), cpu_seconds() - cpu);
    engine.close().await.unwrap();
    times.sort();
    Pairs { times, span, cpu }
}

fn policy() -> Layer {
    let limit = Limit::parse("1000TB/month", &Measure::BYTES).unwrap();
    let limits = [("media_bytes".parse().unwrap(), limit)];
    let group = Group { limits: limits.into_iter().collect(), ..Group::default() };
    Layer {
        groups: [("everyone".to_owned(), group)].into(),
        default_group: Some("everyone".to_owned()),
        ..Layer::default()
    }
}

async fn repeat(engine: Engine, subject: Subject, until: Instant) -> Vec<Duration> {
    let size = Amount::new(16 * 1024);
    let mut times = Vec::new();
    let mut now = Instant::now();
    while now < until {
        let hold = engine.reserve(&subject, &Ask::upload(size)).await.unwrap().hold.unwrap();
        drop(hold.settle(size).await.unwrap());
        let after = Instant::now();
        times.push(after - now);
        now = after;
    }
    times
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = text.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}
