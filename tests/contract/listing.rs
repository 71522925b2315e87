//! Lists: who used something, who used most, page by page, in a fixed order.

use metergate::quota::{Aggregate, Bucket, Period, Subject, Zone};
use metergate::store::{Charged, Page, Store};

use crate::words::*;

clauses!(
    top_is_largest_first_and_ties_by_name,
    top_reads_a_bucket_that_nobody_opened,
    top_leaves_out_who_used_nothing,
    users_come_by_name_page_by_page,
    users_show_the_counters_of_the_moment,
    whoever_charged_nothing_is_no_user,
);

const MONTH: Cap = (Period::Month, None);

fn user(name: &str) -> Subject {
    format!("@{name}:example.org").parse().unwrap()
}

fn this(period: Period) -> Bucket {
    Bucket::of(period, &Zone::UTC, noon())
}

async fn crowd(store: &dyn Store) {
    for (name, mb) in [("dora", 3), ("berta", 7), ("carl", 3), ("anna", 1), ("emil", 3)] {
        recorded(store, &by(user(name), asks(mb * MB, &[MONTH]))).await;
    }
}

fn names(charged: &[Charged]) -> Vec<&str> {
    let names = charged.iter().map(|one| one.subject.as_str());
    names.map(|name| name.trim_start_matches('@').split(':').next().unwrap()).collect()
}

async fn top_is_largest_first_and_ties_by_name(store: &dyn Store) {
    crowd(store).await;
    let top = store.top(&media(), Aggregate::Sum, &this(Period::Month), None, 4).await.unwrap();
    assert_eq!(names(&top), ["berta", "carl", "dora", "emil"]);
    assert_eq!(top[0].used.get(), 7 * MB);
    assert!(store.top(&uploads(), Aggregate::Sum, &this(Period::Month), None, 4).await.unwrap().is_empty());
}

async fn top_reads_a_bucket_that_nobody_opened(store: &dyn Store) {
    crowd(store).await;
    recorded(store, &by(user("anna"), asks_at(moment("2026-06-01"), 20 * MB, &[MONTH]))).await;
    let top = store.top(&media(), Aggregate::Sum, &this(Period::Day), None, 2).await.unwrap();
    assert_eq!(names(&top), ["berta", "carl"]);
    let top = store.top(&media(), Aggregate::Sum, &this(Period::Month), None, 2).await.unwrap();
    assert_eq!(names(&top), ["anna", "berta"]);
}

async fn top_leaves_out_who_used_nothing(store: &dyn Store) {
    crowd(store).await;
    for name in ["berta", "carl"] {
        let plan = by(user(name), asks(0, &[MONTH]));
        store.reset(&plan, None, noon()).await.unwrap().unwrap();
    }
    for period in [Period::Month, Period::Day] {
        let top = store.top(&media(), Aggregate::Sum, &this(period), None, 10).await.unwrap();
        assert_eq!(names(&top), ["dora", "emil", "anna"]);
    }
}

async fn users_come_by_name_page_by_page(store: &dyn Store) {
    crowd(store).await;
    let mut found = Vec::new();
    let mut page = Page::first(2);
    loop {
        let users = store.users(&media(), noon(), page).await.unwrap();
        assert!(users.len() <= 2);
        let Some(last) = users.last() else { break };
        page = Page::behind(last.subject.clone(), 2);
        found.extend(users.into_iter().map(|usage| usage.subject));
    }
    assert_eq!(found, ["anna", "berta", "carl", "dora", "emil"].map(user));
    assert!(store.users(&uploads(), noon(), Page::first(2)).await.unwrap().is_empty());
}

/// A counter that is not there reads as nothing used, where the bucket is opened.
async fn users_show_the_counters_of_the_moment(store: &dyn Store) {
    let may = moment("2026-05-20");
    recorded(store, &asks_at(may, MB, &[MONTH])).await;
    recorded(store, &asks(2 * MB, &[MONTH])).await;
    let counters = async |at| {
        let users = store.users(&media(), at, Page::first(9)).await.unwrap();
        let [usage] = users.as_slice() else { panic!("{users:?}") };
        let of = |key: &str| {
            let found = usage.counters.iter().find(|(name, _)| name == key);
            found.map(|(_, used)| used.get())
        };
        (of("2026-05"), of("2026-06"), of("all"))
    };
    assert_eq!(counters(may).await, (Some(MB), None, Some(3 * MB)));
    assert_eq!(counters(noon()).await, (None, Some(2 * MB), Some(3 * MB)));
}

async fn whoever_charged_nothing_is_no_user(store: &dyn Store) {
    let id = granted(store, &asks(MB, &[MONTH])).await;
    store.release(id, noon()).await.unwrap().unwrap();
    store.reset(&by(bob(), asks(0, &[MONTH])), None, noon()).await.unwrap().unwrap();
    assert!(store.users(&media(), noon(), Page::first(9)).await.unwrap().is_empty());
}
