//! Reservations: by id, for a time, under keys.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ALICE, done, get, is_problem, pages, post, put, seeded};
use crate::support::{Request, Sidecar, eventually};

fn upload(amount: &str) -> Value {
    json!({"subject": ALICE, "capability": "upload_media", "amount": amount})
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

fn reserve(sidecar: &Sidecar, body: &Value) -> Value {
    done(&post(sidecar, "/v1/reserve", body), 200)
}

fn usage(sidecar: &Sidecar) -> (i64, i64) {
    let told = get(sidecar, &format!("/v1/usage?subject={ALICE}&resource=media_bytes"));
    (told["used"].as_i64().unwrap(), told["reserved"].as_i64().unwrap())
}

fn of(held: &Value, verb: &str) -> String {
    format!("/v1/reservations/{}{verb}", held["id"].as_str().unwrap())
}

#[test]
fn room_is_held_until_it_is_settled() {
    let sidecar = seeded("10MB/month");
    let held = reserve(&sidecar, &upload("4MB"));
    assert_eq!((&held["allowed"], &held["replayed"]), (&json!(true), &json!(false)));
    assert_eq!(usage(&sidecar), (0, 4_000_000));
    let more = done(&post(&sidecar, &of(&held, "/grow"), &json!({"amount": "5MB"})), 200);
    assert_eq!(more["allowed"], true);
    let no = done(&post(&sidecar, &of(&held, "/grow"), &json!({"amount": 1_000_001})), 200);
    assert_eq!((&no["allowed"], &no["reason"]), (&json!(false), &json!("over_limit")));
    assert_eq!(usage(&sidecar), (0, 9_000_000));
    let refused = reserve(&sidecar, &upload("2MB"));
    assert_eq!((&refused["allowed"], &refused["id"]), (&json!(false), &json!(null)));
    let settle = of(&held, "/settle");
    for _ in 0..2 {
        let settled = done(&post(&sidecar, &settle, &json!({"amount": "12MB"})), 200);
        assert_eq!(settled["state"], "settled");
        assert_eq!(settled["items"], json!([{"resource": "media_bytes", "amount": 12_000_000}]));
        assert_eq!(usage(&sidecar), (12_000_000, 0));
    }
    is_problem(&post(&sidecar, &settle, &json!({"amount": 1})), 409, "conflict");
    is_problem(&post(&sidecar, &of(&held, "/release"), &json!({})), 409, "conflict");
    is_problem(&post(&sidecar, &of(&held, "/grow"), &json!({"amount": 1})), 409, "lapsed");
    for _ in 0..2 {
        // An empty body is fine.
        let answer = sidecar.api(&Request::post(&of(&held, "/refund")).body(b""));
        assert_eq!(done(&answer, 200)["state"], "refunded");
        assert_eq!(usage(&sidecar), (0, 0));
    }
}

#[test]
fn room_is_given_back() {
    let sidecar = seeded("10MB/month");
    let held = reserve(&sidecar, &upload("4MB"));
    for _ in 0..2 {
        let released = done(&post(&sidecar, &of(&held, "/release"), &json!({})), 200);
        assert_eq!(released["state"], "released");
        assert_eq!(usage(&sidecar), (0, 0));
    }
    is_problem(&post(&sidecar, &of(&held, "/settle"), &json!({"amount": 1})), 409, "conflict");
    is_problem(&post(&sidecar, &of(&held, "/refund"), &json!({})), 409, "conflict");
    is_problem(&post(&sidecar, &of(&held, "/extend"), &json!({})), 409, "lapsed");
}

#[test]
fn a_reservation_lives_by_its_time_alone() {
    let sidecar = seeded("10MB/month");
    let brief = reserve(&sidecar, &with(upload("1MB"), "ttl", json!("700ms")));
    let usual = reserve(&sidecar, &upload("2MB"));
    let told = get(&sidecar, &of(&usual, ""));
    let moment = |name: &str| told[name].as_str().unwrap().parse::<metergate::Timestamp>().unwrap();
    assert_eq!(moment("at").until(moment("until")), Duration::from_mins(10));
    let longer = done(&post(&sidecar, &of(&brief, "/extend"), &json!({"ttl": 1})), 200);
    assert_eq!(longer["state"], "open");
    eventually("the time is over", || usage(&sidecar) == (0, 2_000_000));
    assert_eq!(get(&sidecar, &of(&brief, ""))["state"], "lapsed");
    is_problem(&post(&sidecar, &of(&brief, "/grow"), &json!({"amount": 1})), 409, "lapsed");
    is_problem(&post(&sidecar, &of(&brief, "/extend"), &json!({"ttl": "60s"})), 409, "lapsed");
    // What happened all the same is charged all the same.
    let late = done(&post(&sidecar, &of(&brief, "/settle"), &json!({"amount": 7})), 200);
    assert_eq!(late["state"], "settled");
    assert_eq!(usage(&sidecar), (7, 2_000_000));
}

#[test]
fn several_resources_are_one_decision() {
    let sidecar = seeded("10MB/month");
    let limits = json!({"limits": {"uploads": "1/month"}, "name": "free"});
    done(&post(&sidecar, "/v1/groups", &limits), 200);
    let both = |uploads: i64| {
        json!({"subject": ALICE, "items": [
            {"resource": "media_bytes", "amount": "1MB"}, {"resource": "uploads", "amount": uploads}
        ]})
    };
    let no = done(&post(&sidecar, "/v1/consume", &both(2)), 200);
    assert_eq!((&no["allowed"], &no["id"]), (&json!(false), &json!(null)));
    assert_eq!(usage(&sidecar), (0, 0));
    let yes = done(&post(&sidecar, "/v1/consume", &both(1)), 200);
    assert_eq!((&yes["allowed"], yes["items"].as_array().unwrap().len()), (&json!(true), 2));
    assert_eq!(usage(&sidecar), (1_000_000, 0));
    assert_eq!(done(&post(&sidecar, &of(&yes, "/refund"), &json!({})), 200)["state"], "refunded");
    assert_eq!(usage(&sidecar), (0, 0));
    let limited = with(upload("3MB"), "limit", json!("2MB/day"));
    assert_eq!(reserve(&sidecar, &limited)["source"], "call");
}

#[test]
fn under_a_key_it_happens_once() {
    let sidecar = seeded("10MB/month");
    for verb in ["/v1/reserve", "/v1/consume"] {
        let asked = with(upload("4MB"), "key", json!("file-17"));
        let first = done(&post(&sidecar, verb, &asked), 200);
        let again = done(&post(&sidecar, verb, &asked), 200);
        assert_eq!((&first["replayed"], &again["replayed"]), (&json!(false), &json!(true)));
        assert_eq!((&again["allowed"], &again["id"]), (&json!(true), &first["id"]));
        let other = with(asked.clone(), "amount", json!("5MB"));
        is_problem(&post(&sidecar, verb, &other), 409, "conflict");
        // A key belongs to one subject.
        let bob = with(upload("1MB"), "subject", json!("@bob:example.org"));
        let bob = done(&post(&sidecar, verb, &with(bob, "key", json!("file-17"))), 200);
        assert_eq!(bob["replayed"], false);
    }
    assert_eq!(usage(&sidecar), (4_000_000, 4_000_000));
    let empty = with(upload("1MB"), "key", json!(""));
    is_problem(&post(&sidecar, "/v1/reserve", &empty), 400, "bad_request");
}

#[test]
fn one_upload_does_not_grow_past_its_size() {
    let sidecar = seeded("10MB/month");
    let size = json!({"name": "free", "limits": {"max_upload_bytes": "3MB"}});
    done(&post(&sidecar, "/v1/groups", &size), 200);
    assert_eq!(reserve(&sidecar, &upload("4MB"))["reason"], "too_large");
    let held = reserve(&sidecar, &upload("2MB"));
    let no = done(&post(&sidecar, &of(&held, "/grow"), &json!({"amount": "2MB"})), 200);
    assert_eq!((&no["allowed"], &no["reason"]), (&json!(false), &json!("too_large")));
    let yes = done(&post(&sidecar, &of(&held, "/grow"), &json!({"amount": "1MB"})), 200);
    assert_eq!(yes["allowed"], true);
}

#[test]
fn what_is_under_way_is_listed() {
    let sidecar = seeded("10MB/month");
    let mut ids = Vec::new();
    for number in 0..5 {
        let who = if number == 3 { "@bob:example.org" } else { ALICE };
        let asked = with(upload("1MB"), "subject", json!(who));
        ids.push(reserve(&sidecar, &asked)["id"].clone());
    }
    let all = pages(&sidecar, "/v1/reservations?limit=2");
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let told: Vec<_> = all.concat().into_iter().map(|it| it["id"].clone()).collect();
    assert_eq!(told, ids);
    let bob = get(&sidecar, "/v1/reservations?subject=@bob:example.org");
    assert_eq!((bob["items"].as_array().unwrap().len(), &bob["next_cursor"]), (1, &json!(null)));
    assert_eq!(get(&sidecar, "/v1/status")["reservations_open"], 5);
}

#[test]
fn what_makes_no_sense_holds_nothing() {
    let sidecar = seeded("10MB/month");
    done(&put(&sidecar, "/v1/resources/visitors", &json!({"aggregate": "unique"})), 201);
    for (body, hint) in [
        (json!({"subject": ALICE}), "capability"),
        (with(upload("1MB"), "resource", json!("media_bytes")), "not both"),
        (with(upload("1MB"), "items", json!([])), "one of them"),
        (with(upload("1MB"), "amount", json!("5G")), "GiB"),
        (with(upload("1MB"), "amount", json!(-1)), "below zero"),
        (with(upload("1MB"), "ttl", json!("soon")), "60s"),
        (with(upload("1MB"), "ttl", json!(-1)), "`ttl`"),
        (with(upload("1MB"), "tttl", json!(1)), "\"ttl\""),
        (with(upload("1MB"), "capability", json!("upload_medai")), "upload_media"),
        (json!({"subject": ALICE, "resource": "visitors", "value": "x"}), "consume"),
    ] {
        let answer = post(&sidecar, "/v1/reserve", &body);
        is_problem(&answer, 400, "bad_request");
        assert!(answer.text().replace("\\\"", "\"").contains(hint), "{body}: {}", answer.text());
    }
    let held = with(upload("1MB"), "ttl", json!("60s"));
    is_problem(&post(&sidecar, "/v1/consume", &held), 400, "bad_request");
    for id in ["nothing", "0199a3c5d0a07f3eb4d2a4d2c0ffee00"] {
        for (verb, body) in [
            ("grow", json!({"amount": 1})),
            ("extend", json!({"ttl": 1})),
            ("settle", json!({"amount": 1})),
            ("release", json!({})),
            ("refund", json!({})),
        ] {
            let answer = post(&sidecar, &format!("/v1/reservations/{id}/{verb}"), &body);
            is_problem(&answer, 404, "not_found");
        }
        is_problem(
            &sidecar.api(&Request::get(&format!("/v1/reservations/{id}"))),
            404,
            "not_found",
        );
    }
    assert_eq!(usage(&sidecar), (0, 0));
}
