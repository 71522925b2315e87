//! What binds: groups that extend others, zones, boosts, pools, and what stands before what.

use crate::clock::Timestamp;
use crate::quota::grant::Grant;
use crate::quota::policy::{Rule, Standing};
use crate::quota::{
    Amount, Grants, Group, Layer, Limit, Measure, Per, Policy, Resource, Subject, Window, Zone,
};

fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

fn uploads() -> Resource {
    "uploads".parse().unwrap()
}

fn alice() -> Subject {
    "@alice:example.org".parse().unwrap()
}

fn noon() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

fn limit(text: &str) -> Limit {
    Limit::parse(text, &Measure::BYTES).unwrap()
}

fn given<T>(what: T) -> Grant<T> {
    Grant { what, until: None, note: None }
}

/// Returns a policy of `groups`, each a name, the one it extends, and its limit on media.
fn policy(groups: &[(&str, &str, &str)]) -> Policy {
    let group = |(name, base, text): &(&str, &str, &str)| {
        let limits = (!text.is_empty()).then(|| (media(), limit(text)));
        let group = Group {
            extends: (!base.is_empty()).then(|| (*base).to_owned()),
            limits: limits.into_iter().collect(),
            ..Group::default()
        };
        ((*name).to_owned(), group)
    };
    let default_group = groups.first().map(|(name, ..)| (*name).to_owned());
    let groups = groups.iter().map(group).collect();
    Policy { store: Layer { groups, default_group, ..Layer::default() }, ..Policy::default() }
}

/// Returns the windows that bind alice on media: her own, and those she shares.
fn windows(policy: &Policy, grants: &Grants) -> (Vec<String>, Vec<String>) {
    let terms = policy.terms(&alice(), grants, noon());
    let media = media();
    let (limit, _) = terms.limit(&media);
    let own = terms.own(limit, &media);
    let own = own.map(|it| format!("{}+{}", it.window, it.boost)).collect();
    (own, terms.pools(&media).map(|it| it.window.to_string()).collect())
}

#[test]
fn what_a_group_does_not_name_holds_as_in_the_one_it_extends() {
    let mut policy =
        policy(&[("patron", "free", ""), ("free", "base", "5MB/day"), ("base", "", "1MB")]);
    let base = policy.store.groups.get_mut("base").unwrap();
    base.limits.insert(uploads(), Limit::parse("7", &Measure::COUNT).unwrap());
    base.max_upload_bytes = Some(Amount::new(3));
    base.timezone = Some("Europe/Berlin".parse().unwrap());
    let grants = Grants::default();
    let terms = policy.terms(&alice(), &grants, noon());
    assert_eq!(terms.limit(&media()).0.to_string(), "5000000/day");
    assert_eq!(terms.limit(&uploads()).0.to_string(), "7");
    assert_eq!(terms.limit(&uploads()).1.to_string(), "default patron");
    assert_eq!(terms.max_upload().0, Some(Amount::new(3)));
    assert_eq!(terms.zone.name(), "Europe/Berlin");
    policy.store.groups.get_mut("free").unwrap().extends = Some("gone".to_owned());
    assert!(policy.terms(&alice(), &grants, noon()).limit(&uploads()).0.windows().is_empty());
}

#[test]
fn a_circle_is_found_wherever_it_begins_and_ends_no_question() {
    let circle = policy(&[("a", "b", "1MB"), ("b", "c", ""), ("c", "b", "")]);
    let error = circle.has_no_circle().unwrap_err().to_string();
    assert!(error.contains("b → c → b"), "{error}");
    assert_eq!(windows(&circle, &Grants::default()).0, ["1000000+0"]);
    assert!(policy(&[("a", "a", "")]).has_no_circle().is_err());
    assert!(policy(&[("a", "b", ""), ("b", "gone", "")]).has_no_circle().is_ok());
}

#[test]
fn a_group_of_the_file_closes_a_circle_with_one_of_the_store() {
    let mut both = policy(&[("a", "b", ""), ("b", "", "")]);
    both.has_no_circle().unwrap();
    both.file = policy(&[("b", "a", "")]).store;
    assert!(both.has_no_circle().is_err());
}

#[test]
fn days_begin_by_the_group_and_otherwise_by_the_policy() {
    let mut policy = policy(&[("free", "", "1MB")]);
    let zone = |policy: &Policy| policy.terms(&alice(), &Grants::default(), noon()).zone;
    assert_eq!(zone(&policy), Zone::UTC);
    policy.store.timezone = Some("Asia/Tokyo".parse().unwrap());
    assert_eq!(zone(&policy).name(), "Asia/Tokyo");
    policy.store.groups.get_mut("free").unwrap().timezone = Some("Europe/Berlin".parse().unwrap());
    assert_eq!(zone(&policy).name(), "Europe/Berlin");
}

#[test]
fn boosts_add_up_until_their_dates() {
    let policy = policy(&[("free", "", "1MB,5MB/day")]);
    let boost =
        |units, until: &str| Grant { until: until.parse().ok(), ..given(Amount::new(units)) };
    let boosts = vec![boost(10, "2026-06-15"), boost(20, "2026-06-16"), boost(300, "")];
    let grants = Grants { boosts: [(media(), boosts)].into(), ..Grants::default() };
    assert_eq!(windows(&policy, &grants).0, ["1000000+320", "5000000/day+320"]);
    let endless = vec![given(Amount::MAX), given(Amount::MAX)];
    let grants = Grants { boosts: [(media(), endless)].into(), ..Grants::default() };
    assert_eq!(grants.boost(&media(), noon()), Amount::MAX);
}

#[test]
fn a_pool_is_that_of_the_own_group_and_every_one_of_the_server() {
    let groups = [
        ("free", "", "1MB,7MB per group"),
        ("patron", "", "2MB,8MB per group,9MB per server"),
        ("other", "", "6MB/day per server"),
    ];
    let mut policy = policy(&groups);
    let shared = ["7000000 per group", "6000000/day per server", "9000000 per server"];
    assert_eq!(
        windows(&policy, &Grants::default()),
        (vec!["1000000+0".to_owned()], shared.map(str::to_owned).into())
    );
    policy.file.groups.insert("other".to_owned(), Group::default());
    assert_eq!(windows(&policy, &Grants::default()).1.len(), 2);
}

#[test]
fn exempt_or_overridden_a_subject_still_shares() {
    let policy = policy(&[("free", "", "1MB,7MB per group,9MB per server")]);
    let exempt = Grants { exempt: Some(given(())), ..Grants::default() };
    let (own, pools) = windows(&policy, &exempt);
    assert_eq!((own.len(), pools.len()), (0, 2));
    let overrides = [(media(), given(limit("5MB")))].into();
    let (own, pools) = windows(&policy, &Grants { overrides, ..Grants::default() });
    assert_eq!((own, pools.len()), (vec!["5000000+0".to_owned()], 2));
}

#[test]
fn a_limit_that_is_shared_belongs_to_a_group() {
    assert!(limit("1MB,2MB/day soft").is_one_s_own().is_ok());
    for text in ["1MB,2MB per group", "2MB per server"] {
        let error = limit(text).is_one_s_own().unwrap_err().to_string();
        assert!(error.contains("belongs to a group"), "{text}: {error}");
    }
    assert_eq!(
        limit("2MB per group").windows().iter().map(|it: &Window| it.per).max(),
        Some(Per::Group)
    );
}

#[test]
fn of_all_claims_the_first_that_stands_is_in_force() {
    let mut policy = policy(&[("free", "base", ""), ("base", "", "1MB"), ("bots", "", "3MB")]);
    let rule = |pattern: &str, group: &str| Rule {
        pattern: pattern.parse().unwrap(),
        group: group.to_owned(),
    };
    policy.store.rules = vec![rule("@bob*", "bots"), rule("@alice*", "bots"), rule("*", "gone")];
    let past = "2026-06-01".parse().ok();
    let grants = Grants {
        group: Some(Grant { until: past, ..given("free".to_owned()) }),
        overrides: [(media(), Grant { until: past, ..given(limit("5MB")) })].into(),
        ..Grants::default()
    };
    let told = |grants: &Grants, call: Option<&Limit>| -> Vec<String> {
        let claims = policy.claims(&alice(), grants, &media(), call, noon()).into_iter();
        let limit = |limit: Option<Limit>| limit.map_or("-".to_owned(), |limit| limit.to_string());
        claims.map(|it| format!("{} {} {:?}", it.source, limit(it.limit), it.standing)).collect()
    };
    assert_eq!(
        told(&grants, None),
        [
            "override 5000000 Ended",
            "group free 1000000 Ended",
            "rule bots 3000000 Holds",
            "rule gone - Missing",
            "default free 1000000 Shadowed",
        ]
    );
    let claims = policy.claims(&alice(), &grants, &media(), None, noon());
    assert_eq!(claims[1].extended.as_deref(), Some("base"));
    assert_eq!(claims[2].rule.as_ref().unwrap().as_str(), "@alice*");
    let exempt = Grants { exempt: Some(given(())), ..grants };
    assert_eq!(told(&exempt, None)[0], "exempt - Holds");
    let call = limit("7MB");
    assert_eq!(told(&exempt, Some(&call))[..2], ["call 7000000 Holds", "exempt - Shadowed"]);
    let found = policy.claims(&alice(), &exempt, &media(), None, noon());
    let in_force = found.iter().find(|claim| claim.standing == Standing::Holds).unwrap();
    let source = policy.terms(&alice(), &exempt, noon()).limit(&media()).1;
    assert_eq!(in_force.source, source);
}
