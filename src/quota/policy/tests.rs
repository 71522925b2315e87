//! Limits resolve in one order: exempt, override, assigned group, rule, default group, unlimited.

use super::*;
use crate::quota::grant::Grant;
use crate::quota::{Amount, Grants, Measure};

fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

fn limit(text: &str) -> Limit {
    Limit::parse(text, &Measure::BYTES).unwrap()
}

fn group(text: &str) -> Group {
    Group { limits: [(media(), limit(text))].into(), ..Group::default() }
}

fn given<T>(what: T) -> Grant<T> {
    Grant { what, until: None, note: None }
}

fn rule(pattern: &str, group: &str) -> Rule {
    Rule { pattern: pattern.parse().unwrap(), group: group.to_owned() }
}

fn policy() -> Policy {
    let groups = [("free", "1MB"), ("patron", "2MB"), ("bridges", "3MB")];
    let store = Layer {
        groups: groups.map(|(name, text)| (name.to_owned(), group(text))).into(),
        default_group: Some("free".to_owned()),
        rules: vec![rule("@bridge_*:*", "bridges")],
        ..Layer::default()
    };
    Policy { store, ..Policy::default() }
}

fn resolved(policy: &Policy, subject: &str, grants: &Grants) -> (String, String) {
    let subject = subject.parse().unwrap();
    let terms = policy.terms(&subject, grants, "2026-06-15".parse().unwrap());
    let (limit, source) = terms.limit(&media());
    (limit.to_string(), source.to_string())
}

#[track_caller]
fn assert_resolves(policy: &Policy, subject: &str, grants: &Grants, limit: &str, source: &str) {
    assert_eq!(resolved(policy, subject, grants), (limit.to_owned(), source.to_owned()));
}

#[test]
fn everyone_is_in_the_default_group() {
    assert_resolves(&policy(), "@alice:x", &Grants::default(), "1000000", "default free");
}

#[test]
fn a_rule_comes_before_the_default_group() {
    assert_resolves(&policy(), "@bridge_a:x", &Grants::default(), "3000000", "rule bridges");
}

#[test]
fn an_assigned_group_comes_before_a_rule() {
    let grants = Grants { group: Some(given("patron".to_owned())), ..Grants::default() };
    assert_resolves(&policy(), "@bridge_a:x", &grants, "2000000", "group patron");
}

#[test]
fn an_override_comes_before_the_group_and_an_exemption_before_both() {
    let mut grants = Grants {
        group: Some(given("patron".to_owned())),
        overrides: [(media(), given(limit("5MB/day")))].into(),
        ..Grants::default()
    };
    assert_resolves(&policy(), "@alice:x", &grants, "5000000/day", "override");
    grants.exempt = Some(given(()));
    assert_resolves(&policy(), "@alice:x", &grants, "unlimited", "exempt");
}

#[test]
fn what_is_given_until_a_date_ends_at_that_date() {
    let until = |day: &str| {
        let grant = Grant { what: limit("5MB"), until: day.parse().ok(), note: None };
        Grants { overrides: [(media(), grant)].into(), ..Grants::default() }
    };
    assert_resolves(&policy(), "@alice:x", &until("2026-06-15"), "1000000", "default free");
    assert_resolves(&policy(), "@alice:x", &until("2026-06-16"), "5000000", "override");
}

#[test]
fn without_any_group_all_is_unlimited() {
    assert_resolves(&Policy::default(), "@alice:x", &Grants::default(), "unlimited", "none");
}

#[test]
fn an_entry_of_the_file_shadows_one_of_the_store() {
    let mut policy = policy();
    policy.file.groups.insert("free".to_owned(), group("9MB"));
    assert_resolves(&policy, "@alice:x", &Grants::default(), "9000000", "default free");
    policy.file.default_group = Some("patron".to_owned());
    assert_resolves(&policy, "@alice:x", &Grants::default(), "2000000", "default patron");
}

#[test]
fn a_group_that_is_declared_nowhere_is_passed_over() {
    let mut policy = policy();
    let gone = Grants { group: Some(given("gone".to_owned())), ..Grants::default() };
    assert_resolves(&policy, "@alice:x", &gone, "1000000", "default free");
    assert_resolves(&policy, "@bridge_a:x", &gone, "3000000", "rule bridges");
    policy.file.rules.push(rule("@bridge_a*", "gone"));
    assert_resolves(&policy, "@bridge_a:x", &gone, "3000000", "rule bridges");
    policy.store.groups.remove("bridges");
    assert_resolves(&policy, "@bridge_a:x", &gone, "1000000", "default free");
    policy.file.default_group = Some("gone".to_owned());
    assert_resolves(&policy, "@bridge_a:x", &gone, "unlimited", "none");
}

#[test]
fn what_is_called_nonsense_is_not_consistent() {
    let mut layer = policy().store;
    layer.consistent().unwrap();
    layer.capabilities.insert("send message".to_owned(), Capability::upload().clone());
    assert!(layer.consistent().unwrap_err().to_string().contains("name of a capability"));
    for spoil in [
        |layer: &mut Layer| _ = layer.groups.insert(String::new(), Group::default()),
        |layer: &mut Layer| layer.default_group = Some("a/b".to_owned()),
        |layer: &mut Layer| layer.rules.push(rule("*", "a b")),
    ] {
        let mut layer = policy().store;
        spoil(&mut layer);
        assert!(layer.consistent().unwrap_err().to_string().contains("name of a group"));
    }
}

#[test]
fn the_upload_capability_is_built_in_and_can_be_redeclared() {
    let mut policy = policy();
    assert_eq!(policy.capability(UPLOAD).unwrap().resources(), [media()]);
    let files = Capability::new(vec!["uploads".parse().unwrap()]).unwrap();
    policy.store.capabilities.insert(UPLOAD.to_owned(), files.clone());
    assert_eq!(policy.capability(UPLOAD).unwrap(), &files);
    assert_eq!(policy.capabilities(), [(UPLOAD, &files)].into());
}

#[test]
fn an_undeclared_name_suggests_the_nearest() {
    let error = policy().resource("media_byte").unwrap_err();
    assert!(error.to_string().contains("did you mean \"media_bytes\""), "{error}");
    let error = policy().capability("upload_medio").unwrap_err();
    assert!(error.to_string().contains("did you mean \"upload_media\""), "{error}");
}

#[test]
fn the_size_of_one_upload_is_overridden_and_lifted_like_a_limit() {
    let mut policy = policy();
    let free = policy.store.groups.get_mut("free").unwrap();
    free.max_upload_bytes = Some(Amount::new(10));
    let size = |grants: &Grants| {
        let subject = "@alice:x".parse().unwrap();
        policy.terms(&subject, grants, "2026-06-15".parse().unwrap()).max_upload().0
    };
    assert_eq!(size(&Grants::default()), Some(Amount::new(10)));
    let larger = Some(given(Some(Amount::new(20))));
    assert_eq!(
        size(&Grants { max_upload_bytes: larger, ..Grants::default() }),
        Some(Amount::new(20))
    );
    assert_eq!(size(&Grants { exempt: Some(given(())), ..Grants::default() }), None);
}

#[test]
fn what_a_shadowed_entry_names_is_not_declared() {
    let mut policy = policy();
    let of = |name: &str| Capability::new(vec![name.parse().unwrap()]).unwrap();
    policy.store.capabilities.insert("send".to_owned(), of("messages"));
    assert_eq!(policy.resource("messages").unwrap().as_str(), "messages");
    policy.file.capabilities.insert("send".to_owned(), of("letters"));
    policy.file.capabilities.insert(UPLOAD.to_owned(), of("files"));
    for name in ["free", "patron", "bridges"] {
        policy.file.groups.insert(name.to_owned(), Group::default());
    }
    let names: Vec<_> = policy.resources().into_iter().map(Resource::as_str).collect();
    assert_eq!(names, ["files", "letters"]);
    assert!(policy.resource("messages").is_err());
    assert!(policy.resource("media_bytes").is_err());
}
