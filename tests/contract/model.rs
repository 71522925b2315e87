//! The whole contract at once: any sequence of calls is answered as a naive model answers it.
//!
//! The model keeps a list of charges and a list of reservations, and counts both anew each time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use metergate::clock::Timestamp;
use metergate::quota::held::{HoldId, Life, State};
use metergate::quota::plan::Plan;
use metergate::quota::{Aggregate, Amount, Bucket, Period, Subject, Zone};
use metergate::store::memory::Memory;
use metergate::store::sqlite::Sqlite;
use metergate::store::{Admission, Page, Settled, Store, StoreError};
use proptest::prelude::*;

use crate::words::*;

/// A Sunday, a Monday, the last day of a month, the first of the next.
const DAYS: [&str; 4] = ["2026-06-28", "2026-06-29", "2026-06-30", "2026-07-01"];

/// The limits of the windows a plan may ask for.
const LIMITS: [(Period, i64); 3] = [(Period::Day, 8), (Period::Week, 12), (Period::Month, 15)];

/// What a reservation lives, when not for long.
const SHORT: Duration = Duration::from_mins(10);

#[derive(Clone, Debug)]
enum Verb {
    Reserve { who: usize, amount: i64, day: usize, windows: usize, short: bool },
    Grow { which: usize, amount: i64, windows: usize },
    Extend { which: usize },
    Settle { which: usize, total: i64 },
    Release { which: usize },
    Refund { which: usize },
    Record { who: usize, amount: i64, day: usize, windows: usize, key: Option<u8> },
    Reset { who: usize, day: usize, windows: usize, one: Option<Period> },
    Wait { minutes: u64 },
}

fn verb() -> impl Strategy<Value = Verb> {
    let (who, day, windows, which) = (0..2_usize, 0..DAYS.len(), 0..8_usize, 0..6_usize);
    let key = prop::option::of(0..3_u8);
    let one = prop::option::of(prop::sample::select(&Period::CALENDAR[..]));
    prop_oneof![
        4 => (who.clone(), 0..7_i64, day.clone(), windows.clone(), any::<bool>()).prop_map(
            |(who, amount, day, windows, short)| Verb::Reserve { who, amount, day, windows, short }
        ),
        2 => (which.clone(), 0..5_i64, windows.clone())
            .prop_map(|(which, amount, windows)| Verb::Grow { which, amount, windows }),
        1 => which.clone().prop_map(|which| Verb::Extend { which }),
        3 => (which.clone(), 0..7_i64).prop_map(|(which, total)| Verb::Settle { which, total }),
        2 => which.clone().prop_map(|which| Verb::Release { which }),
        2 => which.prop_map(|which| Verb::Refund { which }),
        3 => (who.clone(), -4..7_i64, day.clone(), windows.clone(), key).prop_map(
            |(who, amount, day, windows, key)| Verb::Record { who, amount, day, windows, key }
        ),
        1 => (who, day, windows, one)
            .prop_map(|(who, day, windows, one)| Verb::Reset { who, day, windows, one }),
        1 => (1..15_u64).prop_map(|minutes| Verb::Wait { minutes }),
    ]
}

fn day(index: usize) -> Timestamp {
    moment(DAYS[index]).after(Duration::from_hours(12))
}

fn who(index: usize) -> Subject {
    [alice(), bob()][index].clone()
}

fn plan(subject: usize, at: Timestamp, amount: i64, windows: usize) -> Plan {
    let asked = LIMITS.iter().enumerate().filter(|(bit, _)| windows >> bit & 1 == 1);
    let caps: Vec<Cap> = asked.map(|(_, (period, limit))| (*period, Some(*limit))).collect();
    by(who(subject), asks_at(at, amount, &caps))
}

#[derive(Debug)]
enum Fact {
    Charge(i64),
    Reset(Option<String>),
}

#[derive(Debug)]
struct Room {
    id: HoldId,
    who: usize,
    at: Timestamp,
    end: Timestamp,
    amount: i64,
    state: State,
    total: i64,
    late: bool,
}

#[derive(Debug)]
struct Model {
    now: Timestamp,
    facts: Vec<(usize, Timestamp, Fact)>,
    rooms: Vec<Room>,
    keys: HashMap<(usize, u8), i64>,
}

impl Model {
    fn used(&self, subject: usize, bucket: &Bucket) -> i64 {
        let mut used = 0;
        for (who, at, fact) in &self.facts {
            if *who != subject || !bucket.contains(*at) {
                continue;
            }
            match fact {
                Fact::Charge(amount) => used = (used + amount).max(0),
                Fact::Reset(Some(key)) if *key != bucket.key => {}
                Fact::Reset(_) => used = 0,
            }
        }
        used
    }

    fn held(&self, subject: usize, bucket: &Bucket) -> i64 {
        let counts = |room: &&Room| {
            room.who == subject
                && room.state == State::Open
                && self.now < room.end
                && bucket.contains(room.at)
        };
        self.rooms.iter().filter(counts).map(|room| room.amount).sum()
    }

    fn readings(&self, subject: usize, plan: &Plan) -> Vec<(i64, i64)> {
        let bounds = plan.items[0].bounds.iter();
        let read = |bucket| (self.used(subject, bucket), self.held(subject, bucket));
        bounds.map(|bound| read(&bound.bucket)).collect()
    }

    fn fits(&self, subject: usize, plan: &Plan) -> bool {
        let item = &plan.items[0];
        item.bounds.iter().all(|bound| {
            let taken = self.used(subject, &bound.bucket) + self.held(subject, &bound.bucket);
            bound.limit.is_none_or(|limit| taken + item.amount.get() <= limit.get())
        })
    }

    fn lapse(&mut self) {
        let now = self.now;
        for room in self.rooms.iter_mut().filter(|room| room.end <= now) {
            if room.state == State::Open {
                room.state = State::Lapsed;
            }
        }
    }
}

/// Does one thing in both, and compares the answers.
async fn both(store: &dyn Store, model: &mut Model, verb: &Verb) {
    model.lapse();
    let now = model.now;
    match *verb {
        Verb::Wait { minutes } => model.now = now.after(Duration::from_mins(minutes)),
        Verb::Reserve { who, amount, day: index, windows, short } => {
            let plan = plan(who, day(index), amount, windows);
            let (fits, readings) = (model.fits(who, &plan), model.readings(who, &plan));
            let end = if short { now.after(SHORT) } else { moment("2030-01-01") };
            let id = HoldId::fresh();
            let answer = store.reserve(&plan, id, Life::Until(end), now).await.unwrap();
            compare(&answer, fits, &readings);
            if fits {
                let (at, state) = (plan.at, State::Open);
                model.rooms.push(Room { id, who, at, end, amount, state, total: 0, late: false });
            }
        }
        Verb::Record { who, amount, day: index, windows, key: number } => {
            let plan = plan(who, day(index), amount, windows);
            let key = number.map(|number| key(&number.to_string(), amount));
            let known = number.and_then(|number| model.keys.get(&(who, number)).copied());
            let answer = store.record(&plan, key, now).await;
            if known.is_some_and(|known| known != amount) {
                assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
                return;
            }
            if known.is_none() {
                model.facts.push((who, plan.at, Fact::Charge(amount)));
                model.keys.extend(number.map(|number| ((who, number), amount)));
            }
            let recorded = answer.unwrap().unwrap();
            assert_eq!(recorded.replayed, known.is_some());
            let found: Vec<_> = recorded.readings[0].iter().copied().map(figures).collect();
            assert_eq!(found, model.readings(who, &plan));
        }
        Verb::Reset { who, day: index, windows, one } => {
            let plan = plan(who, day(index), 0, windows);
            let bucket = one.map(|period| Bucket::of(period, &Zone::UTC, plan.at));
            store.reset(&plan, bucket.as_ref(), now).await.unwrap().unwrap();
            let key = bucket.map(|bucket| bucket.key);
            model.facts.push((who, plan.at, Fact::Reset(key)));
        }
        Verb::Grow { which, .. }
        | Verb::Extend { which }
        | Verb::Settle { which, .. }
        | Verb::Release { which }
        | Verb::Refund { which } => {
            if !model.rooms.is_empty() {
                with_room(store, model, which % model.rooms.len(), verb).await;
            }
        }
    }
}

/// Does something with a reservation in both, and compares the answers.
async fn with_room(store: &dyn Store, model: &mut Model, which: usize, verb: &Verb) {
    let now = model.now;
    let Room { id, who, at, state, total: settled, late, .. } = model.rooms[which];
    match *verb {
        Verb::Grow { amount, windows, .. } => {
            let plan = plan(who, at, amount, windows);
            let answer = store.grow(id, &plan, now).await.unwrap();
            if state == State::Open {
                let (fits, readings) = (model.fits(who, &plan), model.readings(who, &plan));
                compare(&answer, fits, &readings);
                model.rooms[which].amount += if fits { amount } else { 0 };
            } else {
                assert_eq!(answer, Admission::Lapsed);
            }
        }
        Verb::Extend { .. } => {
            let end = now.after(2 * SHORT);
            let extended = store.extend(id, end, now).await.unwrap();
            assert_eq!(extended, state == State::Open);
            if extended {
                model.rooms[which].end = end;
            }
        }
        Verb::Settle { total, .. } => {
            let answer = store.settle(id, Amount::new(total), None, now).await;
            match state {
                State::Open | State::Lapsed => {
                    let late = state == State::Lapsed;
                    assert_eq!(answer.unwrap(), Some(Settled { late, replayed: false }));
                    let room = &mut model.rooms[which];
                    (room.state, room.total, room.late) = (State::Settled, total, late);
                    model.facts.push((who, at, Fact::Charge(total)));
                }
                State::Settled if total == settled => {
                    assert_eq!(answer.unwrap(), Some(Settled { late, replayed: true }));
                }
                State::Settled | State::Released | State::Refunded => conflict(&answer),
            }
        }
        Verb::Release { .. } => {
            let answer = store.release(id, now).await;
            match state {
                State::Open => model.rooms[which].state = State::Released,
                State::Lapsed | State::Released => {}
                State::Settled | State::Refunded => return conflict(&answer),
            }
            assert_eq!(answer.unwrap(), Some(()));
        }
        Verb::Refund { .. } => {
            let answer = store.refund(id, None, now).await;
            match state {
                State::Settled => {
                    model.rooms[which].state = State::Refunded;
                    model.facts.push((who, at, Fact::Charge(-settled)));
                }
                State::Refunded => {}
                State::Open | State::Lapsed | State::Released => return conflict(&answer),
            }
            assert_eq!(answer.unwrap(), Some(()));
        }
        _ => unreachable!("{verb:?} is not about a reservation"),
    }
}

#[track_caller]
fn conflict<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
}

#[track_caller]
fn compare(answer: &Admission, fits: bool, readings: &[(i64, i64)]) {
    let (granted, found) = match answer {
        Admission::Granted(found) => (true, found),
        Admission::Denied(found) => (false, found),
        Admission::Lapsed | Admission::Stale => panic!("{answer:?}"),
    };
    let found: Vec<_> = found[0].iter().copied().map(figures).collect();
    assert_eq!((granted, found.as_slice()), (fits, readings));
}

/// Compares every count of both.
async fn look(store: &dyn Store, model: &Model) {
    for (subject, index) in [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)] {
        let at = day(index);
        let every: Vec<Cap> = Period::CALENDAR.map(|period| (period, None)).into();
        let plan = by(who(subject), asks_at(at, 0, &every));
        let readings = store.read(&plan, model.now).await.unwrap().unwrap();
        let found: Vec<_> = readings[0].iter().copied().map(figures).collect();
        assert_eq!(found, model.readings(subject, &plan), "{subject} at {at}");
    }
}

/// Compares the lists of both.
async fn list(store: &dyn Store, model: &Model) {
    let charges = model.facts.iter().filter(|(_, _, fact)| matches!(fact, Fact::Charge(_)));
    let users: BTreeMap<Subject, usize> =
        charges.map(|(index, ..)| (who(*index), *index)).collect();
    let found = store.users(&media(), day(0), Page::first(9)).await.unwrap();
    let names: Vec<_> = found.iter().map(|usage| &usage.subject).collect();
    assert_eq!(names, users.keys().collect::<Vec<_>>());
    for period in Period::CALENDAR {
        let bucket = Bucket::of(period, &Zone::UTC, day(0));
        let used = |(name, index): (&Subject, &usize)| (name.clone(), model.used(*index, &bucket));
        let mut top: Vec<_> = users.iter().map(used).filter(|(_, used)| *used > 0).collect();
        top.sort_by_key(|(_, used)| -used);
        let found = store.top(&media(), Aggregate::Sum, &bucket, None, 9).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|one| (one.subject, one.used.get())).collect();
        assert_eq!(found, top, "{period}");
        for usage in store.users(&media(), day(0), Page::first(9)).await.unwrap() {
            for (key, used) in usage.counters.iter().filter(|(key, _)| *key == bucket.key) {
                assert_eq!(used.get(), model.used(users[&usage.subject], &bucket), "{key}");
            }
        }
    }
}

fn answers_like_the_model(store: &dyn Store, verbs: &[Verb]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut model = Model { now: day(0), facts: vec![], rooms: vec![], keys: HashMap::new() };
    runtime.block_on(async {
        for verb in verbs {
            both(store, &mut model, verb).await;
            look(store, &model).await;
        }
        list(store, &model).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_answers_like_the_model(verbs in prop::collection::vec(verb(), 1..40)) {
        answers_like_the_model(&Memory::default(), &verbs);
    }

    #[test]
    fn sqlite_answers_like_the_model(verbs in prop::collection::vec(verb(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("metergate.db")).unwrap();
        answers_like_the_model(&store, &verbs);
    }
}
