//! Whatever is wrong is told in one form, and what would be right.

use serde_json::json;

use super::{ALICE, get, is_problem, post, seeded};
use crate::support::{Request, bytes};

#[test]
fn paths_and_methods_that_are_none() {
    let sidecar = seeded("1MB/month");
    for target in ["/v1", "/v1/", "/v1/nothing", "/v1/groups/a/b", "/v2/check", "/v1/groups/"] {
        is_problem(&sidecar.api(&Request::get(target)), 404, "not_found");
    }
    for (method, target, allowed) in [
        ("POST", "/v1/check", "GET,HEAD"),
        ("GET", "/v1/use", "POST"),
        ("PATCH", "/v1/groups/free", "GET,HEAD,PUT,DELETE"),
        ("DELETE", "/v1/groups", "GET,HEAD,POST"),
        ("PUT", "/openapi.json", "GET,HEAD"),
        ("BREW", "/healthz", "GET,HEAD"),
    ] {
        let answer = sidecar.api(&Request::new(method, target).body(b""));
        is_problem(&answer, 405, "method_not_allowed");
        let mut told: Vec<_> = answer.header("allow").unwrap().split(',').map(str::trim).collect();
        let mut expected: Vec<_> = allowed.split(',').collect();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected, "{method} {target}");
    }
}

#[test]
fn addresses_that_are_encoded_wrongly() {
    let sidecar = seeded("1MB/month");
    for target in [
        "/v1/check?subject=%",
        "/v1/check?subject=%4",
        "/v1/check?subject=%zz",
        "/v1/groups/%zz",
        "/v1/groups/%ff",
        "/v1/check?subject=%ff",
        "/v1/subjects?cursor=%f0%28",
    ] {
        is_problem(&sidecar.api(&Request::get(target)), 400, "bad_request");
    }
    let twice = format!("/v1/check?subject={ALICE}&subject={ALICE}");
    is_problem(&sidecar.api(&Request::get(&twice)), 400, "bad_request");
    // A name is decoded once: this one has a percent sign in it.
    let told = get(&sidecar, "/v1/subjects/%2540alice");
    assert_eq!(told["subject"], "%40alice");
}

#[test]
fn bodies_that_are_none() {
    let sidecar = seeded("1MB/month");
    for body in [
        &b"{"[..],
        b"\xff",
        b"[]",
        b"5",
        b"null",
        b"{\"subject\":\"@a\",\"subject\":\"@b\"}",
        b"{}{}",
    ] {
        is_problem(&sidecar.api(&Request::post("/v1/use").body(body)), 400, "bad_request");
    }
    let deep = "[".repeat(10_000);
    is_problem(&sidecar.api(&Request::post("/v1/use").body(deep.as_bytes())), 400, "bad_request");
    let large = bytes(65 * 1024);
    for request in [Request::post("/v1/use").body(&large), Request::post("/v1/use").chunks(&large)]
    {
        is_problem(&sidecar.api(&request), 413, "too_large");
    }
    let nearly = Request::post("/v1/use").body(&bytes(64 * 1024));
    is_problem(&sidecar.api(&nearly), 400, "bad_request");
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let sidecar = seeded("1MB/month");
    for (target, body, field) in [
        (
            "/v1/use",
            json!({"subject": ALICE, "resource": "media_bytes", "amount": true}),
            "`amount`",
        ),
        ("/v1/use", json!({"subject": ALICE, "resource": 5, "amount": 1}), "`resource`"),
        ("/v1/use", json!({"subject": ALICE, "resource": "media_bytes"}), "`amount`"),
        ("/v1/groups", json!({"name": "x", "default": "yes"}), "`default`"),
        ("/v1/boosts", json!({"subject": ALICE, "amounts": {"media_bytes": 1}}), "`until`"),
        (
            "/v1/reserve",
            json!({"subject": ALICE, "items": [{"resource": "media_bytes"}]}),
            "`items`",
        ),
    ] {
        let answer = post(&sidecar, target, &body);
        is_problem(&answer, 400, "bad_request");
        assert!(answer.text().contains(field), "{body}: {}", answer.text());
    }
    for (target, field) in [
        ("/v1/subjects?limit=many", "`limit`"),
        ("/v1/export?usage=perhaps", "`usage`"),
        ("/v1/usage?subject=@a&resource=media_bytes&period=fortnight", "`period`"),
        ("/v1/events?after=-1", "`after`"),
    ] {
        let answer = sidecar.api(&Request::get(target));
        is_problem(&answer, 400, "bad_request");
        assert!(answer.text().contains(field), "{target}: {}", answer.text());
    }
}
