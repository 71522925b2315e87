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
use metergate::quota::{
    Aggregate, Amount, Group, Layer, Limit, Measure, Period, PolicyVersion, Resource, Subject,
};
use metergate::store::{Import, Ledger, Lines, Page, StorageSpec, open};
use metergate::{Clock, Timestamp};
use tempfile::TempDir;
use tokio::time::Instant;

const SUBJECTS: u64 = 10_000;
const LONG: u64 = 1_000_000;
const SHORT: u64 = LONG / 100;
/// Over how long the lines of a ledger are spread.
const DAYS: u32 = 300;
/// What is charged, under which limit. Their number has no divisor in common with that of the
/// subjects, so that each is charged to all.
const RESOURCES: [(&str, &str); 7] = [
    ("month_bytes", "100MB/month"),
    ("rolling_bytes", "100MB/rolling 30d"),
    ("full_bytes", "1KB/rolling 30d"),
    ("first_bytes", "100MB/30d"),
    (ROOMS, "10000/month"),
    ("pool_bytes", "100MB/month, 10TB/month per server"),
    ("rolling_pool_bytes", "100MB/month, 10TB/rolling 30d per server"),
];
/// What counts different members.
const ROOMS: &str = "rooms";
const NOW: &str = "2026-11-21T12:00:00Z";

/// What was asked, and how long it took.
type Told = Vec<(String, Duration)>;

fn main() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:<50}{:>16}{:>16}{:>8}",
        "median, SQLite", "10,000 lines", "1,000,000 lines", "ratio"
    );
    let [short, long] = [SHORT, LONG].map(|lines| {
        let file = StorageSpec::Sqlite(folder.path().join(format!("{lines}.db")));
        runtime.block_on(asked(&file, lines))
    });
    for ((question, short), (_, long)) in short.into_iter().zip(long) {
        let ratio = long.as_secs_f64() / short.as_secs_f64();
        let millis = |span: Duration| format!("{:.3} ms", span.as_secs_f64() * 1e3);
        println!("{question:<50}{:>16}{:>16}{ratio:>8.2}", millis(short), millis(long));
    }
}

/// Asks every question on a ledger of so many lines; returns how long each takes.
async fn asked(spec: &StorageSpec, lines: u64) -> Told {
    let store = open(spec).unwrap();
    let import = Import {
        layer: policy(),
        ledger: Some(Ledger { balances: Vec::new(), lines: ledger(lines) }),
        ..Import::default()
    };
    store.import(import, PolicyVersion(0)).await.unwrap();
    let clock = Arc::new(Manual::at(NOW.parse().unwrap()));
    let engine = Engine::start(store, clock.clone()).await.unwrap();
    let mut told = Told::new();
    decisions(&engine, &mut told).await;
    lists(&engine, &mut told).await;
    engine.close().await.unwrap();
    drop(engine);
    let again = Instant::now();
    let engine = Engine::visit(open(spec).unwrap(), clock).await.unwrap();
    usage(&engine, &resource(RESOURCES[0].0), 1).await;
    told.push(("opened again, usage per month".to_owned(), again.elapsed()));
    told
}

/// What may not depend on history at all.
async fn decisions(engine: &Engine, told: &mut Told) {
    let all = RESOURCES.map(|(name, _)| resource(name));
    // The first charge in a window looks back once, for everyone; what comes after does not.
    let first = Instant::now();
    for resource in &all {
        charge(engine, resource, 0).await;
    }
    told.push(("first charge ever, in all".to_owned(), first.elapsed()));
    for (resource, (_, limit)) in all.iter().zip(RESOURCES) {
        told.push((format!("check {limit}"), median(|it| check(engine, resource, it)).await));
        told.push((format!("charge {limit}"), median(|it| charge(engine, resource, it)).await));
    }
    let [monthly, rolling, ..] = &all;
    told.push(("consume per month".to_owned(), median(|it| consume(engine, monthly, it)).await));
    told.push((
        "consume per rolling 30d".to_owned(),
        median(|it| consume(engine, rolling, it)).await,
    ));
    told.push(("usage per month".to_owned(), median(|it| usage(engine, monthly, it)).await));
    told.push(("usage per rolling 30d".to_owned(), median(|it| usage(engine, rolling, it)).await));
    told.push(("summary".to_owned(), median(|it| summary(engine, it)).await));
    told.push(("explain".to_owned(), median(|it| explain(engine, monthly, it)).await));
}

/// What looks at many subjects or lines.
async fn lists(engine: &Engine, told: &mut Told) {
    let [monthly, rolling, full, ..] = RESOURCES.map(|(name, _)| resource(name));
    told.push(("top 10 per month".to_owned(), median(|_| top(engine, &monthly)).await));
    told.push(("over per month: nobody".to_owned(), few(|_| over(engine, &monthly)).await));
    told.push(("over per rolling 30d: nobody".to_owned(), few(|_| over(engine, &rolling)).await));
    told.push(("over per rolling 30d: 100 of many".to_owned(), few(|_| over(engine, &full)).await));
    told.push(("subjects, a page of 100".to_owned(), median(|_| subjects(engine)).await));
    let whose = |number: Option<u64>, about: Option<&Resource>| Lines {
        subject: number.map(subject),
        resource: about.cloned(),
        newest_first: true,
        most: 100,
        ..Lines::default()
    };
    told.push((
        "events, the newest 100".to_owned(),
        median(|_| events(engine, whose(None, None))).await,
    ));
    let one = |number| events(engine, whose(Some(number), None));
    told.push(("events of one, the newest 100".to_owned(), median(one).await));
    let about = |_| events(engine, whose(None, Some(&rolling)));
    told.push(("events of a resource, newest 100".to_owned(), median(about).await));
    let one = |number| history(engine, Some(subject(number)), &monthly);
    told.push(("history of one, 30 days".to_owned(), median(one).await));
    told.push((
        "history of all, 30 days".to_owned(),
        few(|_| history(engine, None, &monthly)).await,
    ));
}

/// Returns the median of how long `question` takes.
async fn median<F: Future<Output = ()>>(question: impl Fn(u64) -> F) -> Duration {
    median_of(301, question).await
}

/// The same of a few, since each takes long.
async fn few<F: Future<Output = ()>>(question: impl Fn(u64) -> F) -> Duration {
    median_of(5, question).await
}

async fn median_of<F: Future<Output = ()>>(count: u64, question: impl Fn(u64) -> F) -> Duration {
    let mut times = Vec::new();
    for number in 0..count {
        // A prime step, so that neighbours are not asked one after the other.
        let begun = Instant::now();
        question(number * 7919 % SUBJECTS).await;
        times.push(begun.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

fn ask(resource: &Resource) -> Ask {
    Ask::Resource { resource: resource.clone(), amount: Amount::new(1000) }
}

async fn check(engine: &Engine, resource: &Resource, number: u64) {
    let ask = if resource.as_str() == ROOMS {
        Ask::Member { resource: resource.clone(), member: "!another".into() }
    } else {
        ask(resource)
    };
    assert!(engine.check(&subject(number), &ask).await.unwrap().binding.is_some());
}

async fn charge(engine: &Engine, resource: &Resource, number: u64) {
    let member = (resource.as_str() == ROOMS).then(|| format!("!{number}"));
    let (subject, resource) = (subject(number), resource.clone());
    let amount = Amount::new(1000);
    let fact = Fact { subject, resource, amount, member, key: None, at: None };
    assert!(!engine.record(&fact).await.unwrap().replayed);
}

async fn consume(engine: &Engine, resource: &Resource, number: u64) {
    assert!(engine.consume(&subject(number), &ask(resource)).await.unwrap().charge.is_some());
}

async fn usage(engine: &Engine, resource: &Resource, number: u64) {
    let report = engine.usage(&subject(number), resource, Span::Limits).await.unwrap();
    assert_eq!(report.windows.len(), 1);
}

async fn summary(engine: &Engine, number: u64) {
    let summary = engine.summary(&subject(number)).await.unwrap();
    assert_eq!(summary.group.as_deref(), Some("everyone"));
}

async fn explain(engine: &Engine, resource: &Resource, number: u64) {
    assert!(engine.explain(&subject(number), &ask(resource)).await.unwrap().decision.allowed);
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

async fn events(engine: &Engine, which: Lines) {
    assert!(!engine.events(&which).await.unwrap().is_empty());
}

async fn history(engine: &Engine, subject: Option<Subject>, resource: &Resource) {
    let end: Timestamp = NOW.parse().unwrap();
    let start = end.before(Duration::from_hours(29 * 24));
    let steps = engine.history(subject.as_ref(), resource, Period::Day, start, end).await.unwrap();
    assert_eq!(steps.len(), 30);
}

fn resource(name: &str) -> Resource {
    name.parse().unwrap()
}

fn subject(number: u64) -> Subject {
    format!("@user{number}:example.org").parse().unwrap()
}

fn policy() -> Layer {
    let unique = Measure { aggregate: Aggregate::Unique, ..Measure::COUNT };
    let limits = RESOURCES
        .map(|(name, text)| (resource(name), Limit::parse(text, &Measure::BYTES).unwrap()));
    let group = Group { limits: limits.into(), ..Group::default() };
    Layer {
        groups: [("everyone".to_owned(), group)].into(),
        default_group: Some("everyone".to_owned()),
        resources: [(resource(ROOMS), unique)].into(),
        ..Layer::default()
    }
}

/// Returns so many lines, spread evenly over resources, subjects and days.
fn ledger(lines: u64) -> Vec<Line> {
    let now: Timestamp = Manual::at(NOW.parse().unwrap()).now();
    let resources = RESOURCES.map(|(name, _)| resource(name));
    let span = Duration::from_secs(u64::from(DAYS) * 86_400);
    let line = |id: u64| {
        let left = u32::try_from((lines - id) * 1_000_000 / lines).unwrap();
        let at = now.before(span * left / 1_000_000);
        let resource = &resources[usize::try_from(id).unwrap() % resources.len()];
        let member = (resource.as_str() == ROOMS).then(|| format!("!{}", id / SUBJECTS).into());
        let event = Event {
            subject: subject(id * 7919 % SUBJECTS),
            group: Some("everyone".into()),
            resource: resource.clone(),
            kind: Kind::Use,
            amount: Amount::new(50_000),
            member,
            at,
            hold: None,
            bucket: None,
        };
        Line { id, event, recorded: at, key: None }
    };
    (1..=lines).map(line).collect()
}
