//! S20: what is brought into the books is there whole, or not at all.

use crate::quota::held::State;
use crate::quota::{Grants, Layer};
use crate::store::memory::Memory;
use crate::store::{Import, LayerKind, Ledger, Page, Store};

use super::history::*;
use crate::conformance::words::*;

clauses!(
    an_import_replaces_policy_and_grants_in_one_step,
    an_import_may_leave_the_others,
    an_import_from_an_outdated_version_changes_nothing,
    an_import_without_a_ledger_leaves_it,
    an_imported_ledger_reads_like_the_first,
    an_imported_ledger_replaces_the_one_there_was,
    pruned_books_are_brought_over_whole,
);

async fn an_import_replaces_policy_and_grants_in_one_step(store: &dyn Store) {
    give(store, &alice()).await;
    let seen = store.policy().await.unwrap().version;
    let file = Layer { default_group: Some("free".into()), ..Layer::default() };
    let seen = store.write_layer(LayerKind::File, file.clone(), seen).await.unwrap();
    let import =
        Import { layer: measures(), grants: vec![(bob(), gold())], no_others: true, ledger: None };
    let version = store.import(import, seen).await.unwrap();
    assert_eq!(version.0, seen.0 + 1);
    let policy = store.policy().await.unwrap();
    assert_eq!((policy.version, policy.file, policy.store), (version, file, measures()));
    assert_eq!(store.all_grants(Page::first(9)).await.unwrap(), [(bob(), gold())]);
}

async fn an_import_may_leave_the_others(store: &dyn Store) {
    give(store, &alice()).await;
    give(store, &bob()).await;
    let seen = store.policy().await.unwrap().version;
    let import = Import { grants: vec![(bob(), Grants::default())], ..Import::default() };
    store.import(import, seen).await.unwrap();
    assert_eq!(store.all_grants(Page::first(9)).await.unwrap(), [(alice(), gold())]);
}

async fn an_import_from_an_outdated_version_changes_nothing(store: &dyn Store) {
    let plan = asks(1, &[MONTH_10MB]);
    recorded(store, &plan).await;
    let seen = store.policy().await.unwrap().version;
    give(store, &alice()).await;
    let import = Import {
        layer: measures(),
        no_others: true,
        ledger: Some(Ledger::default()),
        ..Import::default()
    };
    assert_conflict(&store.import(import, seen).await);
    assert_eq!(store.policy().await.unwrap().store, Layer::default());
    assert_eq!(store.all_grants(Page::first(9)).await.unwrap().len(), 1);
    assert_eq!(lines(store).await.len(), 1);
    assert_eq!(reads(store, &now_planned(store, plan).await).await, (1, 0));
}

async fn an_import_without_a_ledger_leaves_it(store: &dyn Store) {
    let plan = asks(1, &[MONTH_10MB]);
    recorded(store, &plan).await;
    let id = granted(store, &plan).await;
    let seen = store.policy().await.unwrap().version;
    store.import(Import::default(), seen).await.unwrap();
    assert_eq!(lines(store).await.len(), 1);
    assert_eq!(reads(store, &now_planned(store, plan).await).await, (1, 1));
    assert_eq!(store.held(id).await.unwrap().unwrap().state, State::Open);
}

/// Brings all that `from` knows into `store`.
async fn bring_over(from: &dyn Store, store: &dyn Store) {
    let ledger = Ledger { balances: from.balances().await.unwrap(), lines: lines(from).await };
    let import = Import {
        layer: from.policy().await.unwrap().store,
        grants: from.all_grants(Page::first(999)).await.unwrap(),
        no_others: true,
        ledger: Some(ledger),
    };
    let seen = store.policy().await.unwrap().version;
    store.import(import, seen).await.unwrap();
}

async fn an_imported_ledger_reads_like_the_first(store: &dyn Store) {
    let first = Memory::default();
    long_history(&first).await;
    for name in ["a", "b"] {
        let plan = now_planned(&first, room(alice(), end(), name)).await;
        first.record(&plan, Some(key(name, 1)), end()).await.unwrap().unwrap();
    }
    give(&first, &bob()).await;
    bring_over(&first, store).await;
    assert_eq!(lines(store).await, lines(&first).await);
    let both = [alice(), bob()];
    assert_alike(store, &first, &both).await;
    // Opened by a call that writes, it is the same.
    for subject in both.clone() {
        let plan = now_planned(store, everything(subject.clone(), end(), 0)).await;
        let id = granted(store, &plan).await;
        store.release(id, end()).await.unwrap().unwrap();
    }
    assert_alike(store, &first, &both).await;
    assert_eq!(drifts(store, true).await, []);
    let plan = now_planned(store, room(alice(), end(), "a")).await;
    let again = store.record(&plan, Some(key("a", 1)), end()).await.unwrap().unwrap();
    assert!(again.replayed);
    let known = store.subjects("", Page::first(9)).await.unwrap();
    assert_eq!(known, first.subjects("", Page::first(9)).await.unwrap());
    // What is told next comes behind it all.
    recorded(store, &now_planned(store, asks(1, &[])).await).await;
    let ids: Vec<_> = lines(store).await.iter().map(|line| line.id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
}

async fn an_imported_ledger_replaces_the_one_there_was(store: &dyn Store) {
    let windows = ["5/month soft warn none", "any/rolling 30d", "any/30d", "any/never per server"];
    let plan = wants(7, &windows);
    store.record(&plan, Some(key("k", 7)), noon()).await.unwrap().unwrap();
    let open = granted(store, &plan).await;
    let settled = charged(store, &plan, 7).await;
    let told = store.notices(0, 9).await.unwrap();
    let other = Memory::default();
    recorded(&other, &by(bob(), wants(2, &windows))).await;
    bring_over(&other, store).await;
    assert_eq!(lines(store).await, lines(&other).await);
    for id in [open, settled] {
        assert_eq!(store.held(id).await.unwrap(), None);
    }
    let plan = now_planned(store, plan).await;
    let readings = self::windows(store, &plan).await;
    let figures: Vec<_> = readings.iter().copied().map(figures).collect();
    assert_eq!(figures, [(0, 0), (0, 0), (0, 0), (2, 0), (0, 0)]);
    assert_eq!(store.notices(0, 9).await.unwrap(), told);
    // Neither the key nor the mark is known any more.
    let again = store.record(&plan, Some(key("k", 7)), noon()).await.unwrap().unwrap();
    assert!(!again.replayed);
    let fresh = store.notices(told.last().unwrap().id, 9).await.unwrap();
    assert_eq!(fresh.len(), 2, "{fresh:?}");
}

async fn pruned_books_are_brought_over_whole(store: &dyn Store) {
    let first = Memory::default();
    long_history(&first).await;
    assert!(pruned(&first, end().before(35 * DAY)).await > 0);
    bring_over(&first, store).await;
    assert_eq!(lines(store).await, lines(&first).await);
    let sorted = async |store: &dyn Store| {
        let mut balances = store.balances().await.unwrap();
        balances.sort_by_key(|it| (it.resource.clone(), it.per, it.account.clone()));
        balances
    };
    assert_eq!(sorted(store).await, sorted(&first).await);
    assert_alike(store, &first, &[alice(), bob()]).await;
}
