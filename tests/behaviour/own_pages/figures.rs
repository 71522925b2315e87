//! `/_metergate/v1/quota`: the own figures, and whether an upload would be let through.

use std::sync::Arc;

use metergate::proxy::Errcode;
use serde_json::{Value, json};

use super::is_readable;
use crate::support::homeserver::WHOAMI;
use crate::support::stores::scripted;
use crate::support::{Homeserver, Request, Sidecar, bytes};

const QUOTA: &str = "/_metergate/v1/quota";

fn own() -> Request {
    Request::get(QUOTA).token("alice")
}

#[test]
fn a_user_is_told_all_figures() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("500kB/month,1MB/never").largest(200_000);
    let sidecar = sidecar.start();
    sidecar.record(350_000);
    let answer = sidecar.ask(&own());
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    is_readable(&answer);
    let mut told = answer.json();
    let resets_at = sidecar.usage("alice").resets_at.unwrap();
    assert!(told.as_object_mut().unwrap().shift_remove("now").unwrap().is_string());
    let bucket = told["resources"][0]["windows"][0]["bucket"].clone();
    let expected = json!({
        "user_id": "@alice:example.org",
        "group": "free",
        "exempt": false,
        "max_upload_bytes": 200_000,
        "largest_now": 150_000,
        "upload": {"allowed": true},
        "resources": [{
            "resource": "media_bytes", "unit": "bytes", "decimals": 0,
            "used": 350_000, "reserved": 0, "limit": 500_000, "remaining": 150_000, "overage": 0,
            "period": "month", "resets_at": resets_at,
            "windows": [
                {
                    "period": "month", "bucket": bucket, "per": "subject", "mode": "hard",
                    "limit": 500_000, "used": 350_000, "reserved": 0, "remaining": 150_000,
                    "resets_at": resets_at, "over": false, "would_deny": false, "when": "this month",
                },
                {
                    "period": "never", "bucket": told["resources"][0]["windows"][1]["bucket"],
                    "per": "subject", "mode": "hard",
                    "limit": 1_000_000, "used": 350_000, "reserved": 0, "remaining": 650_000,
                    "resets_at": null, "over": false, "would_deny": false, "when": "in all",
                },
            ],
        }],
    });
    assert_eq!(told, expected);
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn what_is_being_uploaded_is_told() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("500kB/month").start();
    let mut other = sidecar.client();
    other.send(Request::upload().length(300_000).head());
    crate::support::eventually("room is held", || sidecar.reserved() == 300_000);
    let told = sidecar.ask(&own()).json();
    let resource = &told["resources"][0];
    assert_eq!((&resource["used"], &resource["reserved"]), (&json!(0), &json!(300_000)));
    assert_eq!((&resource["remaining"], &told["largest_now"]), (&json!(200_000), &json!(200_000)));
}

#[test]
fn why_an_upload_would_be_refused_is_told_in_the_words_of_its_refusal() {
    let homeserver = Homeserver::start();
    for (errcode, size) in [
        (Errcode::LimitExceeded, 200_000),
        (Errcode::UserLimitExceeded, 200_000),
        (Errcode::Forbidden, 200_000),
        // Past the size of one file.
        (Errcode::LimitExceeded, 450_000),
    ] {
        let sidecar = Sidecar::before(&homeserver).limit("500kB/month").largest(400_000);
        let sidecar = sidecar.proxy(|proxy| {
            proxy.refusal.errcode = errcode;
            proxy.refusal.info_uri = Some("https://example.org/_metergate/quota".to_owned());
        });
        let sidecar = sidecar.start();
        sidecar.record(350_000);
        let refusal = sidecar.ask(&Request::upload().body(&bytes(size))).json();
        let asked = Request::get(&format!("{QUOTA}?size={size}")).token("alice");
        let mut told = sidecar.ask(&asked).json()["upload"].clone();
        assert_eq!(told.as_object_mut().unwrap().shift_remove("allowed"), Some(json!(false)));
        assert_eq!(told, refusal);
        let smaller = Request::get(&format!("{QUOTA}?size=100kB")).token("alice");
        assert_eq!(sidecar.ask(&smaller).json()["upload"], json!({"allowed": true}));
    }
}

#[test]
fn whoever_has_nothing_left_is_told_so_without_a_size() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("500kB/never").start();
    sidecar.record(500_000);
    let told = sidecar.ask(&own()).json();
    assert_eq!((&told["upload"]["allowed"], &told["largest_now"]), (&json!(false), &json!(0)));
    let text = "Upload limit reached: 500 kB of 500 kB used in all. Text messages still work.";
    assert_eq!(told["upload"]["error"], json!(text));
}

#[test]
fn a_number_of_files_that_is_spent_refuses_too() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").files("1/never").start();
    assert_eq!(sidecar.upload(10), 200);
    let told = sidecar.ask(&own()).json();
    assert_eq!(told["upload"]["org.metergate.quota"]["resource"], json!("uploads"));
    let names: Vec<&Value> =
        told["resources"].as_array().unwrap().iter().map(|it| &it["resource"]).collect();
    assert_eq!(names, ["media_bytes", "uploads"]);
}

#[test]
fn without_a_limit_the_figures_say_so() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    assert_eq!(sidecar.upload(10), 200);
    let told = sidecar.ask(&own()).json();
    for key in ["max_upload_bytes", "largest_now"] {
        assert_eq!(told[key], Value::Null);
    }
    assert_eq!(told["upload"], json!({"allowed": true}));
    let resource = &told["resources"][0];
    assert_eq!((&resource["used"], &resource["limit"]), (&json!(10), &Value::Null));
}

#[test]
fn a_soft_limit_has_room_up_to_its_ceiling() {
    let homeserver = Homeserver::start();
    let limit = "500kB/month soft ceiling 700kB,2MB/day observe";
    let sidecar = Sidecar::before(&homeserver).limit(limit).start();
    sidecar.record(600_000);
    let told = sidecar.ask(&own()).json();
    assert_eq!(told["upload"], json!({"allowed": true}));
    assert_eq!(told["largest_now"], json!(100_000));
    assert_eq!(told["resources"][0]["overage"], json!(100_000));
    let trailing = Sidecar::before(&homeserver).limit("500kB/month trailing").start();
    assert_eq!(trailing.ask(&own()).json()["largest_now"], Value::Null);
}

#[test]
fn somebody_unknown_is_told_what_the_homeserver_says_byte_for_byte() {
    let homeserver = Homeserver::start();
    let words = "{ \"errcode\" : \"M_UNKNOWN_TOKEN\",\n \"soft_logout\":true }";
    let locked = r#"{"errcode":"M_USER_LOCKED","x":1}"#;
    let missing = r#"{"errcode":"M_MISSING_TOKEN","error":"Missing access token"}"#;
    homeserver.on(WHOAMI, move |exchange| {
        let shown = exchange.head.header("authorization").map(ToOwned::to_owned);
        match shown.as_deref() {
            Some("Bearer bad") => exchange.answer(401, words),
            Some(_) => exchange.answer(403, locked),
            None => exchange.answer(401, missing),
        }
    });
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
    for (request, status, body) in [
        (Request::get(QUOTA).token("bad"), 401, words),
        (Request::get(QUOTA).token("locked"), 403, locked),
        (Request::get(QUOTA), 401, missing),
        // A header that is not Bearer is no token, whatever the query says.
        (
            Request::get(&format!("{QUOTA}?access_token=a")).line("Authorization: Basic YQ=="),
            401,
            missing,
        ),
    ] {
        let answer = sidecar.ask(&request);
        assert_eq!((answer.status, answer.text().as_str()), (status, body));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        is_readable(&answer);
    }
}

#[test]
fn a_token_counts_as_it_does_for_an_upload() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
    assert_eq!(sidecar.upload(10), 200);
    assert_eq!(sidecar.ask(&own()).json()["resources"][0]["used"], json!(10));
    assert_eq!(homeserver.seen(WHOAMI).len(), 1, "it was asked for the upload, and no more");
    let by_query = Request::get(&format!("{QUOTA}?access_token=bob"));
    assert_eq!(sidecar.ask(&by_query).json()["user_id"], json!("@bob:example.org"));
    let ghost = Request::get(&format!("{QUOTA}?user_id=@ghost:example.org")).token("bridge");
    assert_eq!(sidecar.ask(&ghost).json()["user_id"], json!("@ghost:example.org"));
    let two = Request::get(&format!("{QUOTA}?access_token=bob")).token("alice");
    sidecar.ask(&two).is_refusal(401, "M_UNAUTHORIZED");
    // Signed out, everybody is asked for again.
    let logout = Request::post("/_matrix/client/v3/logout").token("alice").body(b"{}");
    assert_eq!(sidecar.ask(&logout).status, 200);
    let asked = homeserver.seen(WHOAMI).len();
    assert_eq!(sidecar.ask(&own()).status, 200);
    assert_eq!(homeserver.seen(WHOAMI).len(), asked + 1);
}

#[test]
fn what_is_out_is_never_said_to_be_the_users_fault() {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
    assert_eq!(sidecar.ask(&own()).status, 200);
    store.guard().be_out(true);
    let answer = sidecar.ask(&own());
    answer.is_refusal(503, "M_UNKNOWN");
    assert!(answer.header("retry-after").is_some());
    homeserver.on(WHOAMI, |exchange| exchange.answer(500, "{}"));
    let answer = sidecar.ask(&Request::get(QUOTA).token("bob"));
    answer.is_refusal(502, "M_UNKNOWN");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_size_that_makes_no_sense_is_refused() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for size in ["", "-1", "5G", "x", "1e3"] {
        let answer = sidecar.ask(&Request::get(&format!("{QUOTA}?size={size}")).token("alice"));
        answer.is_refusal(400, "M_INVALID_PARAM");
        assert!(answer.json()["error"].as_str().unwrap().starts_with("size: "));
    }
}

#[test]
fn other_methods_are_told_which_there_are() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = sidecar.ask(&Request::new(method, QUOTA).token("alice").body(&bytes(100_000)));
        answer.is_refusal(405, "M_UNRECOGNIZED");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
    let whole = sidecar.ask(&own());
    let head = sidecar.ask(&Request::new("HEAD", QUOTA).token("alice"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-type"), whole.header("content-type"));
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_browser_may_ask_from_anywhere() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let asked = Request::new("OPTIONS", QUOTA)
        .line("Origin: https://app.example.com")
        .line("Access-Control-Request-Method: GET")
        .line("Access-Control-Request-Headers: authorization");
    let answer = sidecar.ask(&asked);
    assert_eq!(answer.status, 204);
    is_readable(&answer);
    assert!(homeserver.seen("").is_empty(), "nobody is asked who that is");
}
