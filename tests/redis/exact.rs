//! S2, S11 where amounts are past what a Lua number holds: the same answers as in memory.

use metergate::conformance::words::*;
use metergate::quota::held::HoldId;
use metergate::quota::plan::Plan;
use metergate::quota::{Aggregate, Amount};
use metergate::store::memory::Memory;
use metergate::store::redis::Redis as Books;
use metergate::store::{Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::servers::Redis;
use crate::words::open;

/// Amounts around which something gives: 2^53, the halves of an amount, the ends of 64 bits.
const EDGES: [i64; 12] = [
    0,
    1,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    9_999_999_999,
    10_000_000_000,
    123_456_789_012_345_678,
    i64::MAX / 2,
    i64::MAX / 2 + 1,
    i64::MAX - 1,
    i64::MAX,
];

/// Windows whose limits are there, too.
const WINDOWS: [&str; 7] = [
    "any/month",
    "9007199254740993/day",
    "9223372036854775807/week",
    "9223372036854775806/rolling 30d soft ceiling 9223372036854775807",
    "4611686018427387904/3d",
    "123456789012345679/month per server trailing",
    "9007199254740991/year per server observe",
];

#[derive(Clone, Debug)]
enum Verb {
    Record(i64),
    Set(i64, usize),
    Reserve(i64),
    Grow(i64),
    Settle(i64),
    Refund,
    Reset,
}

fn amounts() -> impl Strategy<Value = i64> + Clone {
    let edge = prop::sample::select(EDGES.to_vec());
    (edge, -3..=3_i64, prop::bool::weighted(0.3)).prop_map(|(edge, off, negative)| {
        let amount = edge.saturating_add(off);
        if negative { amount.saturating_neg() } else { amount }
    })
}

fn verbs() -> impl Strategy<Value = Vec<(usize, usize, Verb)>> {
    let room = amounts().prop_map(i64::saturating_abs);
    let verb = prop_oneof![
        4 => amounts().prop_map(Verb::Record),
        2 => (room.clone(), 0..3_usize).prop_map(|(amount, basis)| Verb::Set(amount, basis)),
        3 => room.clone().prop_map(Verb::Reserve),
        1 => room.clone().prop_map(Verb::Grow),
        2 => room.prop_map(Verb::Settle),
        1 => Just(Verb::Refund),
        1 => Just(Verb::Reset),
    ];
    prop::collection::vec((0..2_usize, 0..WINDOWS.len(), verb), 1..25)
}

/// Returns what became of a call, as far as it may be compared.
async fn done(store: &dyn Store, plan: &Plan, id: HoldId, verb: &Verb) -> Result<String, String> {
    let of = |amount: i64| {
        let mut plan = plan.clone();
        plan.items[0].amount = Amount::new(amount);
        plan
    };
    let now = noon();
    let answer = match verb {
        Verb::Record(amount) => format!("{:?}", store.record(&of(*amount), None, now).await),
        Verb::Set(amount, basis) => format!("{:?}", store.set(&of(*amount), *basis, now).await),
        Verb::Reserve(amount) => {
            format!("{:?}", store.reserve(&of(*amount), id, long(), now).await)
        }
        Verb::Grow(amount) => {
            let more = Plan { growing: true, ..of(*amount) };
            format!("{:?}", store.grow(id, &more, now).await)
        }
        Verb::Settle(total) => {
            format!("{:?}", store.settle(id, Amount::new(*total), Some(plan), now).await)
        }
        Verb::Refund => format!("{:?}", store.refund(id, Some(plan), now).await),
        Verb::Reset => format!("{:?}", store.reset(plan, None, now).await),
    };
    let read = store.read(&of(0), now).await.map_err(|error| error.to_string())?;
    let notices = store.notices(0, 999).await.map_err(|error| error.to_string())?;
    Ok(format!("{answer}\n{read:?}\n{notices:?}"))
}

#[test]
fn amounts_past_what_a_number_holds_are_counted_as_in_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let server = Redis::start().unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(60)
    });
    runner
        .run(&(verbs(), 0..4_usize), |(verbs, aggregate)| {
            let prefix = uuid_like();
            let (books, memory) = (open(&server.url(&prefix)), Memory::default());
            runtime.block_on(both(&books, &memory, &verbs, Aggregate::ALL[aggregate]));
            Ok(())
        })
        .unwrap();
}

fn uuid_like() -> String {
    format!("exact-{}", HoldId::fresh())
}

async fn both(
    books: &Books,
    memory: &Memory,
    verbs: &[(usize, usize, Verb)],
    aggregate: Aggregate,
) {
    let mut last = HoldId::fresh();
    for (who, window, verb) in verbs {
        let plan = wants(0, &[WINDOWS[*window], "any/month per server", "any/never"]);
        let plan = by([alice(), bob()][*who].clone(), plan);
        let plan = if aggregate == Aggregate::Sum { plan } else { adding(aggregate, plan) };
        if matches!(verb, Verb::Reserve(_)) {
            last = HoldId::fresh();
        }
        let there = done(books, &plan, last, verb).await;
        let here = done(memory, &plan, last, verb).await;
        assert_eq!(there, here, "{verb:?} in {}", WINDOWS[*window]);
    }
}

#[tokio::test]
async fn the_last_unit_there_is_fits_and_one_more_does_not() {
    let server = Redis::start().unwrap();
    let store = open(&server.url("books"));
    let plan = |amount| wants(amount, &["any/month"]);
    recorded(&store, &plan(i64::MAX - 1)).await;
    recorded(&store, &plan(1)).await;
    assert_eq!(used(&store, &plan(0)).await[0], i64::MAX);
    let more = store.record(&plan(1), None, noon()).await;
    assert!(matches!(more, Err(StoreError::Overflow(_))), "{more:?}");
    recorded(&store, &plan(-7)).await;
    assert_eq!(used(&store, &plan(0)).await[0], i64::MAX - 7);
}
