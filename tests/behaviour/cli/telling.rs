//! usage, over, top: what people and programs are told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Books;

/// Returns the keys of an object in the order of the alphabet.
fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn usage_of_all_resources_is_a_list() {
    let books = Books::with_alice();
    books.done("use @alice requests 10002");
    let all = books.json("usage @alice");
    let of = |index: usize| all[index]["resource"].as_str().unwrap();
    assert_eq!((all.as_array().unwrap().len(), of(0), of(1)), (2, "media_bytes", "requests"));
    assert_eq!(all[1]["overage"], 2);
    let told = books.done("usage @alice");
    assert!(told.contains("10002") && told.contains("(2 over)"), "{told}");
    assert!(told.lines().all(|line| line == line.trim_end()), "{told}");
}

#[test]
fn over_and_top_list_the_largest_first() {
    let books = Books::with_alice();
    books.done("group set free --default");
    books.done("use @alice media_bytes 1GB");
    books.done("use @bob media_bytes 2GB");
    books.done("use @carol media_bytes 3MB");
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|user| user["subject"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&books.json("over media_bytes")), ["@alice", "@bob"]);
    assert_eq!(names(&books.json("top media_bytes")), ["@bob", "@alice", "@carol"]);
    books.done("reset @bob media_bytes --period day");
    assert_eq!(names(&books.json("top media_bytes --period day")), ["@alice", "@carol"]);
    assert_eq!(names(&books.json("top media_bytes --period never")), ["@bob", "@alice", "@carol"]);
    assert_eq!(names(&books.json("top media_bytes --period 'rolling 30d'")).len(), 3);
    let first = books.json("top media_bytes -n 1");
    assert_eq!(names(&first), ["@bob"]);
    assert_eq!(
        keys(&first[0]),
        BTreeSet::from(["subject", "resource", "used", "limit", "period", "resets_at"])
    );
}

#[test]
fn programs_read_the_keys_they_were_promised() {
    let books = Books::with_alice();
    let check = books.json("check @alice --cap upload_media --amount 1GB");
    for key in [
        "subject",
        "capability",
        "allowed",
        "reason",
        "source",
        "policy_version",
        "binding",
        "items",
        "retry_after",
    ] {
        assert!(check.get(key).is_some(), "{key}: {check}");
    }
    assert_eq!((&check["allowed"], &check["subject"]), (&json!(false), &json!("@alice")));
    let window = &check["items"][0]["windows"][0];
    for key in [
        "period",
        "bucket",
        "per",
        "mode",
        "limit",
        "used",
        "reserved",
        "remaining",
        "resets_at",
        "over",
        "would_deny",
    ] {
        assert!(window.get(key).is_some(), "{key}: {check}");
    }
    let usage = books.json("usage @alice media_bytes");
    for key in [
        "subject",
        "resource",
        "used",
        "reserved",
        "limit",
        "remaining",
        "overage",
        "period",
        "resets_at",
        "windows",
    ] {
        assert!(usage.get(key).is_some(), "{key}: {usage}");
    }
}
