//! What binds many: groups, capabilities, resources, rules, the policy as a whole.

use serde_json::json;

use super::{ALICE, delete, done, get, is_problem, pages, post, put, seeded};
use crate::support::{Request, Sidecar};

#[test]
fn a_group_is_changed_replaced_and_removed() {
    let sidecar = seeded("1MB/month");
    let patron = json!({"limits": {"media_bytes": ["50GB/month", "2GB/day soft"], "max_upload_bytes": "1GB"}});
    let told = done(&put(&sidecar, "/v1/groups/patron", &patron), 201);
    let expected = json!({
        "name": "patron", "default": false, "from": "store",
        "limits": {"media_bytes": ["50000000000/month", "2000000000/day soft"], "max_upload_bytes": 1_000_000_000}
    });
    assert_eq!(told, expected);
    assert_eq!(get(&sidecar, "/v1/groups/patron"), expected);
    // A change leaves what it does not name, a replacement does not.
    let more = json!({"name": "patron", "limits": {"requests": 10000, "extends": "free"}});
    let told = done(&post(&sidecar, "/v1/groups", &more), 200);
    assert_eq!(told["limits"]["max_upload_bytes"], 1_000_000_000);
    assert_eq!(
        (&told["limits"]["requests"], &told["limits"]["extends"]),
        (&json!("10000"), &json!("free"))
    );
    let table = json!({"limits": {"media_bytes": {"limit": "1MB", "period": "day", "mode": "soft", "grace": "7d"}}});
    let told = done(&put(&sidecar, "/v1/groups/patron", &table), 200);
    assert_eq!(told["limits"], json!({"media_bytes": "1000000/day soft grace 7d"}));
    let default = json!({"limits": {}, "default": true});
    assert_eq!(done(&put(&sidecar, "/v1/groups/patron", &default), 200)["default"], true);
    assert_eq!(get(&sidecar, "/v1/groups/free")["default"], false);
    is_problem(&delete(&sidecar, "/v1/groups/patron"), 409, "conflict");
    done(&delete(&sidecar, "/v1/groups/free"), 204);
    is_problem(&delete(&sidecar, "/v1/groups/free"), 404, "not_found");
    let gone = sidecar.api(&Request::get("/v1/groups/patrn"));
    is_problem(&gone, 404, "not_found");
    assert!(gone.text().contains("patron"), "{}", gone.text());
}

#[test]
fn a_group_that_makes_no_sense_says_where() {
    let sidecar = seeded("1MB/month");
    for (body, status, hint) in [
        (
            json!({"limits": {"media_bytes": "5G"}}),
            400,
            "limits/media_bytes: \\\"5G\\\" is ambiguous",
        ),
        (json!({"limits": {"media_bytes": [1, {"limt": 5}]}}), 400, "did you mean \\\"limit\\\""),
        (json!({"limits": 5}), 400, "needs a table"),
        (json!({"limits": {"extends": "nobody"}}), 404, "nobody"),
        (json!({"limits": {"extends": "x"}}), 400, "circle"),
        (json!({"limit": {}}), 400, "did you mean \\\"limits\\\""),
        (json!({}), 400, "limits"),
        (json!([]), 400, "object"),
    ] {
        let answer = put(&sidecar, "/v1/groups/x", &body);
        let code = if status == 404 { "not_found" } else { "bad_request" };
        is_problem(&answer, status, code);
        assert!(answer.text().contains(hint), "{body}: {}", answer.text());
    }
    is_problem(&put(&sidecar, "/v1/groups/a%20b", &json!({"limits": {}})), 400, "bad_request");
    assert_eq!(get(&sidecar, "/v1/groups")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn capabilities_resources_and_rules_come_and_go() {
    let sidecar = seeded("1MB/month");
    let built_in = get(&sidecar, "/v1/capabilities/upload_media");
    assert_eq!((&built_in["from"], &built_in["on_outage"]), (&json!("built_in"), &json!(null)));
    let two = json!({"resources": ["media_bytes", "uploads"], "on_outage": "open"});
    let told = done(&put(&sidecar, "/v1/capabilities/upload_media", &two), 200);
    assert_eq!((&told["on_outage"], &told["from"]), (&json!("open"), &json!("store")));
    done(&put(&sidecar, "/v1/capabilities/post", &json!({"resources": ["posts"]})), 201);
    assert_eq!(get(&sidecar, "/v1/capabilities")["items"].as_array().unwrap().len(), 2);
    done(&delete(&sidecar, "/v1/capabilities/upload_media"), 204);
    is_problem(&delete(&sidecar, "/v1/capabilities/upload_media"), 404, "not_found");
    is_problem(&put(&sidecar, "/v1/capabilities/x", &json!({"resources": []})), 400, "bad_request");

    let seats = json!({"aggregate": "max", "unit": "seats"});
    let told = done(&put(&sidecar, "/v1/resources/seats", &seats), 201);
    assert_eq!(
        told,
        json!({"resource": "seats", "aggregate": "max", "unit": "seats", "from": "store"})
    );
    done(&put(&sidecar, "/v1/resources/seats", &json!({})), 200);
    assert_eq!(get(&sidecar, "/v1/resources/seats")["aggregate"], "sum");
    done(&delete(&sidecar, "/v1/resources/seats"), 204);
    is_problem(&delete(&sidecar, "/v1/resources/seats"), 404, "not_found");
    is_problem(&put(&sidecar, "/v1/resources/seats", &json!({"decimals": 7})), 400, "bad_request");
    is_problem(&sidecar.api(&Request::get("/v1/resources/media_byte")), 404, "not_found");

    let rule = "/v1/rules/@*:example.org";
    let told = done(&put(&sidecar, rule, &json!({"group": "free"})), 201);
    assert_eq!(told, json!({"match": "@*:example.org", "group": "free", "from": "store"}));
    assert_eq!(get(&sidecar, "/v1/rules/%40%2A%3Aexample.org"), told);
    done(&post(&sidecar, "/v1/rules", &json!({"match": "@bot_*", "group": "free"})), 201);
    is_problem(&put(&sidecar, rule, &json!({"group": "nobody"})), 404, "not_found");
    let rules = pages(&sidecar, "/v1/rules?limit=1");
    assert_eq!((rules.len(), &rules[1][0]["match"]), (2, &json!("@bot_*")));
    done(&delete(&sidecar, rule), 204);
    is_problem(&delete(&sidecar, rule), 404, "not_found");
}

#[test]
fn what_the_file_declares_is_not_changed_here() {
    let sidecar = Sidecar::alone().limit("1MB/month").start();
    assert_eq!(get(&sidecar, "/v1/groups/free")["from"], "file");
    let none = json!({"limits": {}});
    is_problem(&put(&sidecar, "/v1/groups/free", &none), 409, "conflict");
    is_problem(&delete(&sidecar, "/v1/groups/free"), 409, "conflict");
    let default = json!({"limits": {}, "default": true});
    is_problem(&put(&sidecar, "/v1/groups/other", &default), 409, "conflict");
    let policy = get(&sidecar, "/v1/policy");
    assert_eq!(
        (&policy["default_group"], &policy["groups"][0]["from"]),
        (&json!("free"), &json!("file"))
    );
    assert_eq!((&policy["timezone"], &policy["period"]), (&json!("UTC"), &json!("month")));
    assert_eq!(policy["resources"][0]["resource"], "media_bytes");
}

#[test]
fn a_preview_says_who_would_be_over() {
    let sidecar = seeded("10MB/month");
    done(&put(&sidecar, "/v1/groups/patron", &json!({"limits": {}})), 201);
    for (name, bytes) in [("a", 5), ("b", 2_000_000), ("c", 3_000_000)] {
        let used =
            json!({"subject": format!("@{name}:x"), "resource": "media_bytes", "amount": bytes});
        done(&post(&sidecar, "/v1/use", &used), 200);
    }
    done(&put(&sidecar, "/v1/subjects/@c:x", &json!({"group": "patron"})), 201);
    let tried = json!({"limits": {"media_bytes": ["1MB/month", "1B/week"]}});
    let told = done(&post(&sidecar, "/v1/groups/free/preview", &tried), 200);
    assert_eq!((&told["members"], &told["would_be_over"]), (&json!(2), &json!(2)));
    assert_eq!(told["over"][1]["subject"], "@b:x");
    let none = done(&post(&sidecar, "/v1/groups/patron/preview", &tried), 200);
    assert_eq!(none["over"][0]["subject"], "@c:x");
    assert_eq!(get(&sidecar, "/v1/over?resource=media_bytes")["items"], json!([]));
    is_problem(&post(&sidecar, "/v1/groups/x/preview", &tried), 404, "not_found");
    // The real limits still hold.
    let check = format!("/v1/check?subject={ALICE}&capability=upload_media&amount=9MB");
    assert_eq!(get(&sidecar, &check)["allowed"], true);
}
