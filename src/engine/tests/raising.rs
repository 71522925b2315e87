//! Boosts, resources that are no plain sums, groups that extend others: declared and in effect.

use super::{alice, engine_under, group, media, upload};
use crate::engine::{Ask, BoostChange, DeclaredBy, Engine, EngineError, Fact, GroupChange, Worded};
use crate::quota::{Aggregate, Amount, Group, Layer, Measure, PolicyVersion, Resource, Said};

fn boost(amount: i64, until: &str) -> BoostChange {
    let amounts = [(media(), Amount::new(amount))].into();
    BoostChange { amounts, until: until.parse().ok(), note: None }
}

async fn may(engine: &Engine, amount: i64) -> bool {
    engine.check(&alice(), &upload(amount)).await.unwrap().allowed
}

fn seats() -> Resource {
    "seats".parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_boost_raises_limit_and_ceiling_until_its_date() {
    let (engine, clock) = engine_under("100/month soft ceiling 120,110/day").await;
    engine.add_boosts(&alice(), &boost(50, "2026-06-20")).await.unwrap();
    assert!(may(&engine, 160).await && !may(&engine, 161).await);
    engine.add_boosts(&alice(), &boost(5, "")).await.unwrap();
    assert!(may(&engine, 165).await && !may(&engine, 166).await);
    clock.set("2026-06-20".parse().unwrap());
    assert!(may(&engine, 115).await && !may(&engine, 116).await);
}

#[tokio::test(start_paused = true)]
async fn a_boost_is_of_something_declared_and_above_zero() {
    let (engine, _) = engine_under("100/month").await;
    for amount in [0, -5] {
        let refused = engine.add_boosts(&alice(), &boost(amount, "")).await.unwrap_err();
        assert!(matches!(refused, EngineError::BadInput(_)), "{refused:?}");
    }
    let unknown = [(media(), Amount::ONE), (seats(), Amount::ONE)].into();
    let change = BoostChange { amounts: unknown, ..BoostChange::default() };
    engine.add_boosts(&alice(), &change).await.unwrap_err();
    assert!(engine.subject(&alice()).await.unwrap().grants.is_empty());
}

#[tokio::test(start_paused = true)]
async fn boosts_are_removed_one_by_one_or_all() {
    let (engine, _) = engine_under("100/month").await;
    for amount in [1, 2, 3] {
        engine.add_boosts(&alice(), &boost(amount, "")).await.unwrap();
    }
    engine.remove_boosts(&alice(), Some("media_bytes"), Some(2)).await.unwrap();
    assert!(may(&engine, 104).await && !may(&engine, 105).await);
    let missing = engine.remove_boosts(&alice(), Some("media_bytes"), Some(3)).await.unwrap_err();
    assert!(matches!(&missing, EngineError::NotFound(text) if text.contains("number 3")));
    engine.remove_boosts(&alice(), None, None).await.unwrap();
    assert!(engine.subject(&alice()).await.unwrap().grants.is_empty());
    assert!(engine.remove_boosts(&alice(), None, None).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_declared_as_a_maximum_and_then_as_its_name_says_again() {
    let (engine, _) = engine_under("100/month").await;
    let highest = Measure { aggregate: Aggregate::Max, ..Measure::COUNT };
    engine.set_resource(&seats(), &highest).await.unwrap();
    for amount in [7, 5] {
        let amount = Amount::new(amount);
        let fact =
            Fact { subject: alice(), resource: seats(), amount, member: None, key: None, at: None };
        engine.record(&fact).await.unwrap();
    }
    let usage = async || {
        let usage = engine.usage(&alice(), &seats(), crate::engine::Span::Limits).await;
        usage.unwrap().used.get()
    };
    assert_eq!(usage().await, 7);
    let declared = engine.resources_declared().await.unwrap();
    let told: Vec<_> = declared.iter().map(|it| (it.resource.as_str(), it.declared_by)).collect();
    assert_eq!(told, [("media_bytes", DeclaredBy::Name), ("seats", DeclaredBy::Store)]);
    engine.remove_resource(&seats()).await.unwrap();
    assert_eq!(usage().await, 12);
    assert!(matches!(engine.remove_resource(&seats()).await, Err(EngineError::NotFound(_))));
    let named = engine.remove_resource(&media()).await.unwrap_err();
    assert!(named.to_string().contains("as its name says"), "{named}");
}

#[tokio::test(start_paused = true)]
async fn what_the_file_declares_is_changed_there() {
    let (engine, _) = engine_under("100/month").await;
    let resources = [(seats(), Measure { aggregate: Aggregate::Last, ..Measure::COUNT })].into();
    engine.apply_file(&Layer { resources, ..Layer::default() }).await.unwrap();
    for refused in [
        engine.set_resource(&seats(), &Measure::COUNT).await,
        engine.remove_resource(&seats()).await,
    ] {
        assert!(matches!(&refused, Err(EngineError::Conflict(text)) if text.contains("file")));
    }
    assert_eq!(engine.measure(&seats()).aggregate, Aggregate::Last);
}

fn extending(base: Option<&str>) -> GroupChange {
    GroupChange { extends: Some(base.map(ToOwned::to_owned)), ..GroupChange::default() }
}

#[tokio::test(start_paused = true)]
async fn a_group_extends_one_that_is_there_and_never_itself() {
    let (engine, _) = engine_under("100/month").await;
    engine.set_group("patron", &extending(Some("free"))).await.unwrap();
    engine.assign(&alice(), "patron", None).await.unwrap();
    assert!(may(&engine, 100).await && !may(&engine, 101).await);
    let unknown = engine.set_group("patron", &extending(Some("fre"))).await.unwrap_err();
    assert!(matches!(&unknown, EngineError::NotFound(text) if text.contains("\"free\"")));
    for (group, base) in [("patron", "patron"), ("free", "patron")] {
        let circle = engine.set_group(group, &extending(Some(base))).await.unwrap_err();
        assert!(matches!(&circle, EngineError::BadInput(text) if text.contains("circle")));
    }
    group(&engine, "other", "1").await;
    engine.set_group("free", &extending(Some("other"))).await.unwrap();
    let needed = engine.remove_group("other").await.unwrap_err();
    assert!(needed.to_string().contains("\"free\" extends group \"other\""), "{needed}");
    engine.set_group("free", &extending(None)).await.unwrap();
    engine.remove_group("other").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_closes_a_circle_is_refused_and_changes_nothing() {
    let (engine, _) = engine_under("100/month").await;
    engine.set_group("patron", &extending(Some("free"))).await.unwrap();
    let before = engine.policy_version().await.unwrap();
    let free = Group { extends: Some("patron".to_owned()), ..Group::default() };
    let file = Layer { groups: [("free".to_owned(), free)].into(), ..Layer::default() };
    let circle = engine.apply_file(&file).await.unwrap_err();
    assert!(matches!(circle, EngineError::BadInput(_)), "{circle:?}");
    assert_eq!(engine.policy_version().await.unwrap(), before);
    let base = Group { extends: Some("gone".to_owned()), ..Group::default() };
    let file = Layer { groups: [("free".to_owned(), base)].into(), ..Layer::default() };
    assert_eq!(engine.apply_file(&file).await.unwrap(), PolicyVersion(before.0 + 1));
    let missing = engine.missing_groups().await.unwrap().remove(0);
    assert_eq!(
        (missing.name.as_str(), missing.needed_by.to_string()),
        ("gone", "group free".into())
    );
}

#[tokio::test(start_paused = true)]
async fn days_of_a_group_begin_in_its_zone() {
    let (engine, clock) = engine_under("100/day").await;
    let timezone = Some("Asia/Tokyo".parse().ok());
    engine.set_group("free", &GroupChange { timezone, ..GroupChange::default() }).await.unwrap();
    let resets = async || {
        let decision = engine.check(&alice(), &upload(1)).await.unwrap();
        decision.binding.unwrap().window.resets_at.unwrap().to_string()
    };
    assert_eq!(resets().await, "2026-06-18T15:00:00Z");
    clock.set("2026-06-18T15:00:00Z".parse().unwrap());
    assert_eq!(resets().await, "2026-06-19T15:00:00Z");
    let timezone = Some(None);
    engine.set_group("free", &GroupChange { timezone, ..GroupChange::default() }).await.unwrap();
    assert_eq!(resets().await, "2026-06-19T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_comes_with_the_call_stands_before_all_others() {
    let (engine, _) = engine_under("100/month").await;
    engine.exempt(&alice(), None).await.unwrap();
    let worded = |limit: &str| Worded {
        resource: Some("media_bytes".to_owned()),
        amount: Some(Said::Text("7kB".to_owned())),
        limit: Some(limit.to_owned()),
        ..Worded::default()
    };
    for (limit, expected) in [("7kB/day", true), ("6999/week", false), ("unlimited", true)] {
        let ask = engine.understand(&worded(limit)).await.unwrap();
        let decision = engine.check(&alice(), &ask).await.unwrap();
        assert_eq!((decision.allowed, decision.source.as_str()), (expected, "call"), "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_in_words_has_to_make_sense() {
    let (engine, _) = engine_under("100/month").await;
    let unique = Measure { aggregate: Aggregate::Unique, ..Measure::COUNT };
    engine.set_resource(&"visitors".parse().unwrap(), &unique).await.unwrap();
    let worded = |capability: &str, resource: &str, amount: &str, member: &str| {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (capability, resource) = (some(capability), some(resource));
        Worded {
            capability,
            resource,
            items: None,
            amount: some(amount).map(Said::Text),
            member: some(member),
            limit: None,
        }
    };
    for (wrong, hint) in [
        (worded("", "", "", ""), "name a capability"),
        (worded("upload_media", "media_bytes", "", ""), "not both"),
        (worded("upload_media", "", "", "x"), "one of a resource"),
        (worded("", "media_byte", "", ""), "did you mean \"media_bytes\""),
        (worded("", "media_bytes", "5G", ""), "5G"),
        (worded("", "media_bytes", "", "x"), "how much"),
        (worded("", "visitors", "5", ""), "which one"),
    ] {
        let error = engine.understand(&wrong).await.unwrap_err();
        assert!(matches!(&error, EngineError::BadInput(text) if text.contains(hint)), "{error}");
    }
    let ask = engine.understand(&worded("", "visitors", "", "x")).await.unwrap();
    assert!(matches!(ask, Ask::Member { .. }));
}
