//! Gate: a job asks before it begins, holds room while it runs, and pays what it really used.

#![expect(clippy::print_stdout, reason = "an example tells what happens")]

use std::error::Error;
use std::sync::Arc;

use metergate::clock::Manual;
use metergate::{
    Amount, Ask, Engine, EngineError, GroupChange, Hold, Limit, Measure, Resource, Span, Subject,
    store,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // A service has `sqlite:FILE`, and the clock `System`.
    let store = store::open(&"memory:".parse()?)?;
    let clock = Arc::new(Manual::at("2026-11-30T12:00:00Z".parse()?));
    let engine = Engine::start(store, clock).await?;

    // Everyone may have a language model write 10 000 tokens a day.
    let tokens: Resource = "tokens".parse()?;
    let limits = [(tokens.clone(), Limit::parse("10000/day", &Measure::COUNT)?)].into();
    engine.set_group("free", &GroupChange { limits, default: true, ..Default::default() }).await?;
    let alice: Subject = "alice".parse()?;
    let ask = |amount| Ask::Resource { resource: tokens.clone(), amount: Amount::new(amount) };

    // A question alone sets nothing aside: it greys out a button, it does not guard a door.
    let decision = engine.check(&alice, &ask(10_001)).await?;
    assert!(!decision.allowed);
    println!("10001 tokens are too many: {:?}", decision.reason);

    // The door: as much as the answer may take is held before the job begins.
    let reserved = engine.reserve(&alice, &ask(6000)).await?;
    let hold = reserved.hold.ok_or("there was no room")?;
    println!("the first job holds {} tokens", hold.room());

    // Meanwhile the room is taken, though nothing is charged yet.
    let refused = engine.reserve(&alice, &ask(6000)).await?;
    assert!(refused.hold.is_none());
    assert!(refused.decision.may_fit_later(), "only the first job stands in the way");
    println!("the second job has to wait for the first");

    // The job ends with less than it might have taken; the rest is free again.
    let used = tokio::spawn(answer(hold)).await??;
    assert_eq!(used, Amount::new(1500));
    println!("the first job used {used} tokens");

    // A job that fails gives its room back; so does a hold that is dropped, a moment later.
    let reserved = engine.reserve(&alice, &ask(6000)).await?;
    let hold = reserved.hold.ok_or("there was no room")?;
    hold.release().await?;
    println!("the second job had room, and failed");

    let usage = engine.usage(&alice, &tokens, Span::Limits).await?;
    assert_eq!((usage.used, usage.reserved), (Amount::new(1500), Amount::ZERO));
    let left = usage.remaining.ok_or("there is no limit")?;
    assert_eq!(left, Amount::new(8500));
    println!("alice used {} tokens today, and may use {left} more", usage.used);

    engine.close().await?;
    Ok(())
}

/// Does the work, and turns what was held into what it took.
async fn answer(hold: Hold) -> Result<Amount, EngineError> {
    tokio::task::yield_now().await;
    let charge = hold.settle(Amount::new(1500)).await?;
    Ok(charge.total())
}
