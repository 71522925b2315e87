//! Tiers: plans for sale, an exception, an action that draws on two resources, and a fact that
//! is told late and twice.

#![expect(clippy::print_stdout, reason = "an example tells what happens")]

use std::error::Error;
use std::sync::Arc;

use metergate::clock::Manual;
use metergate::engine::Page;
use metergate::{
    Ask, Capability, Engine, Fact, GroupChange, Limit, Measure, OverrideChange, Resource, Rule,
    Span, Subject, store,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // A service has `sqlite:FILE`, and the clock `System`.
    let store = store::open(&"memory:".parse()?)?;
    let clock = Arc::new(Manual::at("2026-11-30T12:00:00Z".parse()?));
    let engine = Engine::start(store, clock.clone()).await?;

    // Two plans; whoever has none is on the first.
    engine.set_group("free", &plan("3/day", "1GB/month", true)?).await?;
    engine.set_group("patron", &plan("100/day", "50GB/month", false)?).await?;

    // An export is one of `exports`, and as many of `export_bytes` as it has: both must have room.
    let exports: Resource = "exports".parse()?;
    let bytes: Resource = "export_bytes".parse()?;
    engine.set_capability("export", Capability::new(vec![exports, bytes.clone()])?).await?;
    let export = |size| {
        Measure::BYTES
            .parse(size)
            .map(|size| Ask::Capability { name: "export".to_owned(), amount: Some(size) })
    };

    // Alice pays; so does whoever's name begins with `team-`.
    let [alice, bob, team]: [Subject; 3] = ["alice".parse()?, "bob".parse()?, "team-7".parse()?];
    engine.assign(&alice, "patron", None).await?;
    engine.add_rule(&Rule { pattern: "team-*".parse()?, group: "patron".to_owned() }).await?;
    for (who, expected) in
        [(&alice, "group patron"), (&bob, "default free"), (&team, "rule patron")]
    {
        let decision = engine.check(who, &export("1GB")?).await?;
        assert!(decision.allowed);
        assert_eq!(decision.source, expected);
        println!("{who} may export 1 GB: {}", decision.source);
    }

    // Bob gets a gigabyte more until Christmas.
    let change = OverrideChange {
        limits: [(bytes.clone(), Limit::parse("2GB/month", &Measure::BYTES)?)].into(),
        until: Some("2026-12-24".parse()?),
        note: Some("asked on Monday".to_owned()),
        ..OverrideChange::default()
    };
    engine.set_overrides(&bob, &change).await?;
    let reserved = engine.reserve(&bob, &export("1.5GB")?).await?;
    let hold = reserved.hold.ok_or("there was no room")?;
    let charge = hold.settle(Measure::BYTES.parse("1.4GB")?).await?;
    println!("bob exported {} in one go", Measure::BYTES.human(charge.total()));

    // What another machine did yesterday is told late, and once more because the network broke:
    // its key makes that one fact.
    let fact = Fact {
        subject: bob.clone(),
        resource: bytes.clone(),
        amount: Measure::BYTES.parse("600MB")?,
        member: None,
        key: Some("export-4711".to_owned()),
        at: Some("2026-11-29T18:00:00Z".parse()?),
    };
    assert!(!engine.record(&fact).await?.replayed);
    assert!(engine.record(&fact).await?.replayed);
    let usage = engine.usage(&bob, &bytes, Span::Limits).await?;
    assert_eq!(usage.used, Measure::BYTES.parse("2GB")?);
    println!("bob used {} of this month", Measure::BYTES.human(usage.used));

    // The bytes are spent, so the export is denied, though `exports` still has room.
    let decision = engine.check(&bob, &export("1MB")?).await?;
    assert!(!decision.allowed);
    let figures = decision.binding.ok_or("nothing binds")?;
    assert_eq!(figures.resource, bytes);
    let resets_at = figures.window.resets_at.ok_or("it never resets")?;
    println!("bob has no {} left until {resets_at}", figures.resource);

    let over: Vec<_> =
        engine.over(&bytes, Page::first(10)).await?.into_iter().map(|used| used.subject).collect();
    assert_eq!(over, [bob]);

    engine.close().await?;
    Ok(())
}

/// Returns a plan of so many exports and so many bytes.
fn plan(exports: &str, bytes: &str, default: bool) -> Result<GroupChange, Box<dyn Error>> {
    let limits = [
        ("exports".parse()?, Limit::parse(exports, &Measure::COUNT)?),
        ("export_bytes".parse()?, Limit::parse(bytes, &Measure::BYTES)?),
    ];
    Ok(GroupChange { limits: limits.into(), default, ..GroupChange::default() })
}
