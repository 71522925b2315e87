//! S12: a name belongs to one process, and is let go with its end.

use metergate::conformance::words::*;
use metergate::quota::held::{HoldId, Instance, Life, State};
use metergate::store::{Admission, INSTANCE_LEASE, Store};

use crate::{opened, server};

async fn holds(store: &dyn Store, instance: &Instance) -> HoldId {
    let id = HoldId::fresh();
    let life = Life::While(instance.clone());
    let admission = store.reserve(&asks(MB, &[MONTH_10MB]), id, life, noon()).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)), "{admission:?}");
    id
}

#[tokio::test]
async fn a_name_that_is_running_is_refused_and_one_that_was_let_go_ends_what_it_held() {
    let url = server().url("names");
    let (instance, other) = (Instance::named("a"), Instance::named("b"));
    let first = opened(&url);
    first.join(&instance, noon()).await.unwrap();
    let id = holds(&first, &instance).await;
    let second = opened(&url);
    let refused = second.join(&instance, noon()).await;
    assert_conflict(&refused);
    assert!(refused.unwrap_err().to_string().contains("\"a\" is already running"));
    assert_eq!(second.join(&other, noon()).await.unwrap(), 0);
    let theirs = holds(&second, &other).await;
    // As `kill -9` does: nothing is said.
    drop(first);
    let third = opened(&url);
    assert_eq!(third.join(&instance, noon()).await.unwrap(), 1);
    assert_eq!(third.held(id).await.unwrap().unwrap().state, State::Lapsed);
    assert_eq!(third.held(theirs).await.unwrap().unwrap().state, State::Open);
}

#[tokio::test]
async fn another_name_is_given_up_only_when_its_signs_of_life_are_old() {
    let url = server().url("lease");
    let (first, second) = (opened(&url), opened(&url));
    let gone = Instance::fresh();
    first.join(&gone, noon()).await.unwrap();
    let id = holds(&first, &gone).await;
    drop(first);
    let before = noon().after(INSTANCE_LEASE / 2);
    assert_eq!(second.join(&Instance::fresh(), before).await.unwrap(), 0);
    assert_eq!(second.held(id).await.unwrap().unwrap().state, State::Open);
    let over = noon().after(INSTANCE_LEASE);
    assert_eq!(second.join(&Instance::fresh(), over).await.unwrap(), 1);
    assert_eq!(second.held(id).await.unwrap().unwrap().state, State::Lapsed);
}

#[tokio::test]
async fn one_that_left_lets_go_of_its_name_at_once() {
    let url = server().url("left");
    let (first, second) = (opened(&url), opened(&url));
    let instance = Instance::named("a");
    first.join(&instance, noon()).await.unwrap();
    first.leave(&instance, noon()).await.unwrap();
    assert_eq!(second.join(&instance, noon()).await.unwrap(), 0);
    assert_conflict(&first.join(&instance, noon()).await);
}

#[tokio::test]
async fn nobody_waits_for_whoever_asks_for_a_name_that_another_has() {
    let url = server().url("asking");
    let (first, second) = (opened(&url), opened(&url));
    let instance = Instance::named("a");
    first.join(&instance, noon()).await.unwrap();
    recorded(&second, &asks(1, &[MONTH_10MB])).await;
    // Whoever had to wait for those who ask would be later than them every time.
    let mut was_quick = false;
    for _ in 0..10 {
        let mut joining = std::pin::pin!(second.join(&instance, noon()));
        let charging = async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            recorded(&first, &asks(1, &[MONTH_10MB])).await;
        };
        tokio::select! {
            refused = &mut joining => assert_conflict(&refused),
            () = charging => {
                was_quick = true;
                assert_conflict(&joining.await);
            }
        }
    }
    assert!(was_quick);
}
