//! Books: how many uploads a second the store can pay for, beside the bare disk.
//!
//! ```text
//! cargo bench --bench books
//! ```
//!
//! Each of 64 tasks reserves and settles, again and again, for a user of its own. A pair is
//! durable once it has returned. Beside it: how often a second 4 KiB can be appended and synced to
//! a file on the same disk, since no store that asks the disk every time is faster than that.
//! `METERGATE_BENCH_STORE=postgresql://…` names a store on a server to be measured as well.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]
#![expect(clippy::print_stdout, reason = "its table is what it is for")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
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

fn main() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = StorageSpec::Sqlite(folder.path().join("quota.db"));
    println!("{:>8}{:>12}{:>12}{:>14}{:>12}", "", "pairs/s", "p50 us", "p99 us", "CPU us");
    for round in 1..=ROUNDS {
        let syncs = syncs(folder.path());
        println!("{round:>8}  4 KiB appended and synced {syncs:.0}/s");
        let other = std::env::var("METERGATE_BENCH_STORE").ok().map(|url| url.parse().unwrap());
        let stores = [("sqlite", &file), ("memory", &StorageSpec::Memory)];
        for (name, spec) in stores.into_iter().chain(other.as_ref().map(|spec| ("other", spec))) {
            let pairs = runtime.block_on(pairs(spec));
            pairs.print(name);
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
    fn print(&self, name: &str) {
        let count = f64::from(u32::try_from(self.times.len()).unwrap());
        let micros = |percent: usize| self.times[self.times.len() * percent / 100].as_micros();
        println!(
            "{name:>8}{:>12.0}{:>12}{:>14}{:>12.1}",
            count / self.span.as_secs_f64(),
            micros(50),
            micros(99),
            self.cpu * 1e6 / count,
        );
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

/// Returns how often a second the disk can be asked.
fn syncs(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("raw")).unwrap();
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < ROUND / 2 {
        file.write_all(&[b'x'; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = text.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}
