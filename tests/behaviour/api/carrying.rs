//! The books as a whole: out, in, compared, and tried under another policy; counts set and reset.

use serde_json::json;

use super::{ALICE, done, get, is_problem, post, seeded};
use crate::support::{Request, Sidecar};

fn used(sidecar: &Sidecar) -> i64 {
    let told = get(sidecar, &format!("/v1/usage?subject={ALICE}&resource=media_bytes"));
    told["used"].as_i64().unwrap()
}

#[test]
fn counts_are_set_and_reset() {
    let sidecar = seeded("10MB/month");
    let set = json!({"subject": ALICE, "resource": "media_bytes", "value": "3MB"});
    let told = done(&post(&sidecar, "/v1/set", &set), 200);
    assert_eq!((&told["used"], &told["over"]), (&json!(3_000_000), &json!(false)));
    done(
        &post(
            &sidecar,
            "/v1/set",
            &json!({"subject": ALICE, "resource": "media_bytes", "amount": 7}),
        ),
        200,
    );
    assert_eq!(used(&sidecar), 7);
    let reset = json!({"subject": ALICE, "resource": "media_bytes", "period": "month"});
    let told = done(&post(&sidecar, "/v1/reset", &reset), 200);
    assert_eq!(told, json!({"subject": ALICE, "resources": ["media_bytes"], "period": "month"}));
    assert_eq!(used(&sidecar), 0);
    done(&post(&sidecar, "/v1/reset", &json!({"subject": ALICE})), 200);
    for (verb, body) in [
        ("set", json!({"subject": ALICE, "resource": "media_bytes", "value": -1})),
        ("set", json!({"subject": ALICE, "resource": "media_bytes"})),
        ("set", json!({"subject": ALICE, "resource": "nothing", "value": 1})),
        ("reset", json!({})),
        ("reset", json!({"subject": ALICE, "period": "fortnight"})),
        ("reset", json!({"subject": ALICE, "resorce": "media_bytes"})),
    ] {
        is_problem(&post(&sidecar, &format!("/v1/{verb}"), &body), 400, "bad_request");
    }
}

#[test]
fn what_is_carried_out_is_brought_in() {
    let sidecar = seeded("10MB/month");
    done(
        &post(
            &sidecar,
            "/v1/use",
            &json!({"subject": ALICE, "resource": "media_bytes", "amount": 5}),
        ),
        200,
    );
    let plain = get(&sidecar, "/v1/export");
    assert_eq!(plain["groups"], json!({"free": {"media_bytes": "10000000/month"}}));
    assert_eq!((plain.get("events"), &plain["default_group"]), (None, &json!("free")));
    let whole = get(&sidecar, "/v1/export?usage=true");
    assert_eq!(whole["events"].as_array().unwrap().len(), 1);
    let other = Sidecar::alone().bare().start();
    let dry = done(&post(&other, "/v1/import?dry_run=true", &whole), 200);
    assert_eq!((&dry["dry_run"], &dry["lines"]), (&json!(true), &json!(1)));
    assert_eq!(get(&other, "/v1/groups")["items"], json!([]));
    let told = done(&post(&other, "/v1/import", &whole), 200);
    assert_eq!(told["changes"], dry["changes"]);
    assert_eq!(get(&other, "/v1/export?usage=true"), whole);
    is_problem(&post(&other, "/v1/import", &whole), 409, "conflict");
    done(&post(&other, "/v1/import?mode=replace", &whole), 200);
    assert_eq!(used(&other), 5);
    for (target, body) in [
        ("/v1/import", json!({"gruops": {}})),
        ("/v1/import", json!({"groups": {"free": {"media_bytes": "5G"}}})),
        ("/v1/import", json!([])),
        ("/v1/import?mode=both", json!({})),
    ] {
        is_problem(&post(&other, target, &body), 400, "bad_request");
    }
    is_problem(&other.api(&Request::post("/v1/import").body(b"{\"groups\"")), 400, "bad_request");
    let in_file = Sidecar::alone().limit("1MB/month").start();
    assert_eq!(get(&in_file, "/v1/export")["groups"], json!({}));
    assert_eq!(get(&in_file, "/v1/export?all=true")["default_group"], "free");
}

#[test]
fn counts_are_compared_with_the_ledger() {
    let sidecar = seeded("10MB/month");
    done(
        &post(
            &sidecar,
            "/v1/use",
            &json!({"subject": ALICE, "resource": "media_bytes", "amount": 5}),
        ),
        200,
    );
    // An empty body is fine.
    let told = done(&sidecar.api(&Request::post("/v1/rebuild").body(b"")), 200);
    assert_eq!((&told["dry_run"], &told["drift"]), (&json!(false), &json!([])));
    assert!(told["buckets"].as_u64().unwrap() > 0);
    done(&post(&sidecar, "/v1/rebuild", &json!({"subject": ALICE, "dry_run": true})), 200);
    is_problem(&post(&sidecar, "/v1/rebuild", &json!({"dry_run": "yes"})), 400, "bad_request");
}

#[test]
fn another_policy_is_tried() {
    let sidecar = seeded("10MB/month");
    for (who, bytes) in [("@a:x", 5), ("@b:x", 2_000_000)] {
        done(
            &post(
                &sidecar,
                "/v1/use",
                &json!({"subject": who, "resource": "media_bytes", "amount": bytes}),
            ),
            200,
        );
    }
    let strict = json!({"policy": {"groups": {"free": {"media_bytes": "1MB/month"}}, "default_group": "free"}});
    let told = done(&post(&sidecar, "/v1/simulate", &strict), 200);
    assert_eq!((&told["asked"], &told["denied"]), (&json!(2), &json!(1)));
    assert_eq!(told["refused"][0]["subject"], "@b:x");
    let mut before = strict.clone();
    before["end"] = json!("2020-01-01");
    assert_eq!(done(&post(&sidecar, "/v1/simulate", &before), 200)["asked"], 0);
    before["start"] = json!("2021-01-01");
    for wrong in [
        json!({}),
        json!({"policy": 5}),
        json!({"policy": {"gruops": {}}}),
        json!({"policy": {"subjects": {"@a:x": {"exempt": true}}}}),
        before,
    ] {
        is_problem(&post(&sidecar, "/v1/simulate", &wrong), 400, "bad_request");
    }
}
