//! MSC4034: what was uploaded, and how much may be.

use serde_json::json;

use super::is_readable;
use crate::support::homeserver::WHOAMI;
use crate::support::{Homeserver, Request, Sidecar};

const USAGE: &str = "/_matrix/media/unstable/org.matrix.msc4034/usage";
const CONFIG: &str = "/_matrix/client/v1/media/config";

fn usage(sidecar: &Sidecar) -> serde_json::Value {
    let answer = sidecar.ask(&Request::get(USAGE).token("alice"));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    is_readable(&answer);
    answer.json()
}

#[test]
fn usage_is_of_the_window_whose_size_is_told() {
    let homeserver = Homeserver::start();
    homeserver.on(CONFIG, |exchange| exchange.answer(200, r#"{"m.upload.size":50000000}"#));
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never,9MB/day").files("7/never,9/day");
    let sidecar = sidecar.start();
    for _ in 0..3 {
        assert_eq!(sidecar.upload(1000), 200);
    }
    let told = sidecar.ask(&Request::get(CONFIG).token("alice")).json();
    let expected = json!({
        "m.upload.size": 1_000_000,
        "org.matrix.msc4034.storage.size": 1_000_000,
        "org.matrix.msc4034.storage.max_files": 7,
    });
    assert_eq!(told, expected);
    let expected =
        json!({"org.matrix.msc4034.storage.used": 3000, "org.matrix.msc4034.storage.files": 3});
    assert_eq!(usage(&sidecar), expected);
    assert!(homeserver.seen(USAGE).is_empty());
}

#[test]
fn without_a_limit_usage_is_of_all_time_and_files_are_told_where_they_are_counted() {
    let homeserver = Homeserver::start();
    homeserver.on(CONFIG, |exchange| exchange.answer(200, r#"{"m.upload.size":50000000}"#));
    let sidecar = Sidecar::before(&homeserver).start();
    assert_eq!(sidecar.upload(1000), 200);
    assert_eq!(usage(&sidecar), json!({"org.matrix.msc4034.storage.used": 1000}));
    let told = sidecar.ask(&Request::get(CONFIG).token("alice")).json();
    assert_eq!(told, json!({"m.upload.size": 50_000_000}));
    let counted = Sidecar::before(&homeserver).files("unlimited").start();
    assert_eq!(counted.upload(1000), 200);
    let expected =
        json!({"org.matrix.msc4034.storage.used": 1000, "org.matrix.msc4034.storage.files": 1});
    assert_eq!(usage(&counted), expected);
}

#[test]
fn somebody_unknown_is_told_what_the_homeserver_says() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for (request, errcode) in [
        (Request::get(USAGE).token("bad"), "M_UNKNOWN_TOKEN"),
        (Request::get(USAGE), "M_MISSING_TOKEN"),
    ] {
        sidecar.ask(&request).is_refusal(401, errcode);
    }
    homeserver.on(WHOAMI, |exchange| exchange.answer(500, "{}"));
    sidecar.ask(&Request::get(USAGE).token("bob")).is_refusal(502, "M_UNKNOWN");
}
