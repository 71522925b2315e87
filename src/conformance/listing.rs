//! Lists: who used something, who used most, page by page, in a fixed order.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind, Line};
use crate::quota::grant::Grant;
use crate::quota::held::{HoldId, Life};
use crate::quota::{Aggregate, Amount, Bucket, Grants, Period, Subject, Zone};
use crate::store::{Charged, Known, Lines, Page, Store};

use crate::conformance::crowd::at_once;
use crate::conformance::words::*;

clauses!(
    top_is_largest_first_and_ties_by_name,
    top_reads_a_bucket_that_nobody_opened,
    top_leaves_out_who_used_nothing,
    users_come_by_name_page_by_page,
    users_show_the_counters_of_the_moment,
    whoever_charged_nothing_is_no_user,
    top_goes_on_behind_the_last_of_a_page,
    everyone_known_comes_by_prefix_and_page,
    a_prefix_is_taken_by_its_letters,
    pages_lose_nobody_while_others_come,
    lines_come_in_either_order_page_by_page,
    lines_say_all_that_happened,
    open_reservations_come_oldest_first,
    history_is_cut_where_it_is_told_to,
    history_adds_up_as_the_resource_does,
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
    assert!(
        store
            .top(&uploads(), Aggregate::Sum, &this(Period::Month), None, 4)
            .await
            .unwrap()
            .is_empty()
    );
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

async fn top_goes_on_behind_the_last_of_a_page(store: &dyn Store) {
    crowd(store).await;
    for period in [Period::Month, Period::Day, Period::Quarter] {
        let (mut found, mut behind) = (Vec::new(), None);
        loop {
            let bucket = this(period);
            let sum = Aggregate::Sum;
            let page = store.top(&media(), sum, &bucket, behind.as_ref(), 2).await.unwrap();
            let Some(last) = page.last() else { break };
            behind = Some(last.clone());
            found.extend(page);
        }
        assert_eq!(names(&found), ["berta", "carl", "dora", "emil", "anna"], "{period}");
    }
}

async fn gives(store: &dyn Store, subject: &Subject) {
    let seen = store.policy().await.unwrap().version;
    let group = Grant { what: "gold".to_owned(), until: None, note: None };
    let grants = Grants { group: Some(group), ..Grants::default() };
    store.write_grants(subject, grants, seen).await.unwrap();
}

async fn known(store: &dyn Store, prefix: &str, most: usize) -> Vec<Known> {
    let (mut found, mut page) = (Vec::new(), Page::first(most));
    loop {
        let part = store.subjects(prefix, page).await.unwrap();
        assert!(part.len() <= most);
        let Some(last) = part.last() else { return found };
        page = Page::behind(last.subject.clone(), most);
        found.extend(part);
    }
}

async fn everyone_known_comes_by_prefix_and_page(store: &dyn Store) {
    crowd(store).await;
    let late = moment("2026-05-01");
    store.record(&by(user("dora"), asks_at(late, 1, &[])), None, noon()).await.unwrap().unwrap();
    let newest = noon().after(Duration::from_hours(1));
    recorded(store, &by(user("emil"), asks_at(newest, 1, &[]))).await;
    for name in ["anna", "dorothea"] {
        gives(store, &user(name)).await;
    }
    let all = [
        ("anna", Some(noon())),
        ("berta", Some(noon())),
        ("carl", Some(noon())),
        ("dora", Some(noon())),
        ("dorothea", None),
        ("emil", Some(newest)),
    ];
    let all = all.map(|(name, last)| Known { subject: user(name), last });
    for most in [1, 2, 9] {
        assert_eq!(known(store, "", most).await, all);
        assert_eq!(known(store, "@dor", most).await, all[3..5]);
        assert_eq!(known(store, "@x", most).await, []);
        assert_eq!(known(store, "@emil:example.org", most).await, all[5..]);
    }
}

async fn a_prefix_is_taken_by_its_letters(store: &dyn Store) {
    for name in
        ["@a_b:x", "@axb:x", "@A_b:x", "@a%c:x", "@a\\d:x", "@ä:x", "a_b:x", "@a\u{10FFFF}:x"]
    {
        recorded(store, &by(name.parse().unwrap(), asks(1, &[]))).await;
    }
    for (prefix, expected) in [
        ("@a_", &["@a_b:x"][..]),
        ("@a%", &["@a%c:x"]),
        ("@a\\", &["@a\\d:x"]),
        ("@A", &["@A_b:x"]),
        ("@ä", &["@ä:x"]),
        ("@a\u{10FFFF}", &["@a\u{10FFFF}:x"]),
        ("@a", &["@a%c:x", "@a\\d:x", "@a_b:x", "@axb:x", "@a\u{10FFFF}:x"]),
    ] {
        let found = known(store, prefix, 2).await;
        let found: Vec<_> = found.iter().map(|one| one.subject.as_str()).collect();
        assert_eq!(found, expected, "{prefix}");
    }
}

async fn pages_lose_nobody_while_others_come(store: &dyn Store) {
    let stays = |index: usize| user(&format!("{index:02}-stays"));
    for index in 0..20 {
        recorded(store, &by(stays(index), asks(1, &[MONTH]))).await;
    }
    at_once(3, store, async |caller, store| match caller {
        0 => {
            for index in 0..20 {
                recorded(store, &by(user(&format!("{index:02}-comes")), asks(1, &[]))).await;
                recorded(store, &by(stays(index), asks(1, &[]))).await;
            }
        }
        1 => {
            let found = known(store, "@", 3).await;
            assert!(found.windows(2).all(|pair| pair[0].subject < pair[1].subject));
            let stayed: Vec<_> = found.into_iter().map(|one| one.subject).collect();
            assert!((0..20).all(|index| stayed.contains(&stays(index))), "{stayed:?}");
        }
        _ => {
            let (mut found, mut page) = (Vec::new(), Page::first(3));
            loop {
                let users = store.users(&media(), noon(), page).await.unwrap();
                let Some(last) = users.last() else { break };
                page = Page::behind(last.subject.clone(), 3);
                found.extend(users.into_iter().map(|usage| usage.subject));
            }
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
            assert!((0..20).all(|index| found.contains(&stays(index))), "{found:?}");
        }
    });
}

async fn all_lines(store: &dyn Store, which: &Lines) -> Vec<Line> {
    let (mut found, mut which) = (Vec::new(), Lines { most: 2, ..which.clone() });
    loop {
        let part = store.lines(&which).await.unwrap();
        assert!(part.len() <= 2);
        let Some(last) = part.last() else { return found };
        which.behind = Some(last.id);
        found.extend(part);
    }
}

async fn lines_come_in_either_order_page_by_page(store: &dyn Store) {
    crowd(store).await;
    recorded(store, &and(by(user("anna"), asks(9, &[])), &uploads(), 1, &[])).await;
    let oldest = all_lines(store, &Lines::default()).await;
    assert!(oldest.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert_eq!((oldest.len(), oldest[0].id), (7, 1));
    let mut newest = all_lines(store, &Lines { newest_first: true, ..Lines::default() }).await;
    newest.reverse();
    assert_eq!(newest, oldest);
    let annas = Lines { subject: Some(user("anna")), ..Lines::default() };
    let amounts = |lines: &[Line]| lines.iter().map(|it| it.event.amount.get()).collect::<Vec<_>>();
    assert_eq!(amounts(&all_lines(store, &annas).await), [MB, 9, 1]);
    let annas = Lines { resource: Some(media()), newest_first: true, ..annas };
    assert_eq!(amounts(&all_lines(store, &annas).await), [9, MB]);
    let of_uploads = Lines { resource: Some(uploads()), ..Lines::default() };
    assert_eq!(amounts(&all_lines(store, &of_uploads).await), [1]);
    let nobody = Lines { subject: Some(bob()), most: 5, ..Lines::default() };
    assert!(store.lines(&nobody).await.unwrap().is_empty());
}

/// S11.
async fn lines_say_all_that_happened(store: &dyn Store) {
    let later = noon().after(Duration::from_mins(5));
    let plan = within("free", asks(3, &[MONTH]));
    store.record(&plan, Some(key("k", 3)), later).await.unwrap().unwrap();
    let id = granted(store, &plan).await;
    store.settle(id, Amount::new(2), None, later).await.unwrap().unwrap();
    store.refund(id, None, later).await.unwrap().unwrap();
    let bucket = plan.items[0].bounds[0].bucket.clone();
    store.reset(&asks(0, &[MONTH]), Some(&bucket), later).await.unwrap().unwrap();
    let life = Life::Until(noon().after(Duration::from_mins(1)));
    let lapsed = HoldId::fresh();
    store.reserve(&plan, lapsed, life, noon()).await.unwrap();
    store.set(&within("free", asks(7, &[MONTH])), 0, later).await.unwrap().unwrap();
    let lines = store.lines(&Lines { most: 9, ..Lines::default() }).await.unwrap();
    assert!(lines.iter().all(|line| line.recorded == later), "{lines:?}");
    assert_eq!(lines[0].key, Some(key("k", 3)));
    assert!(lines[1..].iter().all(|line| line.key.is_none()));
    let event = |kind, amount, hold| Event {
        subject: alice(),
        group: Some("free".into()),
        resource: media(),
        kind,
        amount: Amount::new(amount),
        member: None,
        at: noon(),
        hold,
        bucket: None,
    };
    let reset = Event { group: None, bucket: Some(bucket.key), ..event(Kind::Reset, 0, None) };
    let mut expected = vec![
        event(Kind::Use, 3, None),
        event(Kind::Settle, 2, Some(id)),
        event(Kind::Refund, -2, Some(id)),
        reset,
        event(Kind::Lapse, 0, Some(lapsed)),
        event(Kind::Set, 7, None),
    ];
    let mut found: Vec<_> = lines.into_iter().map(|line| line.event).collect();
    // Whether a lapse is written down by the next call or before it is the store's to choose.
    for events in [&mut found, &mut expected] {
        events.sort_by_key(|event| event.kind.name());
    }
    assert_eq!(found, expected);
}

async fn open_reservations_come_oldest_first(store: &dyn Store) {
    let mut ids = Vec::new();
    for minutes in [0, 1, 2, 3] {
        let now = noon().after(Duration::from_mins(minutes));
        let id = HoldId::fresh();
        let life = Life::Until(now.after(Duration::from_mins(10)));
        let plan = by(user(&format!("{}", 9 - minutes)), asks_at(now, 1, &[]));
        store.reserve(&plan, id, life, now).await.unwrap();
        ids.push(id);
    }
    store.release(ids[1], noon()).await.unwrap().unwrap();
    let open = async |minutes, most| {
        let held = store.open(noon().after(Duration::from_mins(minutes)), most).await.unwrap();
        held.iter().map(|held| held.id).collect::<Vec<_>>()
    };
    assert_eq!(open(5, 9).await, [ids[0], ids[2], ids[3]]);
    assert_eq!(open(5, 2).await, [ids[0], ids[2]]);
    assert_eq!(open(10, 9).await, [ids[2], ids[3]]);
    assert!(open(13, 9).await.is_empty());
}

/// Returns the midnights of Berlin around the day on which its clocks are put forward.
fn midnights() -> Vec<Timestamp> {
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let days = ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"];
    let noons = days.map(|day| moment(&format!("{day}T12:00:00Z")));
    noons.map(|noon| Bucket::of(Period::Day, &berlin, noon).start).to_vec()
}

async fn history_is_cut_where_it_is_told_to(store: &dyn Store) {
    let cuts = midnights();
    assert_eq!(cuts[1].until(cuts[2]), Duration::from_hours(23));
    let last = |cut: Timestamp| cut.before(Duration::from_millis(1));
    for (at, amount) in [
        (last(cuts[0]), 100_000),
        (cuts[0], 1),
        (last(cuts[1]), 2),
        (cuts[1], 10),
        (last(cuts[2]), 20),
        (cuts[2], 100),
        (last(cuts[3]), 200),
        (cuts[3], 1000),
    ] {
        recorded(store, &asks_at(at, amount, &[])).await;
    }
    recorded(store, &by(bob(), asks_at(cuts[1], 5, &[]))).await;
    let history = async |subject: Option<&Subject>, cuts: &[Timestamp]| {
        let found = store.history(subject, &media(), Aggregate::Sum, cuts).await.unwrap();
        found.into_iter().map(Amount::get).collect::<Vec<_>>()
    };
    assert_eq!(history(Some(&alice()), &cuts).await, [3, 30, 300]);
    assert_eq!(history(Some(&bob()), &cuts).await, [0, 5, 0]);
    assert_eq!(history(None, &cuts).await, [3, 35, 300]);
    assert_eq!(history(None, &cuts[1..3]).await, [35]);
    assert!(history(None, &cuts[..1]).await.is_empty());
}

/// S16.
async fn history_adds_up_as_the_resource_does(store: &dyn Store) {
    let cuts = midnights();
    for (hours, name, amount) in [(1, "a", 7), (2, "b", 4), (3, "a", 5), (30, "b", 6), (31, "b", 3)]
    {
        let at = cuts[0].after(Duration::from_hours(hours));
        let plan = adding(Aggregate::Sum, member(name, asks_at(at, amount, &[])));
        recorded(store, &plan).await;
    }
    for (aggregate, expected) in [
        (Aggregate::Sum, [16, 9, 0]),
        (Aggregate::Max, [7, 6, 0]),
        (Aggregate::Last, [5, 3, 0]),
        (Aggregate::Unique, [2, 1, 0]),
    ] {
        for subject in [Some(&alice()), None] {
            let found = store.history(subject, &media(), aggregate, &cuts).await.unwrap();
            let found: Vec<_> = found.into_iter().map(Amount::get).collect();
            assert_eq!(found, expected, "{aggregate}");
        }
    }
}
