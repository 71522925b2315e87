//! Changes of the policy: all of one, or none of it.

use std::sync::Arc;
use std::time::Duration;

use super::watched::{Hang, Watched, watched};
use super::{alice, engine_on, limit, media};
use crate::engine::{Ask, Engine, EngineError, GroupChange, OverrideChange};
use crate::quota::policy::Rule;
use crate::quota::{Amount, Capability, Grants, Group, Layer};
use crate::store::Timed;

async fn engine() -> (Engine, Arc<Watched>) {
    let store = Arc::new(watched());
    (engine_on(Arc::new(Timed::new(store.clone(), Duration::from_secs(1)))).await, store)
}

async fn grants(engine: &Engine) -> Grants {
    engine.subject(&alice()).await.unwrap().grants
}

fn uploads() -> Capability {
    Capability::new(vec![media(), "uploads".parse().unwrap()]).unwrap()
}

fn change(limits: &[(&str, &str)]) -> OverrideChange {
    let limits = limits.iter().map(|(name, text)| (name.parse().unwrap(), limit(text)));
    OverrideChange {
        limits: limits.collect(),
        max_upload_bytes: Some(Some(Amount::new(5))),
        note: Some("asked on Monday".to_owned()),
        ..OverrideChange::default()
    }
}

#[tokio::test(start_paused = true)]
async fn several_overrides_are_one_change() {
    let (engine, store) = engine().await;
    engine.set_capability("upload_media", uploads()).await.unwrap();
    let before = engine.policy_version().await.unwrap();
    engine
        .set_overrides(&alice(), &change(&[("media_bytes", "1MB/day"), ("uploads", "7")]))
        .await
        .unwrap();
    assert_eq!(engine.policy_version().await.unwrap().0, before.0 + 1);
    assert_eq!(store.guard().calls("write_grants"), 1);
    let grants = grants(&engine).await;
    assert_eq!(grants.overrides.len(), 2);
    assert_eq!(grants.overrides[&media()].note.as_deref(), Some("asked on Monday"));
    assert_eq!(grants.max_upload_bytes.unwrap().what, Some(Amount::new(5)));
}

#[tokio::test(start_paused = true)]
async fn of_overrides_that_fail_none_is_set() {
    let (engine, store) = engine().await;
    let unknown = change(&[("media_bytes", "1MB"), ("media_byte", "1MB")]);
    let refused = engine.set_overrides(&alice(), &unknown).await.unwrap_err();
    assert!(matches!(refused, EngineError::BadInput(_)), "{refused:?}");
    assert!(refused.to_string().contains("did you mean \"media_bytes\""), "{refused}");
    store.guard().hang("write_grants", Hang::Before);
    engine.set_overrides(&alice(), &change(&[("media_bytes", "1MB")])).await.unwrap_err();
    store.guard().recover();
    assert_eq!(grants(&engine).await, Grants::default());
}

#[tokio::test(start_paused = true)]
async fn what_an_override_does_not_name_stays() {
    let (engine, _) = engine().await;
    engine.set_overrides(&alice(), &change(&[("media_bytes", "1MB")])).await.unwrap();
    let lift =
        OverrideChange { max_upload_bytes: Some(None), until: None, ..OverrideChange::default() };
    engine.set_overrides(&alice(), &lift).await.unwrap();
    let grants = grants(&engine).await;
    assert_eq!(grants.overrides[&media()].what, limit("1MB"));
    assert_eq!(grants.max_upload_bytes.unwrap().what, None);
}

#[tokio::test(start_paused = true)]
async fn several_counts_start_anew_in_one_step() {
    let (engine, store) = engine().await;
    engine.set_capability("upload_media", uploads()).await.unwrap();
    let resources = engine.resources().await.unwrap();
    assert_eq!(resources.len(), 2);
    engine.reset(&alice(), &resources, None).await.unwrap();
    assert_eq!(store.guard().calls("reset"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_subjects_are_in_is_not_removed() {
    let (engine, store) = engine().await;
    engine.set_group("patron", &GroupChange::default()).await.unwrap();
    let names: Vec<_> = (0..1002).map(|index| format!("@user{index:04}:example.org")).collect();
    for name in &names {
        engine.assign(&name.parse().unwrap(), "patron", None).await.unwrap();
    }
    let conflict = engine.remove_group("patron").await.unwrap_err();
    assert_eq!(
        conflict.to_string(),
        "group \"patron\" is that of 1002 subjects (@user0000:example.org, @user0001:example.org, \
         @user0002:example.org and 999 more): put them into another group first"
    );
    assert!(matches!(conflict, EngineError::Conflict(_)));
    assert!(store.guard().calls("all_grants") >= 2);
    for name in &names {
        engine.assign(&name.parse().unwrap(), "free", None).await.unwrap();
    }
    engine.remove_group("patron").await.unwrap();
    assert!(matches!(engine.group("patron").await, Err(EngineError::NotFound(_))));
}

#[tokio::test(start_paused = true)]
async fn who_was_in_a_group_until_a_date_that_has_passed_does_not_keep_it() {
    let (engine, _) = engine().await;
    engine.set_group("patron", &GroupChange::default()).await.unwrap();
    let until = Some(engine.now().before(Duration::from_secs(1)));
    engine.assign(&alice(), "patron", until).await.unwrap();
    engine.remove_group("patron").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn groups_that_are_needed_and_not_declared_are_told() {
    let (engine, _) = engine().await;
    assert_eq!(engine.missing_groups().await.unwrap(), []);
    let file = |names: &[&str]| Layer {
        groups: names.iter().map(|name| ((*name).to_owned(), Group::default())).collect(),
        default_group: Some("everyone".to_owned()),
        rules: vec![Rule { pattern: "@bot_*".parse().unwrap(), group: "bots".to_owned() }],
        ..Layer::default()
    };
    engine.apply_file(&file(&["everyone", "bots", "patron"])).await.unwrap();
    engine.assign(&alice(), "patron", None).await.unwrap();
    assert_eq!(engine.missing_groups().await.unwrap(), []);
    engine.apply_file(&file(&[])).await.unwrap();
    let told = engine.missing_groups().await.unwrap().into_iter();
    let told: Vec<_> = told.map(|it| format!("{}: {}", it.name, it.needed_by)).collect();
    assert_eq!(
        told,
        [
            "everyone: the default group",
            "bots: rule @bot_*",
            "patron: 1 subject (@alice:example.org)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_subject_whose_group_is_gone_is_limited_like_everyone() {
    let (engine, _) = engine().await;
    let groups = [("patron".to_owned(), Group::default())].into();
    engine.apply_file(&Layer { groups, ..Layer::default() }).await.unwrap();
    engine.assign(&alice(), "patron", None).await.unwrap();
    let asked = Ask::upload(Amount::new(11_000_000));
    assert!(engine.check(&alice(), &asked).await.unwrap().allowed);
    engine.apply_file(&Layer::default()).await.unwrap();
    let decision = engine.check(&alice(), &asked).await.unwrap();
    assert_eq!((decision.allowed, decision.source.as_str()), (false, "default free"));
}

#[tokio::test(start_paused = true)]
async fn what_is_called_nonsense_gets_into_no_layer() {
    let (engine, store) = engine().await;
    let before = store.guard().calls("write_layer");
    let named = |name: &str| Layer {
        groups: [(name.to_owned(), Group::default())].into(),
        ..Layer::default()
    };
    for name in ["", "a b", "free/1", &"x".repeat(65)] {
        let refused = [
            engine.set_group(name, &GroupChange::default()).await,
            engine.set_capability(name, uploads()).await,
            engine.apply_file(&named(name)).await.map(drop),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(EngineError::BadInput(_))), "{name}: {refused:?}");
        }
    }
    assert_eq!(store.guard().calls("write_layer"), before);
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_the_file_is_not_shadowed_in_silence() {
    let (engine, _) = engine().await;
    let rule = Rule { pattern: "@bridge_*:*".parse().unwrap(), group: "free".to_owned() };
    let file = Layer { rules: vec![rule.clone()], ..Layer::default() };
    engine.apply_file(&file).await.unwrap();
    let error = engine.add_rule(&rule).await.unwrap_err();
    assert!(matches!(&error, EngineError::Conflict(text) if text.contains("file")), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_default_group_that_the_file_shadows_is_not_removed() {
    let (engine, _) = engine().await;
    let file = Layer {
        groups: [("everyone".to_owned(), Group::default())].into(),
        default_group: Some("everyone".to_owned()),
        ..Layer::default()
    };
    engine.apply_file(&file).await.unwrap();
    let conflict = engine.remove_group("free").await.unwrap_err();
    assert!(matches!(conflict, EngineError::Conflict(_)), "{conflict:?}");
}
