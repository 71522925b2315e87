//! S4: both layers, what subjects have of their own, and plans that are outdated.

use crate::quota::grant::Grant;
use crate::quota::held::HoldId;
use crate::quota::{Grants, Group, Layer, Limit, Measure, PolicyVersion, Subject};
use crate::store::{Admission, LayerKind, Page, Store, StoreError};

use crate::conformance::crowd::at_once;
use crate::conformance::words::*;

clauses!(
    a_new_store_has_no_policy,
    layers_are_kept_apart,
    an_equal_layer_changes_nothing,
    a_layer_written_from_an_outdated_version_is_a_conflict,
    of_many_who_write_at_once_one_wins,
    a_stale_plan_is_refused_and_changes_nothing,
    grants_are_kept_and_raise_the_version,
    grants_come_by_name_page_by_page,
);

fn layer(limit: &str) -> Layer {
    let limit = Limit::parse(limit, &Measure::BYTES).unwrap();
    let group = Group { limits: [(media(), limit)].into(), ..Group::default() };
    Layer {
        groups: [("free".to_owned(), group)].into(),
        default_group: Some("free".to_owned()),
        ..Layer::default()
    }
}

fn in_group(name: &str) -> Grants {
    let grant = Grant { what: name.to_owned(), until: Some(noon()), note: Some("fee paid".into()) };
    Grants { group: Some(grant), ..Grants::default() }
}

async fn version(store: &dyn Store) -> PolicyVersion {
    store.policy().await.unwrap().version
}

fn conflicts<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

async fn a_new_store_has_no_policy(store: &dyn Store) {
    assert_eq!(store.policy().await.unwrap(), crate::quota::Policy::default());
    let (version, grants) = store.grants(&alice()).await.unwrap();
    assert_eq!((version, grants), (PolicyVersion(0), Grants::default()));
}

async fn layers_are_kept_apart(store: &dyn Store) {
    let seen = version(store).await;
    let first = store.write_layer(LayerKind::File, layer("1MB/day"), seen).await.unwrap();
    let second = store.write_layer(LayerKind::Store, layer("2MB/month"), first).await.unwrap();
    assert!(seen < first && first < second);
    let policy = store.policy().await.unwrap();
    assert_eq!(policy.version, second);
    assert_eq!((policy.file, policy.store), (layer("1MB/day"), layer("2MB/month")));
}

async fn an_equal_layer_changes_nothing(store: &dyn Store) {
    let seen = version(store).await;
    let first = store.write_layer(LayerKind::File, layer("1MB"), seen).await.unwrap();
    let again = store.write_layer(LayerKind::File, layer("1MB"), first).await.unwrap();
    assert_eq!(first, again);
    // The same call again, after its answer was lost.
    assert_eq!(store.write_layer(LayerKind::File, layer("1MB"), seen).await.unwrap(), first);
}

async fn a_layer_written_from_an_outdated_version_is_a_conflict(store: &dyn Store) {
    let seen = version(store).await;
    store.write_layer(LayerKind::Store, layer("1MB"), seen).await.unwrap();
    assert!(conflicts(&store.write_layer(LayerKind::Store, layer("2MB"), seen).await));
    assert!(conflicts(&store.write_grants(&alice(), in_group("patron"), seen).await));
    assert_eq!(store.policy().await.unwrap().store, layer("1MB"));
    assert_eq!(store.grants(&alice()).await.unwrap().1, Grants::default());
}

async fn of_many_who_write_at_once_one_wins(store: &dyn Store) {
    let seen = version(store).await;
    let written = at_once(8, store, async |index, store| {
        store.write_layer(LayerKind::Store, layer(&format!("{}MB", index + 1)), seen).await
    });
    assert_eq!(written.iter().filter(|one| one.is_ok()).count(), 1);
}

async fn a_stale_plan_is_refused_and_changes_nothing(store: &dyn Store) {
    let stale = asks(MB, &[MONTH_10MB]);
    let fresh = granted(store, &stale).await;
    store.write_layer(LayerKind::Store, layer("1MB"), stale.version).await.unwrap();
    assert_eq!(store.read(&stale, noon()).await.unwrap(), None);
    let id = HoldId::fresh();
    let reserved = store.reserve(&stale, id, long(), noon()).await.unwrap();
    assert_eq!(reserved, Admission::Stale);
    assert_eq!(store.grow(fresh, &stale, noon()).await.unwrap(), Admission::Stale);
    assert_eq!(store.record(&stale, None, noon()).await.unwrap(), None);
    assert_eq!(store.reset(&stale, None, noon()).await.unwrap(), None);
    assert_eq!(store.held(id).await.unwrap(), None);
    let plan = now_planned(store, asks(0, &[MONTH_10MB])).await;
    assert_eq!(reads(store, &plan).await, (0, MB));
    // What was granted before is settled all the same.
    store.settle(fresh, crate::quota::Amount::new(MB), None, noon()).await.unwrap().unwrap();
}

async fn grants_are_kept_and_raise_the_version(store: &dyn Store) {
    let seen = version(store).await;
    let first = store.write_grants(&alice(), in_group("patron"), seen).await.unwrap();
    assert!(first > seen);
    assert_eq!(store.grants(&alice()).await.unwrap(), (first, in_group("patron")));
    let again = store.write_grants(&alice(), in_group("patron"), seen).await.unwrap();
    assert_eq!(again, first);
    let stale = asks(MB, &[MONTH_10MB]);
    assert_eq!(store.record(&stale, None, noon()).await.unwrap(), None);
    let gone = store.write_grants(&alice(), Grants::default(), first).await.unwrap();
    assert!(gone > first);
    assert_eq!(store.grants(&alice()).await.unwrap(), (gone, Grants::default()));
    assert!(store.all_grants(Page::first(9)).await.unwrap().is_empty());
}

async fn grants_come_by_name_page_by_page(store: &dyn Store) {
    let names = ["@dora:x", "@anna:x", "@carl:x", "@berta:x", "@emil:x"];
    for name in names {
        let subject: Subject = name.parse().unwrap();
        let seen = version(store).await;
        store.write_grants(&subject, in_group(&name[1..2]), seen).await.unwrap();
    }
    let mut found = Vec::new();
    let mut page = Page::first(2);
    loop {
        let grants = store.all_grants(page).await.unwrap();
        let Some((last, _)) = grants.last() else {
            break;
        };
        page = Page::behind(last.clone(), 2);
        found.extend(grants);
    }
    let found: Vec<_> = found.iter().map(|(subject, grants)| (subject.as_str(), grants)).collect();
    let a = in_group("a");
    let expected = [("@anna:x", a), ("@berta:x", in_group("b")), ("@carl:x", in_group("c"))];
    assert_eq!(found.len(), 5);
    for ((name, grants), expected) in found.iter().zip(&expected) {
        assert_eq!((*name, *grants), (expected.0, &expected.1));
    }
}
