//! export ∘ import ∘ export changes no byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Document, How};
use super::{exported, holding, import, noon, on_memory};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind, Line};
use crate::quota::grant::Grant;
use crate::quota::held::HoldId;
use crate::quota::idempotency::Key;
use crate::quota::policy::Rule;
use crate::quota::{
    Amount, Capability, Grants, Group, Layer, Limit, Measure, OnOutage, Per, Resource, Subject,
};
use crate::store::memory::Memory;
use crate::store::{Balance, Ledger, Store};

const RESOURCES: [&str; 4] = ["media_bytes", "uploads", "seats", "scores"];
const LIMITS: [&str; 7] = [
    "unlimited",
    "0",
    "500/month",
    "500/month,40/day observe",
    "7/rolling 30d soft ceiling 9 grace 7d warn 50 90",
    "9223372036854775807/never per server trailing in Europe/Berlin",
    "12/30d@2026-01-01 per group",
];

fn resource() -> impl Strategy<Value = Resource> {
    prop::sample::select(&RESOURCES[..]).prop_map(|name| name.parse().unwrap())
}

fn subject() -> impl Strategy<Value = Subject> {
    let names = ["@alice:example.org", "@bob/~1:example.org", "@\"ünï\":x", "c"];
    prop::sample::select(names.to_vec()).prop_map(|name| name.parse().unwrap())
}

fn limit() -> impl Strategy<Value = Limit> {
    prop::sample::select(&LIMITS[..]).prop_map(|text| Limit::parse(text, &Measure::BYTES).unwrap())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0..1_000_i64)
        .prop_map(|hours| Timestamp::from_millis(noon().millis() - hours * 3_600_000 + hours % 7))
}

fn grant<T: std::fmt::Debug + Clone>(
    what: impl Strategy<Value = T>,
) -> impl Strategy<Value = Grant<T>> {
    let note = prop::option::of(prop::sample::select(vec!["asked on Monday", "\"quoted\" – ünï"]));
    (what, prop::option::of(moment()), note).prop_map(|(what, until, note)| Grant {
        what,
        until,
        note: note.map(str::to_owned),
    })
}

fn limit_alone() -> impl Strategy<Value = Limit> {
    limit().prop_filter("a group's", |limit| limit.is_one_s_own().is_ok())
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![Just(1), Just(i64::MAX), 1..1_000_i64].prop_map(Amount::new)
}

fn group_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["free", "patron", "timezone"]).prop_map(str::to_owned)
}

fn grants() -> impl Strategy<Value = Grants> {
    (
        prop::option::of(grant(group_name())),
        prop::option::of(grant(Just(()))),
        prop::collection::btree_map(resource(), grant(limit_alone()), 0..3),
        prop::collection::btree_map(resource(), prop::collection::vec(grant(amount()), 1..3), 0..2),
        prop::option::of(grant(prop::option::of(amount()))),
    )
        .prop_map(|(group, exempt, overrides, boosts, max_upload_bytes)| Grants {
            group,
            exempt,
            overrides,
            boosts,
            max_upload_bytes,
        })
}

fn group() -> impl Strategy<Value = Group> {
    let limits = prop::collection::btree_map(resource(), limit(), 0..4);
    (limits, prop::option::of(amount()), any::<bool>()).prop_map(|(limits, size, zoned)| Group {
        extends: None,
        limits,
        max_upload_bytes: size,
        timezone: zoned.then(|| "Europe/Berlin".parse().unwrap()),
    })
}

fn layer() -> impl Strategy<Value = Layer> {
    let rule = group_name().prop_flat_map(|group| {
        let patterns = vec!["*", "@bridge_*:x", "@?:example.org"];
        let pattern = prop::sample::select(patterns);
        pattern.prop_map(move |it| Rule { pattern: it.parse().unwrap(), group: group.clone() })
    });
    (
        prop::collection::vec(group(), 3),
        prop::option::of(group_name()),
        prop::collection::vec(rule, 0..3),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(groups, default_group, mut rules, extends, settings)| {
            let mut seen = Vec::new();
            rules.retain(|rule| {
                let first = !seen.contains(&rule.pattern);
                seen.push(rule.pattern.clone());
                first
            });
            let names = ["free", "patron", "timezone"].map(str::to_owned);
            let mut groups: BTreeMap<_, _> = names.into_iter().zip(groups).collect();
            if extends {
                groups.get_mut("patron").unwrap().extends = Some("free".to_owned());
            }
            let all = RESOURCES.map(|name| name.parse().unwrap()).to_vec();
            let out = settings.then_some(OnOutage::Open);
            let act = Capability::new(all).unwrap().when_out(out);
            let capabilities = [("act".to_owned(), act)].into();
            let points = Measure { unit: "points".parse().unwrap(), decimals: 2, ..Measure::COUNT };
            let seats = Measure { aggregate: crate::quota::Aggregate::Unique, ..Measure::COUNT };
            Layer {
                origin: None,
                groups,
                default_group,
                rules,
                capabilities,
                resources: [("scores".parse().unwrap(), points), ("seats".parse().unwrap(), seats)]
                    .into(),
                timezone: settings.then(|| "Asia/Kolkata".parse().unwrap()),
                period: settings.then(|| "week".parse().unwrap()),
            }
        })
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = prop::sample::select(Kind::ALL.to_vec());
    let member = prop::option::of(Just("device/1"));
    (subject(), resource(), kinds, amount(), moment(), member, prop::option::of(group_name()))
        .prop_map(|(subject, resource, kind, amount, at, member, group)| Event {
            subject,
            group: group.map(Into::into),
            resource,
            kind,
            amount: if kind.charges() { amount } else { Amount::ZERO },
            member: member.map(Into::into),
            at,
            hold: (kind == Kind::Settle).then(HoldId::fresh),
            bucket: (kind == Kind::Reset).then(|| "2026-06".to_owned()),
        })
}

fn ledger() -> impl Strategy<Value = Ledger> {
    let line = (event(), moment(), 1..4_u64, any::<bool>());
    let lines = prop::collection::vec(line, 0..12).prop_map(|all| {
        let mut last = 0;
        let line = |(event, recorded, gap, keyed): (Event, _, u64, bool)| {
            last += gap;
            let name = format!("key {last}");
            let key = keyed.then(|| Key { name, fingerprint: vec![0, 255, last.to_be_bytes()[7]] });
            Line { id: last, event, recorded, key }
        };
        all.into_iter().map(line).collect::<Vec<_>>()
    });
    (lines, any::<bool>()).prop_map(|(lines, brought)| {
        let balance = Balance {
            resource: "media_bytes".parse().unwrap(),
            per: Per::Server,
            account: String::new(),
            used: Amount::new(5),
            newest: None,
        };
        Ledger { balances: brought.then_some(balance).into_iter().collect(), lines }
    })
}

fn document() -> impl Strategy<Value = Document> {
    let grants = prop::collection::btree_map(subject(), grants(), 0..4);
    (layer(), grants, ledger()).prop_map(|(layer, mut grants, ledger)| {
        grants.retain(|_, grants| !grants.is_empty());
        Document { layer, grants, ledger: Some(ledger) }
    })
}

/// A store, and the folder it keeps its books in.
type Place = (Arc<dyn Store>, Option<tempfile::TempDir>);

fn in_memory() -> Place {
    (Arc::new(Memory::default()), None)
}

/// Returns the stores that it is carried through, one after the other.
#[cfg(feature = "sqlite")]
fn stores() -> Vec<Place> {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::store::sqlite::Sqlite::open(&folder.path().join("books.db")).unwrap();
    vec![in_memory(), (Arc::new(store), Some(folder)), in_memory()]
}

/// Returns the stores that it is carried through, one after the other.
#[cfg(not(feature = "sqlite"))]
fn stores() -> Vec<Place> {
    vec![in_memory(), in_memory()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn books_that_are_carried_are_the_same_bytes(document in document()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let first = holding(Arc::new(Memory::default()), &document).await;
            let text = exported(&first).await;
            for (store, _place) in stores() {
                let engine = super::visiting(store).await;
                import(&engine, &text, How::Replace).await.unwrap();
                assert_eq!(exported(&engine).await, text);
                let again = import(&engine, &text, How::Replace).await.unwrap();
                assert_eq!(again.changes, []);
                assert_eq!(exported(&engine).await, text);
                engine.close().await.unwrap();
            }
        });
    }

    #[test]
    fn the_policy_laid_over_itself_is_the_same_bytes(document in document()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let document = Document { ledger: None, ..document };
            let text = serde_json::to_string(&document).unwrap();
            let engine = on_memory().await;
            for _ in 0..2 {
                import(&engine, &text, How::Merge).await.unwrap();
                let all = engine.export(super::Wanted::default(), &super::nobody_watches).await;
                assert_eq!(serde_json::to_string(&all.unwrap()).unwrap(), text);
            }
        });
    }
}
