//! Who waits for notices is woken by whatever may have caused one.

use super::*;
use crate::engine::Charges;

/// Returns whether something was charged since the last time.
async fn woken(charges: &mut Charges) -> bool {
    tokio::select! {
        biased;
        () = charges.next() => true,
        () = std::future::ready(()) => false,
    }
}

#[tokio::test]
async fn every_verb_that_charges_wakes_who_waits_and_no_other() {
    let (engine, _) = engine_under("100/never").await;
    let mut charges = engine.charges();
    let ask = Ask::upload(Amount::new(10));
    assert!(!woken(&mut charges).await);

    assert!(engine.check(&alice(), &ask).await.unwrap().allowed);
    let hold = engine.reserve(&alice(), &ask).await.unwrap().hold.unwrap();
    assert!(!woken(&mut charges).await);
    let charge = hold.settle(Amount::new(10)).await.unwrap();
    assert!(woken(&mut charges).await);
    charge.refund().await;
    assert!(woken(&mut charges).await);

    assert!(engine.consume(&alice(), &ask).await.unwrap().charge.is_some());
    assert!(woken(&mut charges).await);
    assert!(
        engine.consume(&alice(), &Ask::upload(Amount::new(91))).await.unwrap().charge.is_none()
    );
    assert!(!woken(&mut charges).await);

    engine.set(&alice(), &media(), Amount::new(20)).await.unwrap();
    assert!(woken(&mut charges).await);
    engine.reset(&alice(), &[media()], None).await.unwrap();
    assert!(woken(&mut charges).await);
    assert!(!woken(&mut charges).await);
}
