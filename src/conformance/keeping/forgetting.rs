//! S19: a name is taken off all that it did, and what was done stays.

use crate::quota::{Aggregate, Amount, Per, Subject};
use crate::store::{Balance, Import, Ledger, Page, Store};

use super::history::*;
use crate::conformance::words::*;

clauses!(
    forgetting_leaves_totals_and_pools,
    forgetting_takes_the_name_out_of_every_list,
    forgetting_lets_the_name_begin_anew,
    whom_nobody_knows_is_not_forgotten,
    open_reservations_are_not_forgotten,
    forgetting_takes_what_was_given,
    what_both_had_stays_at_the_end_of_the_range,
);

fn gone() -> Subject {
    "gone-1".parse().unwrap()
}

async fn forgetting_leaves_totals_and_pools(store: &dyn Store) {
    long_history(store).await;
    let plan = now_planned(store, room(alice(), end(), "a")).await;
    consumed(store, &plan).await;
    let before = look(store, &[alice(), bob()]).await;
    assert!(store.forget(&alice(), &gone(), end()).await.unwrap());
    let after = look(store, &[gone(), bob(), alice()]).await;
    assert_eq!(after[..4], before[..4]);
    let plan = now_planned(store, everything(alice(), end(), 0)).await;
    for item in store.read(&plan, end()).await.unwrap().unwrap() {
        for (bound, reading) in plan.items[0].bounds.iter().zip(&item) {
            if bound.per == Per::Subject {
                assert_eq!((reading.used, reading.since), (Amount::ZERO, None), "{}", bound.bucket);
            }
        }
    }
    assert_eq!(drifts(store, true).await, []);
}

async fn forgetting_takes_the_name_out_of_every_list(store: &dyn Store) {
    let plan = within("free", wants(12, &["10/month soft", "any/never"]));
    store.record(&plan, Some(key("k", 12)), noon()).await.unwrap().unwrap();
    let settled = charged(store, &plan, 3).await;
    recorded(store, &by(bob(), wants(1, &[]))).await;
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    let all = Page::first(9);
    let users = store.users(&media(), noon(), all.clone()).await.unwrap();
    let users: Vec<_> = users.into_iter().map(|usage| usage.subject).collect();
    assert_eq!(users, [bob(), gone()]);
    let known = store.subjects("", all).await.unwrap();
    let known: Vec<_> = known.into_iter().map(|one| one.subject).collect();
    assert_eq!(known, [bob(), gone()]);
    let lines = lines(store).await;
    assert_eq!(lines.iter().filter(|line| line.event.subject == gone()).count(), 2);
    assert!(lines.iter().all(|it| it.event.subject != alice() && it.key.is_none()), "{lines:?}");
    let notices = store.notices(0, 99).await.unwrap();
    assert!(!notices.is_empty() && notices.iter().all(|notice| notice.subject == gone()));
    let month = &plan.items[0].bounds[0].bucket;
    let top = store.top(&media(), Aggregate::Sum, month, None, 9).await.unwrap();
    assert_eq!((&top[0].subject, top[0].used.get()), (&gone(), 15));
    assert_eq!(store.held(settled).await.unwrap().unwrap().subject, gone());
}

async fn forgetting_lets_the_name_begin_anew(store: &dyn Store) {
    let plan = wants(9, &["10/month", "any/rolling 30d", "any/30d"]);
    store.record(&plan, Some(key("k", 9)), noon()).await.unwrap().unwrap();
    let seen = store.notices(0, 9).await.unwrap().len();
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    let again = store.record(&plan, Some(key("k", 9)), noon()).await.unwrap().unwrap();
    assert!(!again.replayed);
    assert_eq!(used(store, &plan).await, [9; 4]);
    assert_eq!(store.notices(0, 9).await.unwrap().len(), 2 * seen);
    assert_eq!(used(store, &by(gone(), plan)).await, [9; 4]);
}

async fn whom_nobody_knows_is_not_forgotten(store: &dyn Store) {
    recorded(store, &by(bob(), asks(1, &[]))).await;
    assert!(!store.forget(&alice(), &gone(), noon()).await.unwrap());
    assert!(store.forget(&bob(), &gone(), noon()).await.unwrap());
    assert!(!store.forget(&bob(), &"gone-2".parse().unwrap(), noon()).await.unwrap());
    assert_eq!(store.policy().await.unwrap().version.0, 0);
}

async fn open_reservations_are_not_forgotten(store: &dyn Store) {
    recorded(store, &asks(1, &[MONTH_10MB])).await;
    let id = granted(store, &asks(2, &[MONTH_10MB])).await;
    assert_conflict(&store.forget(&alice(), &gone(), noon()).await);
    assert_eq!(reads(store, &asks(0, &[MONTH_10MB])).await, (1, 2));
    store.release(id, noon()).await.unwrap().unwrap();
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    assert_eq!(reads(store, &asks(0, &[MONTH_10MB])).await, (0, 0));
}

async fn forgetting_takes_what_was_given(store: &dyn Store) {
    give(store, &alice()).await;
    give(store, &bob()).await;
    let before = store.policy().await.unwrap().version;
    assert!(store.forget(&alice(), &gone(), noon()).await.unwrap());
    assert!(store.policy().await.unwrap().version > before);
    let grants = store.all_grants(Page::first(9)).await.unwrap();
    assert_eq!(grants, [(bob(), gold())]);
    assert!(!store.forget(&alice(), &gone(), noon()).await.unwrap());
}

async fn what_both_had_stays_at_the_end_of_the_range(store: &dyn Store) {
    let balance = |account: Subject| Balance {
        resource: media(),
        per: Per::Subject,
        account: account.to_string(),
        used: Amount::MAX,
        newest: None,
    };
    let balances = vec![balance(alice()), balance(bob())];
    let ledger = Some(Ledger { balances, ..Ledger::default() });
    let seen = store.policy().await.unwrap().version;
    store.import(Import { ledger, ..Import::default() }, seen).await.unwrap();
    for (who, most) in [(alice(), i64::MIN + 1), (bob(), i64::MIN + 1)] {
        let plan = by(who, wants(most, &["any/rolling 30d"]));
        recorded(store, &now_planned(store, plan).await).await;
    }
    assert!(store.forget(&alice(), &bob(), noon()).await.unwrap());
    let balances = store.balances().await.unwrap();
    assert_eq!(balances, [balance(bob())]);
    let plan = now_planned(store, by(bob(), wants(0, &["any/rolling 30d"]))).await;
    assert_eq!(used(store, &plan).await, [0; 2]);
    assert_eq!(drifts(store, true).await, []);
}
