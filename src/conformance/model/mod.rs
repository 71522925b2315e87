//! The whole contract at once: any sequence of calls is answered as a naive model answers it.
//!
//! The model keeps every fact and every reservation, and counts both anew each time.

mod naive;
mod verb;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Handle;

use super::clause::Bench;
use super::heard::heard;
use super::words::*;
use crate::clock::Timestamp;
use crate::quota::held::{HoldId, Life, State};
use crate::quota::plan::{Plan, Reading};
use crate::quota::rule::{Verdict, judge_all};
use crate::quota::{Aggregate, Amount, Bucket, Per, Period, Subject, Zone};
use crate::store::{Admission, Page, Recorded, Settled, Store};
use naive::{Fact, Model, Room, What};
use verb::{Ask, Lives, Verb, verb};
use world::World;

/// What a reservation lives, when not for long.
const SHORT: Duration = Duration::from_mins(10);

/// Does one thing in both, and compares the answers.
async fn both(store: &dyn Store, model: &mut Model, verb: &Verb) {
    model.lapse();
    match verb {
        Verb::Wait { minutes } => model.now = model.now.after(Duration::from_mins(*minutes)),
        Verb::Crash => {}
        Verb::Reserve { ask, lives } => reserve(store, model, ask, *lives).await,
        Verb::Consume { ask } => consume(store, model, ask).await,
        Verb::Record { ask, key } => record(store, model, ask, *key).await,
        Verb::Set { ask, basis } => set(store, model, ask, *basis).await,
        Verb::Reset { ask, one } => {
            let plan = model.plan(ask);
            let bounds = &plan.items[0].bounds;
            let bucket = one.map(|one| bounds[one % bounds.len()].bucket.clone());
            store.reset(&plan, bucket.as_ref(), model.now).await.unwrap().unwrap();
            model.facts.push(Fact::of(&plan, What::Reset(bucket.map(|bucket| bucket.key))));
        }
        Verb::Prune => prune(store, model).await,
        Verb::Forget { who } => forget(store, model, *who).await,
        Verb::Recount => {
            for opened in store.opened().await.unwrap() {
                assert_eq!(store.recount(&opened, None, false).await.unwrap(), []);
            }
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

async fn reserve(store: &dyn Store, model: &mut Model, ask: &Ask, lives: Lives) {
    let (plan, now) = (model.plan(ask), model.now);
    let end = if lives == Lives::Shortly { now.after(SHORT) } else { moment("2030-01-01") };
    let owner = model.owner.clone().filter(|_| lives == Lives::WithItsOwner);
    let (id, owned) = (HoldId::fresh(), owner.is_some());
    let life = owner.map_or(Life::Until(end), Life::While);
    let answer = store.reserve(&plan, id, life, now).await.unwrap();
    if compare(&answer, model, &plan) {
        model.rooms.push(Room { owned, ..Room::of(&plan, id, end) });
    }
}

async fn consume(store: &dyn Store, model: &mut Model, ask: &Ask) {
    let (plan, id) = (model.plan(ask), HoldId::fresh());
    let answer = store.consume(&plan, id, model.now).await.unwrap();
    if compare(&answer, model, &plan) {
        let total = plan.items[0].amount.get();
        let room = Room { state: State::Settled, total, ..Room::of(&plan, id, model.now) };
        let fact = Fact { room: Some(id), ..Fact::of(&plan, What::Charge(total)) };
        model.rooms.push(Room { settled: model.now, consumed: true, ..room });
        model.facts.push(fact);
    }
}

async fn record(store: &dyn Store, model: &mut Model, ask: &Ask, number: Option<u8>) {
    let plan = model.plan(ask);
    let amount = plan.items[0].amount.get();
    let name = plan.subject.as_str().to_owned();
    let known = number.and_then(|number| model.keys.get(&(name.clone(), number)).copied());
    let key = number.map(|number| key(&number.to_string(), amount));
    let answer = store.record(&plan, key, model.now).await;
    if known.is_some_and(|known| known != amount) {
        return assert_conflict(&answer);
    }
    if known.is_none() {
        model.facts.push(Fact::of(&plan, What::Charge(amount)));
        model.keys.extend(number.map(|number| ((name, number), amount)));
    }
    let Recorded { readings, replayed } = answer.unwrap().unwrap();
    assert_eq!(replayed, known.is_some());
    assert_eq!(seen(&readings[0]), model.readings(&plan));
}

async fn set(store: &dyn Store, model: &mut Model, ask: &Ask, basis: usize) {
    let plan = model.plan(ask);
    let item = &plan.items[0];
    let mut basis = basis % item.bounds.len();
    if item.aggregate == Aggregate::Max {
        // Only one's own count can be lowered without the ledger.
        basis = item.bounds.iter().position(|bound| bound.per == Per::Subject).unwrap();
    }
    let (bound, value) = (&item.bounds[basis], item.amount.get());
    let answer = store.set(&plan, basis, model.now).await;
    match item.aggregate {
        Aggregate::Unique => return assert_conflict(&answer),
        Aggregate::Sum => {
            let change = value - model.reading(&plan, bound).used.get();
            if change != 0 {
                model.facts.push(Fact::of(&plan, What::Charge(change)));
            }
        }
        Aggregate::Max => {
            let reset = What::Reset(Some(bound.bucket.key.clone()));
            model.facts.push(Fact::of(&plan, reset));
            model.facts.push(Fact::of(&plan, What::Charge(value)));
        }
        Aggregate::Last => model.facts.push(Fact::of(&plan, What::Charge(value))),
    }
    assert_eq!(seen(&answer.unwrap().unwrap().readings[0]), model.readings(&plan));
}

/// The model keeps what is pruned; so no count may differ.
async fn prune(store: &dyn Store, model: &mut Model) {
    let before = model.now.before(Duration::from_hours(6));
    model.pruned = model.pruned.max(before);
    // What can still be asked for is what was asked for while all lines were there.
    for plan in model.every_question() {
        let id = HoldId::fresh();
        store.reserve(&plan, id, Life::Until(model.now.after(SHORT)), model.now).await.unwrap();
        store.release(id, model.now).await.unwrap();
    }
    while store.prune(before, model.now).await.unwrap().more {}
}

async fn forget(store: &dyn Store, model: &mut Model, who: usize) {
    let subject: Subject = verb::who(who);
    let pseudonym: Subject = format!("gone-{}", model.forgotten.len()).parse().unwrap();
    let name = subject.as_str();
    let answer = store.forget(&subject, &pseudonym, model.now).await;
    let mine: Vec<_> = model.rooms.iter().filter(|room| room.who == name).collect();
    if mine.iter().any(|room| room.state == State::Open) {
        return assert_conflict(&answer);
    }
    if model.facts.iter().any(|fact| fact.who == name) {
        assert!(answer.unwrap());
    } else if mine.is_empty() && model.pruned == Timestamp::MIN {
        assert!(!answer.unwrap());
    }
    model.forget(name, pseudonym);
}

/// Does something with a reservation in both, and compares the answers.
async fn with_room(store: &dyn Store, model: &mut Model, which: usize, verb: &Verb) {
    let now = model.now;
    let room = model.rooms[which].clone();
    let id = room.id;
    match verb {
        Verb::Grow { amount, windows, .. } => {
            let plan = model.addition(&room, *amount, windows);
            let answer = store.grow(id, &plan, now).await.unwrap();
            if room.state != State::Open {
                assert_eq!(answer, Admission::Lapsed);
            } else if compare(&answer, model, &plan) {
                model.rooms[which].amount += plan.items[0].amount.get();
            }
        }
        Verb::Extend { .. } => {
            let end = now.after(2 * SHORT);
            let extended = store.extend(id, end, now).await.unwrap();
            assert_eq!(extended, room.state == State::Open);
            if extended {
                (model.rooms[which].end, model.rooms[which].owned) = (end, false);
            }
        }
        // With which total what was not measured was consumed, nobody said.
        Verb::Settle { .. } if room.consumed && room.what > 0 => {}
        Verb::Settle { total, .. } => {
            let answer = store.settle(id, Amount::new(*total), None, now).await;
            match room.state {
                State::Open | State::Lapsed => {
                    let late = room.state == State::Lapsed;
                    assert_eq!(answer.unwrap(), Some(Settled { late, replayed: false }));
                    model.settle(which, *total, late);
                }
                State::Settled if *total == room.total => {
                    let expected = Settled { late: room.late, replayed: true };
                    assert_eq!(answer.unwrap(), Some(expected));
                }
                State::Settled | State::Released | State::Refunded => assert_conflict(&answer),
            }
        }
        Verb::Release { .. } => {
            let answer = store.release(id, now).await;
            match room.state {
                State::Open => model.rooms[which].state = State::Released,
                State::Lapsed | State::Released => {}
                State::Settled | State::Refunded => return assert_conflict(&answer),
            }
            assert_eq!(answer.unwrap(), Some(()));
        }
        Verb::Refund { .. } => {
            // What the ledger no longer has, it cannot take back from a highest or a last.
            let gone = room.settled < model.pruned && verb::AGGREGATES[room.what] != Aggregate::Sum;
            if room.state == State::Settled && gone {
                return;
            }
            let answer = store.refund(id, None, now).await;
            match room.state {
                State::Settled => model.refund(which),
                State::Refunded => {}
                State::Open | State::Lapsed | State::Released => return assert_conflict(&answer),
            }
            assert_eq!(answer.unwrap(), Some(()));
        }
        _ => unreachable!("{verb:?} is not about a reservation"),
    }
}

/// Returns what the model knows of what was read.
fn seen(readings: &[Reading]) -> Vec<Reading> {
    readings.iter().map(|reading| Reading { oldest: None, ..*reading }).collect()
}

/// Compares a decision, and returns whether it was a yes.
#[track_caller]
fn compare(answer: &Admission, model: &Model, plan: &Plan) -> bool {
    let (granted, found) = match answer {
        Admission::Granted(found) => (true, found),
        Admission::Denied(found) => (false, found),
        Admission::Lapsed | Admission::Stale => panic!("{answer:?}"),
    };
    let readings = model.readings(plan);
    assert_eq!(seen(&found[0]), readings);
    let verdict = judge_all(plan, &vec![readings], model.now).unwrap();
    assert_eq!(granted, verdict == Verdict::Fits);
    granted
}

/// Compares every count of both.
async fn look(store: &dyn Store, model: &Model) {
    for plan in model.every_question() {
        let readings = store.read(&plan, model.now).await.unwrap().unwrap();
        let (found, expected) = (seen(&readings[0]), model.readings(&plan));
        for ((bound, found), expected) in plan.items[0].bounds.iter().zip(found).zip(expected) {
            let (key, per, who) = (&bound.bucket, bound.per, &plan.subject);
            let what = &plan.items[0].resource;
            assert_eq!(found, expected, "{what} {key} per {per} of {who} at {}", plan.at);
        }
    }
}

/// Compares the lists of both.
async fn list(store: &dyn Store, model: &Model) {
    for what in 0..model.resources {
        let (resource, aggregate) = (verb::resource(what), verb::AGGREGATES[what]);
        let charges =
            model.facts.iter().filter(|it| it.what == what && matches!(it.did, What::Charge(_)));
        let users: BTreeSet<Subject> = charges.map(|fact| fact.who.parse().unwrap()).collect();
        let found = store.users(&resource, model.now, Page::first(99)).await.unwrap();
        let names: BTreeSet<_> = found.iter().map(|usage| usage.subject.clone()).collect();
        assert_eq!(names, users);
        for period in [Period::Day, Period::Week, Period::Month, Period::Never] {
            let bucket = Bucket::of(period, &Zone::UTC, model.now);
            let used = |name: &Subject| (name.clone(), model.used_in(what, name, &bucket));
            let mut top: Vec<_> = users.iter().map(used).filter(|(_, used)| *used > 0).collect();
            top.sort_by_key(|(_, used)| -used);
            let found = store.top(&resource, aggregate, &bucket, None, 99).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|it| (it.subject, it.used.get())).collect();
            assert_eq!(found, top, "{resource} {period}");
        }
        for usage in found {
            for period in [Period::Day, Period::Week, Period::Month, Period::Never] {
                let bucket = Bucket::of(period, &Zone::UTC, model.now);
                let counter = usage.counters.iter().find(|(key, _)| *key == bucket.key);
                let used = model.used_in(what, &usage.subject, &bucket);
                assert!(counter.is_none_or(|(_, found)| found.get() == used), "{usage:?}");
            }
        }
    }
}

fn begin() -> Timestamp {
    moment("2026-07-01T12:00:00Z")
}

clauses!(on the bench: any_calls_are_answered_as_a_naive_model_answers_them);

async fn any_calls_are_answered_as_a_naive_model_answers_them(bench: &Bench) {
    let config = ProptestConfig {
        cases: bench.scratch.sequences(),
        max_shrink_iters: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let calls = (1..=4_usize, prop::collection::vec(verb(), 1..40));
    let here = Handle::current();
    let one_case = |(resources, verbs): (usize, Vec<Verb>)| {
        let mut world = here.block_on(World::of(bench));
        let held = heard(|| here.block_on(world.answers_like_the_model(resources, &verbs)));
        world.process = None;
        here.block_on(world.books.erase()).unwrap();
        held.map_err(TestCaseError::fail)
    };
    let all = tokio::task::block_in_place(|| TestRunner::new(config).run(&calls, one_case));
    if let Err(error) = all {
        panic!("{error}");
    }
}
