//! The process itself: how it is, what it stands on, whom it tells, and what it reads again.

use std::fs;

use serde_json::json;

use super::{get, is_problem};
use crate::support::process::{CONFIG, Process};
use crate::support::{Homeserver, Request, Sidecar};

fn policy(limit: &str) -> String {
    format!("[policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"{limit}\"\n")
}

#[test]
fn it_says_how_it_is_and_what_it_stands_on() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
    let status = get(&sidecar, "/v1/status");
    assert_eq!(
        (&status["version"], &status["upstream"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!("ok"))
    );
    assert_eq!(
        (&status["store"]["status"], &status["reservations_open"]),
        (&json!("ok"), &json!(0))
    );
    assert!(status["since"].is_string() && status["policy_version"].is_number(), "{status}");
    let doctor = get(&sidecar, "/v1/doctor");
    assert_eq!(doctor["healthy"], true);
    assert!(doctor["findings"].as_array().unwrap().len() > 2, "{doctor}");
    assert_eq!(get(&sidecar, "/v1/deliveries")["items"], json!([]));
}

#[test]
fn who_is_told_is_named_by_host_alone() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let notify = "[[notify]]\nurl = \"http://127.0.0.1:1/hush?key=s3cret\"\nsecret = \"whsec_aHVudGVyMi1odW50ZXIyLWh1bnRlcjI=\"\n";
    let service = Process::configured(folder.path(), &format!("{}{notify}", policy("1kB")));
    let used = json!({"subject": "@a", "resource": "media_bytes", "amount": 900});
    let used = Request::post("/v1/use").body(used.to_string().as_bytes());
    assert_eq!(service.api(&used).status, 200);
    let told = service.api(&Request::get("/v1/deliveries"));
    let first = &told.json()["items"][0];
    assert_eq!((&first["number"], &first["host"]), (&json!(1), &json!("127.0.0.1:1")));
    assert_eq!(first["waiting"], 1);
    assert!(first["oldest"].is_string() && !told.text().contains("hush"), "{}", told.text());
}

#[test]
fn a_reload_waits_for_its_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), &policy("1MB"));
    let config = folder.path().join(CONFIG);
    let limit = || {
        service.api(&Request::get("/v1/usage?subject=@a&resource=media_bytes")).json()["limit"]
            .clone()
    };
    let reload = || service.api(&Request::post("/v1/reload").body(b""));
    let before = fs::read_to_string(&config).unwrap();
    fs::write(&config, before.replace("1MB", "3MB")).unwrap();
    let told = reload();
    assert_eq!((told.status, &told.json()["warnings"]), (200, &json!([])), "{}", told.text());
    assert_eq!(limit(), 3_000_000);
    // A wrong file is refused with all that is wrong in it.
    fs::write(&config, before.replace("1MB", "5G") + "colour = \"red\"\n").unwrap();
    let told = reload();
    is_problem(&told, 400, "bad_request");
    let message = told.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("5G") && message.contains("colour"), "{message}");
    assert_eq!(limit(), 3_000_000);
    is_problem(&service.api(&Request::post("/v1/reload").body(b"{\"now\":1}")), 400, "bad_request");
}
