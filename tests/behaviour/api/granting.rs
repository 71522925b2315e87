//! What single subjects have of their own: places, overrides, boosts; and who is forgotten.

use serde_json::json;

use super::{ALICE, delete, done, get, is_problem, post, put, seeded};
use crate::support::Request;

#[test]
fn a_place_is_given_changed_and_taken() {
    let sidecar = seeded("1MB/month");
    done(&put(&sidecar, "/v1/groups/patron", &json!({"limits": {}})), 201);
    let place = format!("/v1/subjects/{ALICE}");
    let told = get(&sidecar, &place);
    assert_eq!((&told["group"], &told["by"]), (&json!("free"), &json!("default")));
    let assign = json!({"subject": ALICE, "group": "patron", "until": "2099-01-01"});
    let told = done(&post(&sidecar, "/v1/subjects", &assign), 201);
    assert_eq!((&told["group"], &told["by"]), (&json!("patron"), &json!("group")));
    assert_eq!(told["until"], "2099-01-01T00:00:00Z");
    let exempt = json!({"subject": ALICE, "exempt": true});
    let told = done(&post(&sidecar, "/v1/subjects", &exempt), 200);
    assert_eq!((&told["group"], &told["exempt"]), (&json!("patron"), &json!(true)));
    // A replacement says all of it.
    let told = done(&put(&sidecar, &place, &json!({"group": "patron"})), 200);
    assert_eq!((&told["exempt"], &told["until"]), (&json!(false), &json!(null)));
    for (body, status) in [
        (json!({"group": "nobody"}), 404),
        (json!({"group": "free", "until": "2020-01-01"}), 400),
        (json!({"group": 5}), 400),
        (json!({"grup": "free"}), 400),
    ] {
        let code = if status == 404 { "not_found" } else { "bad_request" };
        is_problem(&put(&sidecar, &place, &body), status, code);
    }
    is_problem(&post(&sidecar, "/v1/subjects", &json!({"subject": ALICE})), 400, "bad_request");
    done(&delete(&sidecar, "/v1/subjects/%40alice%3Aexample.org"), 204);
    is_problem(&delete(&sidecar, &place), 404, "not_found");
    is_problem(&sidecar.api(&Request::get("/v1/subjects/a%20b")), 400, "bad_request");
}

#[test]
fn overrides_stand_before_the_group() {
    let sidecar = seeded("1MB/month");
    done(&post(&sidecar, "/v1/groups", &json!({"name": "free", "limits": {"uploads": 5}})), 200);
    let mine = format!("/v1/overrides/{ALICE}");
    is_problem(&sidecar.api(&Request::get(&mine)), 404, "not_found");
    let first = json!({"subject": ALICE, "limits": {"media_bytes": "2MB/month"}, "note": "asked"});
    let told = done(&post(&sidecar, "/v1/overrides", &first), 201);
    let media = json!({"limit": "2000000/month", "until": null, "note": "asked"});
    assert_eq!(told, json!({"subject": ALICE, "overrides": {"media_bytes": media}}));
    let second =
        json!({"subject": ALICE, "limits": {"uploads": "7/day", "max_upload_bytes": "unlimited"}});
    let told = done(&post(&sidecar, "/v1/overrides", &second), 200);
    assert_eq!(told["overrides"].as_object().unwrap().len(), 3);
    assert_eq!(told["overrides"]["max_upload_bytes"]["limit"], json!(null));
    let usage = get(&sidecar, &format!("/v1/usage?subject={ALICE}&resource=media_bytes"));
    assert_eq!((&usage["limit"], &usage["source"]), (&json!(2_000_000), &json!("override")));
    assert_eq!(get(&sidecar, "/v1/overrides")["items"], json!([told]));
    done(&delete(&sidecar, &format!("{mine}?resources=uploads,max_upload_bytes")), 204);
    assert_eq!(get(&sidecar, &mine)["overrides"], json!({"media_bytes": media}));
    is_problem(&delete(&sidecar, &format!("{mine}?resources=uploads")), 404, "not_found");
    let whole = json!({"limits": {"uploads": 1}, "until": "2099-01-01"});
    let told = done(&put(&sidecar, &mine, &whole), 200);
    assert_eq!(told["overrides"]["uploads"]["until"], "2099-01-01T00:00:00Z");
    assert_eq!(told["overrides"].as_object().unwrap().len(), 1);
    for body in [
        json!({"limits": {}}),
        json!({"limits": {"nothing": 1}}),
        json!({"limits": {"uploads": "5 per server"}}),
        json!({"limits": {"extends": "free"}}),
        json!({"limits": {"uploads": 1}, "note": "two\nlines"}),
        json!({"limits": {"uploads": 1}, "until": "2020-01-01"}),
    ] {
        is_problem(&put(&sidecar, &mine, &body), 400, "bad_request");
    }
    done(&delete(&sidecar, &mine), 204);
    is_problem(&delete(&sidecar, &mine), 404, "not_found");
}

#[test]
fn boosts_add_up() {
    let sidecar = seeded("1MB/month");
    let boost =
        json!({"subject": ALICE, "amounts": {"media_bytes": "200kB"}, "until": "2099-01-01"});
    done(&post(&sidecar, "/v1/boosts", &boost), 201);
    let told = done(&post(&sidecar, "/v1/boosts", &boost), 200);
    assert_eq!(told["boosts"]["media_bytes"].as_array().unwrap().len(), 2);
    let limit = || {
        get(&sidecar, &format!("/v1/usage?subject={ALICE}&resource=media_bytes"))["limit"].clone()
    };
    assert_eq!(limit(), 1_400_000);
    let mine = format!("/v1/boosts/{ALICE}");
    done(&delete(&sidecar, &format!("{mine}?resource=media_bytes&number=2")), 204);
    assert_eq!(limit(), 1_200_000);
    is_problem(&delete(&sidecar, &format!("{mine}?number=1")), 400, "bad_request");
    is_problem(
        &delete(&sidecar, &format!("{mine}?resource=media_bytes&number=9")),
        404,
        "not_found",
    );
    done(&put(&sidecar, &mine, &json!({"amounts": {"media_bytes": 5}})), 200);
    assert_eq!(limit(), 1_000_005);
    assert_eq!(get(&sidecar, "/v1/boosts")["items"], json!([get(&sidecar, &mine)]));
    for body in [
        json!({"amounts": {}}),
        json!({"amounts": {"media_bytes": 0}}),
        json!({"amounts": {"media_byte": 1}}),
        json!({"amounts": {"media_bytes": "5G"}}),
    ] {
        is_problem(&put(&sidecar, &mine, &body), 400, "bad_request");
    }
    done(&delete(&sidecar, &mine), 204);
    is_problem(&delete(&sidecar, &mine), 404, "not_found");
    is_problem(&sidecar.api(&Request::get(&mine)), 404, "not_found");
}

#[test]
fn one_who_is_forgotten_has_no_name() {
    let sidecar = seeded("1MB/month");
    let used = json!({"subject": ALICE, "resource": "media_bytes", "amount": 5});
    done(&post(&sidecar, "/v1/use", &used), 200);
    let told = done(&post(&sidecar, "/v1/forget", &json!({"subject": ALICE})), 200);
    let known = get(&sidecar, "/v1/subjects");
    assert_eq!(known["items"][0]["subject"], told["pseudonym"]);
    assert!(!known.to_string().contains("alice"), "{known}");
    is_problem(&post(&sidecar, "/v1/forget", &json!({"subject": ALICE})), 404, "not_found");
    let asked = json!({"subject": "@bob", "capability": "upload_media", "amount": 5});
    done(&post(&sidecar, "/v1/reserve", &asked), 200);
    is_problem(&post(&sidecar, "/v1/forget", &json!({"subject": "@bob"})), 409, "conflict");
}
