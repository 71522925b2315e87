//! Asking and recording; and who may.

use serde_json::{Value, json};

use super::{get, is_problem};
use crate::support::{Answer, Homeserver, Request, Sidecar, bytes};

const ALICE: &str = "subject=@alice:example.org";

fn post(sidecar: &Sidecar, body: &Value) -> Answer {
    super::post(sidecar, "/v1/use", body)
}

#[test]
fn it_says_that_it_is_alive_and_ready() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    assert_eq!(get(&sidecar, "/healthz")["status"], "alive");
    let ready = get(&sidecar, "/readyz");
    assert_eq!((&ready["store"], &ready["upstream"]), (&json!("ok"), &json!("ok")));
    homeserver.stop_listening();
    let answer = sidecar.api(&Request::get("/readyz"));
    assert_eq!((answer.status, &answer.json()["upstream"]), (503, &json!("out")));
    assert_eq!(get(&sidecar, "/healthz")["status"], "alive");
    let alone = Sidecar::alone().start();
    assert_eq!(get(&alone, "/readyz")["upstream"], json!(null));
}

#[test]
fn a_check_tells_yes_or_no_with_all_figures() {
    let sidecar = Sidecar::alone().limit("1MB/month").start();
    sidecar.record(400_000);
    let yes = get(&sidecar, &format!("/v1/check?{ALICE}&capability=upload_media&amount=600kB"));
    assert_eq!((&yes["allowed"], &yes["subject"]), (&json!(true), &json!("@alice:example.org")));
    assert_eq!(
        (&yes["capability"], &yes["reason"]),
        (&json!("upload_media"), &json!("within_limits"))
    );
    assert_eq!((&yes["source"], &yes["retry_after"]), (&json!("default free"), &json!(null)));
    let no = get(&sidecar, &format!("/v1/check?{ALICE}&capability=upload_media&amount=600001"));
    assert_eq!((&no["allowed"], &no["reason"]), (&json!(false), &json!("over_limit")));
    assert!(no["retry_after"].as_i64().unwrap() > 0);
    assert!(no["policy_version"].is_number());
    let item = &no["items"][0];
    assert_eq!((&item["resource"], &item["amount"]), (&json!("media_bytes"), &json!(600_001)));
    let window = &item["windows"][0];
    for (key, value) in [
        ("period", json!("month")),
        ("per", json!("subject")),
        ("mode", json!("hard")),
        ("limit", json!(1_000_000)),
        ("used", json!(400_000)),
        ("reserved", json!(0)),
        ("remaining", json!(600_000)),
        ("over", json!(false)),
        ("would_deny", json!(true)),
    ] {
        assert_eq!(window[key], value, "{key}");
    }
    assert!(window["resets_at"].is_string() && window["bucket"].is_string());
    assert_eq!(no["binding"]["period"], "month");
    // Asking changes nothing; without an amount it is about 1.
    let one = get(&sidecar, &format!("/v1/check?{ALICE}&capability=upload_media"));
    assert_eq!((&one["allowed"], &one["items"][0]["amount"]), (&json!(true), &json!(1)));
    assert_eq!(sidecar.used(), 400_000);
}

#[test]
fn a_check_may_be_about_a_resource_and_bring_its_limit() {
    let sidecar = Sidecar::alone().limit("1MB/month").start();
    sidecar.record(400_000);
    let ask = |rest: &str| get(&sidecar, &format!("/v1/check?{ALICE}&{rest}"));
    let yes = ask("resource=media_bytes&amount=600kB");
    assert_eq!((&yes["allowed"], &yes["resource"]), (&json!(true), &json!("media_bytes")));
    assert_eq!(yes.get("capability"), None);
    let no = ask("resource=media_bytes&amount=600kB&limit=900kB/day");
    assert_eq!((&no["allowed"], &no["source"]), (&json!(false), &json!("call")));
    assert_eq!(no["binding"]["limit"], 900_000);
    assert_eq!(ask("capability=upload_media&amount=9MB&limit=unlimited")["allowed"], true);
    let why = get(&sidecar, &format!("/v1/explain?{ALICE}&capability=upload_media&amount=700kB"));
    assert_eq!(why["decision"]["allowed"], false);
    assert_eq!(why["remedy"]["boosts"], json!({ "media_bytes": 100_000 }));
    for wrong in [
        "capability=upload_media&resource=media_bytes",
        "resource=media_bytes&limit=5MB/fortnight",
        "resource=media_bytes&limit=5MB+per+server",
        "resource=media_bytes&member=x",
        "resource=nothing",
    ] {
        let target = format!("/v1/check?{ALICE}&{wrong}");
        is_problem(&sidecar.api(&Request::get(&target)), 400, "bad_request");
    }
}

#[test]
fn a_check_that_makes_no_sense_says_what_would() {
    let sidecar = Sidecar::alone().limit("1MB/month").start();
    for (target, status, code) in [
        ("/v1/check".to_owned(), 400, "bad_request"),
        (format!("/v1/check?{ALICE}"), 400, "bad_request"),
        ("/v1/check?capability=upload_media".to_owned(), 400, "bad_request"),
        (format!("/v1/check?{ALICE}&capability=upload_media&amount=5G"), 400, "bad_request"),
        (format!("/v1/check?{ALICE}&capability=upload_media&amount=x"), 400, "bad_request"),
        (format!("/v1/check?{ALICE}&capability=upload_media&amount=9999999EB"), 400, "bad_request"),
        (format!("/v1/check?{ALICE}&capability=upload_media&colour=red"), 400, "bad_request"),
        ("/v1/check?subject=a%20b&capability=upload_media".to_owned(), 400, "bad_request"),
        ("/v1/nothing".to_owned(), 404, "not_found"),
        ("/".to_owned() + "x", 404, "not_found"),
    ] {
        is_problem(&sidecar.api(&Request::get(&target)), status, code);
    }
    let unknown = format!("/v1/check?{ALICE}&capability=upload_medai");
    let answer = sidecar.api(&Request::get(&unknown));
    assert!([400, 404].contains(&answer.status));
    assert!(answer.text().contains("upload_media"), "{}", answer.text());
    is_problem(&sidecar.api(&Request::post("/v1/check").body(b"")), 405, "method_not_allowed");
    is_problem(&sidecar.api(&Request::get("/v1/use")), 405, "method_not_allowed");
}

#[test]
fn what_is_told_to_be_used_is_used() {
    let sidecar = Sidecar::alone().limit("1MB/month").start();
    let told =
        json!({"subject": "@alice:example.org", "resource": "media_bytes", "amount": "300kB"});
    assert_eq!(
        post(&sidecar, &told).json(),
        json!({
            "subject": "@alice:example.org", "resource": "media_bytes", "used": 300_000,
            "unit": "bytes", "over": false, "replayed": false,
        })
    );
    // What is left is told to whoever asks for it.
    let nothing = json!({"subject": "@alice:example.org", "resource": "media_bytes", "amount": 0});
    let request = Request::post("/v1/use?window=true").body(nothing.to_string().as_bytes());
    let window = sidecar.api(&request).json()["window"].clone();
    assert_eq!((&window["used"], &window["remaining"]), (&json!(300_000), &json!(700_000)));
    let mut keyed = told.clone();
    (keyed["amount"], keyed["key"]) = (json!(700_000), json!("k1"));
    let first = post(&sidecar, &keyed).json();
    assert_eq!((&first["used"], &first["over"]), (&json!(1_000_000), &json!(true)));
    let again = post(&sidecar, &keyed).json();
    assert_eq!((&again["used"], &again["replayed"]), (&json!(1_000_000), &json!(true)));
    keyed["amount"] = json!(1);
    is_problem(&post(&sidecar, &keyed), 409, "conflict");
    // Facts are facts, whatever the limit.
    assert_eq!(post(&sidecar, &told).json()["used"], json!(1_300_000));
    let mut back = told;
    back["amount"] = json!(-9_000_000);
    assert_eq!(post(&sidecar, &back).json()["used"], json!(0));
}

#[test]
fn a_use_that_makes_no_sense_changes_nothing() {
    let sidecar = Sidecar::alone().limit("1MB/month").start();
    let good = json!({"subject": "@a:b", "resource": "media_bytes", "amount": 1});
    let with = |key: &str, value: Value| {
        let mut told = good.clone();
        told[key] = value;
        told
    };
    for told in [
        json!({}),
        json!([]),
        json!("x"),
        json!({"subject": "@a:b", "resource": "media_bytes"}),
        with("subject", json!("")),
        with("subject", json!(7)),
        with("subject", json!("a".repeat(256))),
        with("resource", json!("media_byte")),
        with("amount", json!("5M")),
        with("amount", json!(1.5)),
        with("amount", json!(null)),
        with("amount", json!(9_223_372_036_854_775_808_u64)),
        with("at", json!("yesterday")),
        with("at", json!("2020-01-01T00:00:00Z")),
        with("at", json!("2099-01-01T00:00:00Z")),
        with("key", json!("")),
        with("colour", json!("red")),
    ] {
        is_problem(&post(&sidecar, &told), 400, "bad_request");
    }
    let suggestion = post(&sidecar, &with("resource", json!("media_byte")));
    assert!(suggestion.text().contains("media_bytes"), "{}", suggestion.text());
    for body in [&b""[..], b"{", b"\xff", b"subject=@a:b"] {
        let request = Request::post("/v1/use").line("Content-Type: application/json");
        is_problem(&sidecar.api(&request.body(body)), 400, "bad_request");
    }
    assert_eq!(sidecar.usage("alice").used.get(), 0);
}

#[test]
fn usage_is_told_per_window_period_and_range() {
    let sidecar = Sidecar::alone().limit("1MB/month,600kB/never").start();
    sidecar.record(500_000);
    let usage = get(&sidecar, &format!("/v1/usage?{ALICE}&resource=media_bytes"));
    for (key, value) in [
        ("subject", json!("@alice:example.org")),
        ("resource", json!("media_bytes")),
        ("used", json!(500_000)),
        ("reserved", json!(0)),
        ("limit", json!(600_000)),
        ("remaining", json!(100_000)),
        ("overage", json!(0)),
        ("period", json!("never")),
        ("resets_at", json!(null)),
    ] {
        assert_eq!(usage[key], value, "{key}");
    }
    assert_eq!(usage["windows"].as_array().unwrap().len(), 2);
    let month = get(&sidecar, &format!("/v1/usage?{ALICE}&resource=media_bytes&period=month"));
    assert_eq!((&month["limit"], &month["used"]), (&json!(1_000_000), &json!(500_000)));
    let range = "start=2020-01-01T00:00:00Z&end=2099-01-01T00:00:00Z";
    let range = get(&sidecar, &format!("/v1/usage?{ALICE}&resource=media_bytes&{range}"));
    assert_eq!((&range["used"], &range["limit"]), (&json!(500_000), &json!(null)));
    let nobody = get(&sidecar, "/v1/usage?subject=@nobody:x&resource=media_bytes");
    assert_eq!(nobody["used"], json!(0));
    for rest in [
        "resource=media_byte",
        "resource=",
        "",
        "resource=media_bytes&period=fortnight",
        "resource=media_bytes&start=2026-01-01T00:00:00Z",
        "resource=media_bytes&period=day&start=2026-01-01T00:00:00Z&end=2026-02-01T00:00:00Z",
        "resource=media_bytes&end=2020-01-01T00:00:00Z&start=2026-01-01T00:00:00Z",
    ] {
        let answer = sidecar.api(&Request::get(&format!("/v1/usage?{ALICE}&{rest}")));
        is_problem(&answer, 400, "bad_request");
    }
}

#[test]
fn an_upload_shows_in_the_api_at_once_and_the_other_way_round() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
    assert_eq!(sidecar.upload(300_000), 200);
    let usage = get(&sidecar, &format!("/v1/usage?{ALICE}&resource=media_bytes"));
    assert_eq!(usage["used"], json!(300_000));
    let told =
        json!({"subject": "@alice:example.org", "resource": "media_bytes", "amount": 600_000});
    assert_eq!(post(&sidecar, &told).status, 200);
    let refused = sidecar.ask(&Request::upload().body(&bytes(100_001)));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(sidecar.upload(100_000), 200);
}

#[test]
fn who_does_not_show_the_token_is_told_nothing() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).admin_token("s3cret").start();
    let target = format!("/v1/usage?{ALICE}&resource=media_bytes");
    let odd: [&[&str]; 8] = [
        &[],
        &["Authorization: Bearer"],
        &["Authorization: Bearer wrong"],
        &["Authorization: Bearer s3cret2"],
        &["Authorization: Bearer s3cre"],
        &["Authorization: Basic s3cret"],
        &["Authorization: s3cret"],
        &["Authorization: Bearer s3cret", "Authorization: Bearer s3cret"],
    ];
    for lines in odd {
        for request in [
            Request::get(&target),
            Request::get("/v1/check"),
            Request::post("/v1/use").body(b"{}"),
            Request::get(&format!("{target}&access_token=s3cret")),
        ] {
            let answer = sidecar.api(&lines.iter().fold(request, |it, line| it.line(line)));
            is_problem(&answer, 401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    for scheme in ["Bearer", "bearer"] {
        let request = Request::get(&target).line(&format!("Authorization: {scheme} s3cret"));
        assert_eq!(sidecar.api(&request).status, 200);
    }
    // Whoever watches needs none.
    for target in ["/healthz", "/readyz"] {
        assert_eq!(sidecar.api(&Request::get(target)).status, 200);
    }
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let sidecar = Sidecar::alone().start();
    let answer = sidecar.api(&Request::post("/v1/use").body(&bytes(100_000)));
    is_problem(&answer, 413, "too_large");
    // Books are larger.
    let answer = sidecar.api(&Request::post("/v1/import?dry_run=true").body(&bytes(100_000)));
    is_problem(&answer, 400, "bad_request");
}

#[test]
fn a_page_in_a_browser_cannot_call_what_is_open() {
    let sidecar = Sidecar::alone().start();
    let request = Request::get("/v1/usage?subject=@a&resource=media_bytes");
    let request = request.line("Origin: https://evil.example");
    assert_eq!(sidecar.api(&request).status, 401);
}
