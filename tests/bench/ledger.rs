//! Ledger: how long a question takes when there is much to look back on.
//!
//! ```text
//! cargo bench --bench ledger
//! ```
//!
//! Two ledgers of 10,000 subjects, one with a hundredth of the other's lines; each question is
//! asked many times, and the last column says how much longer it takes on the long one. What may
//! not depend on history is near 1.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]
#![expect(clippy::print_stdout, reason = "its table is what it is for")]

use std::sync::Arc;
use std::time::Duration;

use metergate::clock::Manual;
use metergate::engine::{Ask, Engine, Fact, Span};
use metergate::quota::event::{Event, Kind, Line};
use metergate::quota::{Amount, Group, Layer, Limit, Measure, PolicyVersion, Resource, Subject};
use metergate::store::{Import, Ledger, Page, StorageSpec, open};
use metergate::{Clock, Timestamp};
use tempfile::TempDir;
use tokio::time::Instant;

const SUBJECTS: u64 = 10_000;
const LONG: u64 = 1_000_000;
const SHORT: u64 = LONG / 100;
/// Over how long the lines of a ledger are spread.
const DAYS: u32 = 300;
const NOW: &str = "2026-11-21T12:00:00Z";

fn main() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:<34}{:>16}{:>16}{:>8}",
        "median, SQLite", "10,000 lines", "1,000,000 lines", "ratio"
    );
    let [short, long] = [SHORT, LONG].map(|lines| {
        let file = StorageSpec::Sqlite(folder.path().join(format!("{lines}.db")));
        runtime.block_on(asked(&file, lines))
    });
    for ((question, short), (_, long)) in short.into_iter().zip(long) {
        let ratio = long.as_secs_f64() / short.as_secs_f64();
        let millis = |span: Duration| format!("{:.3} ms", span.as_secs_f64() * 1e3);
        println!("{question:<34}{:>16}{:>16}{ratio:>8.2}", millis(short), millis(long));
    }
}

/// Asks every question on a ledger of so many lines; returns how long each takes.
async fn asked(spec: &StorageSpec, lines: u64) -> Vec<(&'static str, Duration)> {
    let store = open(spec).unwrap();
    let import = Import {
        layer: policy(),
        ledger: Some(Ledger { balances: Vec::new(), lines: ledger(lines) }),
        ..Import::default()
    };
    store.import(import, PolicyVersion(0)).await.unwrap();
    let clock = Arc::new(Manual::at(NOW.parse().unwrap()));
    let engine = Engine::start(store, clock.clone()).await.unwrap();
    let [media, rolling] = ["media_bytes", "rolling_bytes"].map(resource);
    let mut told = Vec::new();
    // The first charge in a window looks back once, for everyone; what comes after does not.
    let first = Instant::now();
    charge(&engine, &media, 0).await;
    charge(&engine, &rolling, 0).await;
    told.push(("first charge ever, both windows", first.elapsed()));
    let rolls = |number| ask(&rolling, number);
    told.push(("check per month", median(|it| engine_check(&engine, it, ask(&media, it))).await));
    told.push(("check per rolling 30d", median(|it| engine_check(&engine, it, rolls(it))).await));
    told.push(("charge per month", median(|it| charge(&engine, &media, it)).await));
    told.push(("charge per rolling 30d", median(|it| charge(&engine, &rolling, it)).await));
    told.push(("usage per month", median(|it| usage(&engine, &media, it)).await));
    told.push(("usage per rolling 30d", median(|it| usage(&engine, &rolling, it)).await));
    told.push(("top 10", median(|_| top(&engine, &media)).await));
    told.push(("over, the first 100", median(|_| over(&engine, &media)).await));
    told.push(("subjects, a page of 100", median(|_| subjects(&engine)).await));
    engine.close().await.unwrap();
    told
}

/// Returns the median of how long `question` takes.
async fn median<F: Future<Output = ()>>(question: impl Fn(u64) -> F) -> Duration {
    let mut times = Vec::new();
    for number in 0..301 {
        // A prime step, so that neighbours are not asked one after the other.
        let begun = Instant::now();
        question(number * 7919 % SUBJECTS).await;
        times.push(begun.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

fn ask(resource: &Resource, _number: u64) -> Ask {
    Ask::Resource { resource: resource.clone(), amount: Amount::new(1000) }
}

async fn engine_check(engine: &Engine, number: u64, ask: Ask) {
    assert!(engine.check(&subject(number), &ask).await.unwrap().binding.is_some());
}

async fn charge(engine: &Engine, resource: &Resource, number: u64) {
    let (subject, resource) = (subject(number), resource.clone());
    let amount = Amount::new(1000);
    let fact = Fact { subject, resource, amount, member: None, key: None, at: None };
    assert!(!engine.record(&fact).await.unwrap().replayed);
}

async fn usage(engine: &Engine, resource: &Resource, number: u64) {
    let report = engine.usage(&subject(number), resource, Span::Limits).await.unwrap();
    assert_eq!(report.windows.len(), 1);
}

async fn top(engine: &Engine, resource: &Resource) {
    assert_eq!(engine.top(resource, None, None, 10).await.unwrap().len(), 10);
}

async fn over(engine: &Engine, resource: &Resource) {
    engine.over(resource, Page::first(100)).await.unwrap();
}

async fn subjects(engine: &Engine) {
    assert_eq!(engine.subjects("", Page::first(100)).await.unwrap().len(), 100);
}

fn resource(name: &str) -> Resource {
    name.parse().unwrap()
}

fn subject(number: u64) -> Subject {
    format!("@user{number}:example.org").parse().unwrap()
}

fn policy() -> Layer {
    let limits = [("media_bytes", "100MB/month"), ("rolling_bytes", "100MB/rolling 30d")];
    let limits =
        limits.map(|(name, text)| (resource(name), Limit::parse(text, &Measure::BYTES).unwrap()));
    let group = Group { limits: limits.into(), ..Group::default() };
    Layer {
        groups: [("everyone".to_owned(), group)].into(),
        default_group: Some("everyone".to_owned()),
        ..Layer::default()
    }
}

/// Returns so many lines, half of them about each resource, spread over subjects and days.
fn ledger(lines: u64) -> Vec<Line> {
    let now: Timestamp = Manual::at(NOW.parse().unwrap()).now();
    let resources = ["media_bytes", "rolling_bytes"].map(resource);
    let span = Duration::from_secs(u64::from(DAYS) * 86_400);
    let line = |id: u64| {
        let left = u32::try_from((lines - id) * 1_000_000 / lines).unwrap();
        let at = now.before(span * left / 1_000_000);
        let event = Event {
            subject: subject(id * 7919 % SUBJECTS),
            group: Some("everyone".into()),
            resource: resources[usize::try_from(id / SUBJECTS % 2).unwrap()].clone(),
            kind: Kind::Use,
            amount: Amount::new(50_000),
            member: None,
            at,
            hold: None,
            bucket: None,
        };
        Line { id, event, recorded: at, key: None }
    };
    (1..=lines).map(line).collect()
}
