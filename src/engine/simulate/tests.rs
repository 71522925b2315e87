//! What another policy would have made of a few days, worked out by hand.

use std::sync::Arc;

use super::{Simulation, Stretch};
use crate::clock::{Manual, Timestamp};
use crate::engine::{Ask, Charge, Engine, Fact};
use crate::quota::{Amount, Layer, Resource, Subject};
use crate::store::memory::Memory;

const MB: i64 = 1_000_000;

fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

fn who(name: &str) -> Subject {
    name.parse().unwrap()
}

fn day(date: &str) -> Timestamp {
    date.parse().unwrap()
}

/// Books under which everything is allowed.
struct Books(Engine, Arc<Manual>);

impl Books {
    async fn new() -> Self {
        let clock = Arc::new(Manual::at(day("2026-06-01")));
        Self(Engine::start(Arc::new(Memory::default()), clock.clone()).await.unwrap(), clock)
    }

    async fn uses(&self, name: &str, amount: i64, date: &str) {
        self.1.set(day(date));
        let (subject, amount) = (who(name), Amount::new(amount * MB));
        let fact = Fact { subject, resource: media(), amount, member: None, key: None, at: None };
        self.0.record(&fact).await.unwrap();
    }

    async fn uploads(&self, name: &str, amount: i64, date: &str) -> Charge {
        self.1.set(day(date));
        let amount = Amount::new(amount * MB);
        let hold = self.0.reserve(&who(name), &Ask::upload(amount)).await.unwrap().hold.unwrap();
        hold.settle(amount).await.unwrap()
    }

    async fn under(&self, policy: &str, stretch: Stretch) -> Simulation {
        let layer: Layer = serde_json::from_str(policy).unwrap();
        self.0.simulate(&layer, stretch, &|_, _| {}).await.unwrap()
    }
}

const TIGHT: &str = r#"{"groups":{"tight":{"limits":{"media_bytes":"10000000/month"},
    "max_upload_bytes":9000000}},"default_group":"tight"}"#;

#[tokio::test]
async fn who_would_have_been_refused_is_as_worked_out_by_hand() {
    let books = Books::new().await;
    books.0.exempt(&who("bob"), None).await.unwrap();
    books.uses("alice", 6, "2026-06-01").await;
    // Does not fit into the 4 MB left, and is not counted.
    books.uses("alice", 6, "2026-06-02").await;
    // Fits, and reaches the limit.
    books.uses("alice", 4, "2026-06-03").await;
    books.uses("bob", 100, "2026-06-03").await;
    books.uploads("carol", 8, "2026-06-04").await.refund().await;
    // Too large for one upload; taking it back changes nothing.
    books.uploads("carol", 12, "2026-06-05").await.refund().await;
    drop(books.uploads("carol", 8, "2026-06-06").await);
    books.uses("carol", -3, "2026-06-07").await;
    books.uses("carol", 5, "2026-06-08").await;
    books.uses("alice", 6, "2026-07-01").await;
    books.0.close().await.unwrap();

    let found = books.under(TIGHT, Stretch::default()).await;
    assert_eq!((found.asked, found.allowed, found.denied), (9, 7, 2));
    let refused = found.refused.iter().map(|it| {
        let window = it.window.as_ref().map(|window| window.period.to_string());
        (it.subject.as_str(), it.times, it.amount.get(), it.first, window)
    });
    let refused: Vec<_> = refused.collect();
    let expected = [
        ("alice", 1, 6 * MB, day("2026-06-02"), Some("month".to_owned())),
        ("carol", 1, 12 * MB, day("2026-06-05"), None),
    ];
    assert_eq!(refused, expected);
    let over: Vec<_> =
        found.over.iter().map(|it| (it.subject.as_str(), it.first, it.window.used.get())).collect();
    let expected = [("alice", day("2026-06-03"), 10 * MB), ("carol", day("2026-06-08"), 10 * MB)];
    assert_eq!(over, expected);
}

#[tokio::test]
async fn what_came_before_is_counted_but_not_judged() {
    let books = Books::new().await;
    books.uses("alice", 8, "2026-06-01").await;
    books.uses("alice", 8, "2026-06-02").await;
    books.uses("alice", 1, "2026-06-03").await;
    books.uses("alice", 1, "2026-06-04").await;
    let stretch = Stretch { start: Some(day("2026-06-03")), end: Some(day("2026-06-04")) };
    let found = books.under(TIGHT, stretch).await;
    assert_eq!((found.asked, found.denied), (1, 1));
    assert_eq!(found.refused[0].first, day("2026-06-03"));
    let none = books.under("{}", Stretch::default()).await;
    assert_eq!((none.asked, none.denied, none.over.len()), (4, 0, 0));
}
