//! What a running service takes over from a changed file, and what it keeps.

use rusqlite::Connection;

use crate::support::process::Process;
use crate::support::{Request, eventually};

/// A policy of so much a month for everyone.
fn config(limit: &str, rest: &str) -> String {
    format!(
        "[policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"{limit}\"\n{rest}"
    )
}

/// Returns whether alice may upload 2 MB, and the version of the policy.
fn asked(service: &Process) -> (bool, i64) {
    let check = "/v1/check?subject=@alice:x&capability=upload_media&amount=2MB";
    let answer = service.api(&Request::get(check)).json();
    (answer["allowed"].as_bool().unwrap(), answer["policy_version"].as_i64().unwrap())
}

#[test]
fn a_changed_policy_counts_at_the_next_decision() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), &config("1MB", ""));
    let (allowed, version) = asked(&service);
    assert!(!allowed);
    service.reload(&config("5MB", ""));
    service.says("policy reloaded");
    assert_eq!(asked(&service), (true, version + 1));
    assert_eq!(service.told("restart to apply"), 0);
    service.stop();
}

#[test]
fn a_bad_file_changes_nothing_and_every_mistake_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), &config("1MB", ""));
    let before = asked(&service);
    service.reload(&config("5G", "[limts]\n[log]\nlevel = \"debug\""));
    service.says("reload refused: everything stays as it was");
    for mistake in ["metergate.toml:4", "metergate.toml:5", "limits"] {
        assert!(service.told(mistake) > 0, "{mistake}: {}", service.log());
    }
    assert_eq!(asked(&service), before);
    service.reload(&config("5MB", ""));
    service.says("policy reloaded");
    assert!(asked(&service).0);
    service.stop();
}

#[test]
fn the_level_of_the_log_is_changed_and_what_needs_a_restart_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), &config("1MB", ""));
    let disturb = || {
        let mut client = service.admin();
        client.send("this is no HTTP\r\n\r\n");
        client.wire.wait_gone();
    };
    disturb();
    let limits = "[limits]\nconnections = 5\n[auth]\ncache_ttl = \"7s\"\n[log]\nlevel = ";
    service.reload(&config("1MB", &format!("{limits}\"debug\"")));
    service.says("restart to apply what else was changed");
    service.says("changed=\"[auth]\"");
    assert_eq!(service.told("connection ended early"), 0, "{}", service.log());
    disturb();
    service.says("connection ended early");
    service.reload(&config("1MB", &format!("{limits}\"error\"")));
    eventually("a second reload", || service.told("policy reloaded") == 2);
    service.reload(&config("5MB", &format!("{limits}\"error\"")));
    eventually("the new policy", || asked(&service).0);
    assert_eq!(service.told("policy reloaded"), 2);
    let log = service.stop();
    assert!(!log.contains("stopping"), "{log}");
}

#[test]
fn a_group_that_is_declared_nowhere_is_warned_of() {
    let missing =
        "[policy]\ndefault_group = \"fre\"\n[policy.groups.free]\nmedia_bytes = \"1MB\"\n";
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), missing);
    let told = "a group is needed that is declared nowhere";
    assert_eq!(service.told(told), 1, "{}", service.log());
    assert!(service.told("needed_by=the default group") == 1, "{}", service.log());
    service.reload(&config("1MB", ""));
    service.says("policy reloaded");
    service.reload(missing);
    eventually("another warning", || service.told(told) == 2);
    service.stop();
}

#[test]
fn a_store_that_does_not_answer_in_time_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), &config("1MB", "[storage]\ntimeout = \"1s\""));
    let fact = r#"{"subject":"@alice:x","resource":"media_bytes","amount":5}"#;
    let fact = || {
        let request = Request::post("/v1/use").line("Content-Type: application/json");
        service.api(&request.body(fact.as_bytes())).status
    };
    assert_eq!(fact(), 200);
    let other = Connection::open(service.books()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(fact(), 503);
    service.says("it took longer than storage.timeout, which is 1s");
    other.execute_batch("ROLLBACK").unwrap();
    eventually("the store answers", || fact() == 200);
    service.stop();
}
