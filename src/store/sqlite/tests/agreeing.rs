//! Any sequence of calls is answered by the file as the memory store answers it, which counts
//! most things anew each time: whatever adds up how, is shared by whom and lies how in time.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::quota::event::EVERYONE;
use crate::quota::plan::{Bound, Item};
use crate::quota::strictness::Mode;
use crate::quota::{Measure, Per, Zone};
use crate::store::memory::Memory;

const PERIODS: [&str; 9] = [
    "day",
    "month",
    "never",
    "3d",
    "rolling 90m",
    "rolling 2d",
    "rolling 30d",
    "rolling 1 month",
    "rolling 90d",
];
const WAYS: [(&str, Aggregate); 4] = [
    ("sum", Aggregate::Sum),
    ("max", Aggregate::Max),
    ("last", Aggregate::Last),
    ("unique", Aggregate::Unique),
];
const WHO: [(&str, Option<&str>); 3] = [("a", Some("g")), ("b", Some("g")), ("c", None)];

#[derive(Clone, Debug)]
struct Asked {
    who: usize,
    way: usize,
    amount: i64,
    /// In minutes before now.
    ago: u64,
    member: Option<u8>,
    /// Period, shared by whom, limit, zone, with grace.
    bounds: Vec<(usize, usize, Option<i64>, bool, bool)>,
}

#[derive(Clone, Debug)]
enum Verb {
    Read(Asked),
    Reserve(Asked, u8, bool),
    Grow(Asked, u8),
    Consume(Asked, u8),
    Settle(u8, i64, Asked),
    Release(u8),
    Refund(u8, Asked),
    Record(Asked, Option<u8>),
    Set(Asked),
    Reset(Asked, bool),
    Prune(u64),
    Recount(bool),
    Forget(usize),
    Wait(u64),
}

fn asked() -> impl Strategy<Value = Asked> {
    let bound = (
        0..PERIODS.len(),
        prop_oneof![4 => Just(0_usize), 1 => Just(1), 1 => Just(2)],
        prop::option::of(0..20_i64),
        any::<bool>(),
        any::<bool>(),
    );
    let ago = prop_oneof![3 => Just(0_u64), 1 => 0..200_u64, 1 => 0..60_000_u64];
    let member = prop::option::of(0..3_u8);
    (0..3_usize, 0..4_usize, -3..9_i64, ago, member, prop::collection::vec(bound, 1..4)).prop_map(
        |(who, way, amount, ago, member, bounds)| Asked { who, way, amount, ago, member, bounds },
    )
}

fn verb() -> impl Strategy<Value = Verb> {
    let (id, own) = (0..12_u8, 0..4_u8);
    prop_oneof![
        2 => asked().prop_map(Verb::Read),
        3 => (asked(), own.clone(), any::<bool>()).prop_map(|(it, id, short)| Verb::Reserve(it, id, short)),
        1 => (asked(), id.clone()).prop_map(|(it, id)| Verb::Grow(it, id)),
        3 => (asked(), own).prop_map(|(it, id)| Verb::Consume(it, id)),
        3 => (id.clone(), 0..9_i64, asked()).prop_map(|(id, total, it)| Verb::Settle(id, total, it)),
        1 => id.clone().prop_map(Verb::Release),
        2 => (id, asked()).prop_map(|(id, it)| Verb::Refund(id, it)),
        6 => (asked(), prop::option::of(0..4_u8)).prop_map(|(it, key)| Verb::Record(it, key)),
        1 => asked().prop_map(Verb::Set),
        1 => (asked(), any::<bool>()).prop_map(|(it, one)| Verb::Reset(it, one)),
        1 => (0..50_000_u64).prop_map(Verb::Prune),
        1 => any::<bool>().prop_map(Verb::Recount),
        1 => (0..3_usize).prop_map(Verb::Forget),
        4 => (0..3000_u64).prop_map(Verb::Wait),
    ]
}

fn resource(way: usize) -> Resource {
    WAYS[way].0.parse().unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

fn plan_of(asked: &Asked, now: Timestamp, version: PolicyVersion) -> Plan {
    let at = now.before(minutes(asked.ago));
    let (name, group) = WHO[asked.who];
    let bound = |(period, per, limit, berlin, grace): &(usize, usize, Option<i64>, bool, bool)| {
        let period: Period = PERIODS[*period].parse().unwrap();
        let zone = if *berlin { "Europe/Berlin".parse().unwrap() } else { Zone::UTC };
        let mut bound = Bound::counting(period, Bucket::of(period, &zone, at));
        bound.per = Per::ALL[*per];
        bound.limit = limit.map(Amount::new);
        if *grace {
            bound.strictness.mode = Mode::Soft;
            bound.strictness.grace = Some(minutes(600));
        }
        bound
    };
    let mut bounds: Vec<Bound> = asked.bounds.iter().map(bound).collect();
    let key = |bound: &Bound| (bound.per, bound.bucket.key.clone());
    bounds.sort_by_key(key);
    bounds.dedup_by_key(|bound| key(bound));
    let item = Item {
        resource: resource(asked.way),
        aggregate: WAYS[asked.way].1,
        amount: Amount::new(asked.amount),
        member: asked.member.map(|member| member.to_string().into()),
        metered: true,
        source: Source::Nothing,
        bounds,
    };
    Plan {
        version,
        subject: name.parse().unwrap(),
        group: group.map(Into::into),
        at,
        growing: false,
        items: vec![item],
    }
}

/// Returns the id of a reservation that is only ever that of one subject.
fn own(asked: &Asked, id: u8) -> HoldId {
    hold(u8::try_from(asked.who).unwrap() * 4 + id)
}

fn hold(id: u8) -> HoldId {
    format!("{id:032x}").parse().unwrap()
}

/// Does one thing to a store; returns its answer in words.
async fn answer(store: &dyn Store, verb: &Verb, now: Timestamp) -> String {
    let version = store.policy().await.unwrap().version;
    let plan = |asked: &Asked| plan_of(asked, now, version);
    match verb {
        Verb::Read(it) => format!("{:?}", store.read(&plan(it), now).await),
        Verb::Reserve(it, id, short) => {
            let end = now.after(minutes(if *short { 30 } else { 100_000 }));
            format!("{:?}", store.reserve(&plan(it), own(it, *id), Life::Until(end), now).await)
        }
        Verb::Grow(it, id) => {
            let Some(held) = store.held(hold(*id)).await.unwrap() else { return String::new() };
            let plan = Plan { subject: held.subject, group: held.group, at: held.at, ..plan(it) };
            format!("{:?}", store.grow(hold(*id), &plan, now).await)
        }
        Verb::Consume(it, id) => format!("{:?}", store.consume(&plan(it), own(it, *id), now).await),
        Verb::Settle(id, total, it) => {
            format!(
                "{:?}",
                store.settle(hold(*id), Amount::new(*total), Some(&plan(it)), now).await
            )
        }
        Verb::Release(id) => format!("{:?}", store.release(hold(*id), now).await),
        Verb::Refund(id, it) => {
            format!("{:?}", store.refund(hold(*id), Some(&plan(it)), now).await)
        }
        Verb::Record(it, key) => {
            let key = key.map(|key| Key { name: key.to_string(), fingerprint: vec![key] });
            format!("{:?}", store.record(&plan(it), key, now).await)
        }
        Verb::Set(it) => format!("{:?}", store.set(&plan(it), 0, now).await),
        Verb::Reset(it, one) => {
            let plan = plan(it);
            let bucket = plan.items[0].bounds[0].bucket.clone();
            format!("{:?}", store.reset(&plan, Some(&bucket).filter(|_| *one), now).await)
        }
        Verb::Prune(ago) => format!("{:?}", store.prune(now.before(minutes(*ago)), now).await),
        Verb::Recount(dry) => {
            let mut all = Vec::new();
            for opened in store.opened().await.unwrap() {
                all.push(store.recount(&opened, None, *dry).await);
            }
            format!("{all:?}")
        }
        Verb::Forget(who) => {
            let pseudonym = format!("gone-{who}").parse().unwrap();
            let gone = store.forget(&WHO[*who].0.parse().unwrap(), &pseudonym, now).await;
            format!("{gone:?}")
        }
        Verb::Wait(_) => String::new(),
    }
}

/// Returns all that the lists of a store say.
async fn lists(store: &dyn Store, now: Timestamp) -> Vec<String> {
    let mut all = vec![
        format!("{:?}", store.lines(&Lines { most: 1000, ..Lines::default() }).await.unwrap()),
        format!("{:?}", store.notices(0, 1000).await.unwrap()),
        format!("{:?}", store.opened().await.unwrap()),
        format!("{:?}", store.balances().await.unwrap()),
        format!("{:?}", store.open(now, 100).await.unwrap()),
        format!("{:?}", store.subjects("", Page::first(2)).await.unwrap()),
    ];
    let cuts: Vec<_> = (0..40).rev().map(|day| now.before(minutes(day * 1440))).collect();
    for (way, (_, aggregate)) in WAYS.iter().enumerate() {
        let resource = resource(way);
        let mut users = store.users(&resource, now, Page::first(9)).await.unwrap();
        for usage in &mut users {
            // The file keeps sums of rolling windows, and tells them; the memory reads each.
            usage.counters.retain(|(key, _)| !key.starts_with("rolling"));
        }
        all.push(format!("{users:?}"));
        let history = store.history(None, &resource, *aggregate, &cuts).await;
        all.push(format!("{:?} {EVERYONE}", history.unwrap()));
        for period in PERIODS {
            let bucket = Bucket::of(period.parse().unwrap(), &Zone::UTC, now);
            let top = store.top(&resource, *aggregate, &bucket, None, 2).await.unwrap();
            let rest = store.top(&resource, *aggregate, &bucket, top.last(), 9).await.unwrap();
            all.push(format!("{period} {top:?} {rest:?}"));
        }
    }
    all
}

async fn agree(verbs: &[Verb]) {
    let (_folder, file) = folder();
    let (sqlite, memory) = (Sqlite::open(&file).unwrap(), Memory::default());
    let stores: [&dyn Store; 2] = [&memory, &sqlite];
    for store in stores {
        let measure = |aggregate| Measure { aggregate, ..Measure::COUNT };
        let resources = WAYS.iter().map(|(name, way)| (name.parse().unwrap(), measure(*way)));
        let layer = Layer { resources: resources.collect(), ..Layer::default() };
        store.write_layer(LayerKind::Store, layer, PolicyVersion::default()).await.unwrap();
    }
    let mut now = noon();
    for verb in verbs {
        if let Verb::Wait(count) = verb {
            now = now.after(minutes(*count));
        }
        let expected = answer(stores[0], verb, now).await;
        assert_eq!(answer(stores[1], verb, now).await, expected, "{verb:?}");
    }
    let expected = lists(stores[0], now).await;
    for (found, expected) in lists(stores[1], now).await.into_iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_file_answers_as_the_memory_does(verbs in prop::collection::vec(verb(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(agree(&verbs));
    }
}
