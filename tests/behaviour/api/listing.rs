//! Lists: who is over, who used most, who there is, what happened; a page at a time.

use serde_json::{Value, json};

use super::{done, get, is_problem, pages, post, put, seeded};
use crate::support::{Request, Sidecar};

/// Seven subjects, `@0:x` … `@6:x`, who used 0 … 6 of a limit of 4.
fn seven() -> Sidecar {
    let sidecar = seeded("4B/month");
    for number in 0..7 {
        let used =
            json!({"subject": format!("@{number}:x"), "resource": "media_bytes", "amount": number});
        done(&post(&sidecar, "/v1/use", &used), 200);
    }
    sidecar
}

fn names(items: &[Value]) -> Vec<String> {
    items.iter().map(|it| it["subject"].as_str().unwrap().replace([':', 'x', '@'], "")).collect()
}

#[test]
fn every_list_goes_on_where_it_ended() {
    let sidecar = seven();
    for (target, expected) in [
        ("/v1/over?resource=media_bytes&limit=2", "456"),
        ("/v1/top?resource=media_bytes&limit=2", "654321"),
        ("/v1/top?resource=media_bytes&n=3", "654321"),
        ("/v1/subjects?limit=2", "0123456"),
        ("/v1/subjects?limit=3&group=free", "0123456"),
        ("/v1/subjects?limit=2&prefix=@3", "3"),
        ("/v1/subjects?limit=2&sort=last_activity", "6543210"),
        ("/v1/events?limit=3", "6543210"),
        ("/v1/events?limit=3&order=oldest", "0123456"),
        ("/v1/events?limit=3&subject=@2:x", "2"),
    ] {
        let all = pages(&sidecar, target);
        let told = names(&all.concat());
        // What was used at the same moment is in order of names.
        let mut sorted = told.clone();
        sorted.sort();
        if target.contains("last_activity") {
            assert_eq!(sorted.concat(), "0123456");
        } else {
            assert_eq!(told.concat(), expected, "{target}");
        }
        let most = all.iter().map(Vec::len).max().unwrap();
        assert!(most <= 3, "{target}: {most}");
        assert!(!all.last().unwrap().is_empty(), "{target} ends with an empty page");
    }
}

#[test]
fn lists_of_more_than_ten_thousand_miss_nobody_and_tell_nobody_twice() {
    let sidecar = seeded("1B/month");
    let mut document = get(&sidecar, "/v1/export?usage=true");
    let lines = (0..10_500).map(|number| {
        json!({
            "id": number + 1, "kind": "use", "subject": format!("@{number:05}:x"), "amount": 1,
            "resource": "media_bytes", "at": moment(), "recorded": moment(),
        })
    });
    document["events"] = lines.collect();
    done(&post(&sidecar, "/v1/import", &document), 200);
    for list in [
        "/v1/subjects?limit=1000",
        "/v1/subjects?limit=1000&group=free",
        "/v1/subjects?limit=1000&sort=last_activity",
        "/v1/over?resource=media_bytes&limit=1000",
        "/v1/top?resource=media_bytes&limit=1000",
        "/v1/events?limit=1000",
    ] {
        let told = pages(&sidecar, list).concat();
        let mut names: Vec<_> =
            told.iter().map(|it| it["subject"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names.dedup();
        assert_eq!((told.len(), names.len()), (10_500, 10_500), "{list}");
    }
}

/// Returns the present moment, in words.
fn moment() -> String {
    metergate::clock::Clock::now(&metergate::clock::System).to_string()
}

#[test]
fn a_page_is_as_long_as_it_says_and_a_cursor_belongs_to_its_list() {
    let sidecar = seven();
    let cursor = get(&sidecar, "/v1/subjects?limit=2")["next_cursor"].as_str().unwrap().to_owned();
    for list in [
        "/v1/subjects?limit=0",
        "/v1/subjects?limit=1001",
        "/v1/subjects?limit=x",
        "/v1/subjects?limit=-1",
        "/v1/subjects?cursor=x",
        "/v1/subjects?cursor=",
        "/v1/subjects?sort=size",
        "/v1/top?resource=media_bytes&n=0",
        "/v1/top?resource=nothing",
        "/v1/over",
        "/v1/groups?cursor=x",
        "/v1/overrides?limit=0",
        "/v1/events?order=best",
        "/v1/reservations?cursor=AAAA",
        "/v1/deliveries?limit=0",
        "/v1/grants?cursor=1",
    ] {
        is_problem(&sidecar.api(&Request::get(list)), 400, "bad_request");
    }
    for list in [
        "/v1/over?resource=media_bytes",
        "/v1/top?resource=media_bytes",
        "/v1/events?",
        "/v1/groups?",
        "/v1/boosts?",
    ] {
        is_problem(
            &sidecar.api(&Request::get(&format!("{list}&cursor={cursor}"))),
            400,
            "bad_request",
        );
    }
    // What comes meanwhile neither moves nor doubles anyone.
    let more = json!({"subject": "@00:x", "resource": "media_bytes", "amount": 1});
    done(&post(&sidecar, "/v1/use", &more), 200);
    let next = get(&sidecar, &format!("/v1/subjects?limit=2&cursor={cursor}"));
    assert_eq!(names(next["items"].as_array().unwrap()).concat(), "23");
}

#[test]
fn who_follows_the_ledger_misses_nothing() {
    let sidecar = seven();
    let last = get(&sidecar, "/v1/events?limit=1")["items"][0]["id"].as_u64().unwrap();
    let follow = format!("/v1/events?order=oldest&after={last}");
    assert_eq!(get(&sidecar, &follow)["items"], json!([]));
    let used = json!({"subject": "@a", "resource": "media_bytes", "amount": 9, "key": "k"});
    done(&post(&sidecar, "/v1/use", &used), 200);
    let event = &get(&sidecar, &follow)["items"][0];
    for (name, value) in [
        ("subject", json!("@a")),
        ("kind", json!("use")),
        ("amount", json!(9)),
        ("key", json!("k")),
        ("group", json!("free")),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
}

#[test]
fn a_history_is_a_bare_array() {
    let sidecar = seven();
    let days = get(&sidecar, "/v1/history?resource=media_bytes");
    assert_eq!(days.as_array().unwrap().len(), 30);
    assert_eq!(days[29]["used"], 21);
    let hours = get(
        &sidecar,
        "/v1/history?resource=media_bytes&subject=@3:x&step=hour&start=2026-01-01&end=2026-01-02",
    );
    assert_eq!(
        (hours.as_array().unwrap().len(), &hours[0]),
        (24, &json!({"start": "2026-01-01T00:00:00Z", "used": 0}))
    );
    for wrong in [
        "step=fortnight",
        "start=2026-01-02&end=2026-01-01",
        "step=minute&start=2020-01-01",
        "step=never",
        "start=yesterday",
    ] {
        let target = format!("/v1/history?resource=media_bytes&{wrong}");
        is_problem(&sidecar.api(&Request::get(&target)), 400, "bad_request");
    }
    let summary = get(&sidecar, "/v1/summary?subject=@3:x");
    assert_eq!((&summary["group"], &summary["resources"][0]["used"]), (&json!("free"), &json!(3)));
}

#[test]
fn those_of_one_group_are_found_among_many() {
    let sidecar = seven();
    done(&put(&sidecar, "/v1/groups/patron", &json!({"limits": {}})), 201);
    for number in [1, 5] {
        let place = format!("/v1/subjects/@{number}:x");
        done(&put(&sidecar, &place, &json!({"group": "patron"})), 201);
    }
    let members = pages(&sidecar, "/v1/subjects?group=patron&limit=1");
    assert_eq!(names(&members.concat()).concat(), "15");
    assert_eq!(members.len(), 2);
    assert_eq!(names(&pages(&sidecar, "/v1/grants?limit=1").concat()).concat(), "15");
    assert_eq!(get(&sidecar, "/v1/subjects?group=nobody")["items"], json!([]));
}
