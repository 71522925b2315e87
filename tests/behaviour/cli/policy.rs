//! group, cap, rule, user, override: who may how much.

use serde_json::{Value, json};

use super::Books;

#[test]
fn groups_are_made_changed_listed_shown_and_removed() {
    let books = Books::new();
    books.done("group set free media_bytes=500MB/month,50MB/day max_upload_bytes=20MB --default");
    books.done("group set free requests=10");
    let free = json!({
        "media_bytes": ["500000000/month", "50000000/day"],
        "requests": "10",
        "max_upload_bytes": 20_000_000,
    });
    assert_eq!(books.json("group list"), json!({ "free": free }));
    let shown = json!({ "name": "free", "limits": free, "default": true, "from": "store" });
    assert_eq!(books.json("group show free"), shown);
    books.done("group set free max_upload_bytes=unlimited media_bytes=unlimited");
    let now = json!({ "media_bytes": "unlimited", "requests": "10" });
    assert_eq!(books.json("group show free")["limits"], now);
    assert!(books.refused("group remove free", 4).contains("default"));
    books.done("group set other --default");
    books.done("group remove free");
    assert_eq!(books.json("group list"), json!({ "other": {} }));
}

#[test]
fn a_group_that_somebody_is_in_is_not_removed() {
    let books = Books::with_alice();
    let sentence = books.refused("group remove free", 4);
    assert!(sentence.contains("1 subject (@alice)"), "{sentence}");
    books.done("user remove @alice");
    books.done("group remove free");
}

#[test]
fn the_limits_of_the_default_group_hold_for_everyone() {
    let books = Books::new();
    books.done("group set free media_bytes=5MB max_upload_bytes=1MB --default");
    assert_eq!(books.run("check @new --cap upload_media --amount 1MB").code, 0);
    let large = books.run("check @new --cap upload_media --amount 2MB");
    assert_eq!(large.code, 1);
    assert!(large.out.contains("at most 1 MB"), "{large:?}");
}

#[test]
fn a_capability_denies_when_any_of_its_resources_is_spent() {
    let books = Books::with_alice();
    books.done("group set free uploads=2");
    books.done("cap set upload_media media_bytes uploads");
    assert_eq!(books.json("cap list"), json!({ "upload_media": ["media_bytes", "uploads"] }));
    books.done("use @alice uploads 2");
    let denied = books.run("check @alice --cap upload_media --amount 5MB");
    assert_eq!(denied.code, 1);
    assert!(denied.out.contains("uploads"), "{denied:?}");
    books.done("cap remove upload_media");
    assert_eq!(books.json("cap list"), json!({ "upload_media": ["media_bytes"] }));
    assert!(books.refused("cap remove upload_media", 3).contains("built in"));
    assert!(books.refused("cap set twice uploads uploads", 2).contains("twice"));
}

#[test]
fn a_capability_says_what_becomes_of_it_while_the_store_is_out() {
    let books = Books::with_alice();
    let done = books.run("cap set upload_media media_bytes --on-outage open");
    assert!(done.out.contains("open while the store is out"), "{done:?}");
    let open = json!({ "on_outage": "open", "resources": ["media_bytes"] });
    assert_eq!(books.json("cap list"), json!({ "upload_media": open }));
    assert!(books.run("cap list").out.contains("open"));
    assert_eq!(books.json("export")["capabilities"]["upload_media"], open);
    let refused = books.refused("cap set upload_media media_bytes --on-outage ajar", 2);
    assert!(refused.contains("closed, open"), "{refused}");
    books.done("cap set upload_media media_bytes");
    assert_eq!(books.json("cap list"), json!({ "upload_media": ["media_bytes"] }));
}

#[test]
fn rules_put_subjects_into_groups_in_order() {
    let books = Books::new();
    books.done("group set bridges media_bytes=1GB");
    books.done("group set free media_bytes=5MB");
    books.done("rule add '@bridge_*:example.org' --group bridges");
    books.done("rule add '@*:example.org' --group free");
    let rules = json!([
        { "match": "@bridge_*:example.org", "group": "bridges" },
        { "match": "@*:example.org", "group": "free" },
    ]);
    assert_eq!(books.json("rule list"), rules);
    assert_eq!(books.json("user show @bridge_irc:example.org")["group"], "bridges");
    assert_eq!(books.json("user show @alice:example.org")["group"], "free");
    assert!(books.refused("group remove free", 4).contains("rule"));
    books.done("rule remove '@*:example.org'");
    assert_eq!(books.json("user show @alice:example.org")["group"], Value::Null);
    assert_eq!(books.refused("rule add '@* x' --group free", 2).lines().count(), 1);
}

#[test]
fn a_user_is_put_into_a_group_exempted_and_let_go() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 600MB");
    assert_eq!(books.run("check @alice --cap upload_media").code, 1);
    books.done("user exempt @alice --until 2999-01-01");
    assert!(books.done("check @alice --cap upload_media").contains("exempt"));
    let place = books.json("user show @alice");
    assert_eq!((&place["group"], &place["by"]), (&json!("free"), &json!("group")));
    assert_eq!(place["exempt_until"], "2999-01-01T00:00:00Z");
    assert_eq!(books.json("user list"), json!([place]));
    books.done("user remove @alice");
    assert_eq!(books.json("user list"), json!([]));
    assert!(books.done("check @alice --cap upload_media").contains("no limit"));
    assert!(books.refused("user remove @alice", 3).contains("@alice"));
}

#[test]
fn a_date_that_has_passed_is_refused_and_takes_nothing_away() {
    let books = Books::with_alice();
    books.done("override set @alice media_bytes=1GB");
    let said = books.refused("override set @alice media_bytes=1 --until 2020-01-01", 2);
    assert!(said.contains("2020-01-01"), "{said}");
    assert_eq!(books.json("usage @alice media_bytes")["limit"], 1_000_000_000);
}

#[test]
fn a_slip_in_the_name_of_a_resource_is_warned_of() {
    let books = Books::with_alice();
    let said = books.run("cap set upload_media media_byte");
    assert_eq!(said.code, 0);
    assert!(said.err.contains("did you mean \"media_bytes\""), "{said:?}");
}

#[test]
fn an_override_stands_before_the_group_until_it_is_removed() {
    let books = Books::with_alice();
    books.done(
        "override set @alice media_bytes=1GB max_upload_bytes=5MB --until 2999-01-01 --note 'a bump'",
    );
    let usage = books.json("usage @alice media_bytes");
    assert_eq!((&usage["limit"], &usage["source"]), (&json!(1_000_000_000), &json!("override")));
    let until = json!("2999-01-01T00:00:00Z");
    let listed = json!([{ "subject": "@alice", "overrides": {
        "media_bytes": { "limit": "1000000000", "until": until, "note": "a bump" },
        "max_upload_bytes": { "limit": 5_000_000, "until": until, "note": "a bump" },
    } }]);
    assert_eq!(books.json("override list"), listed);
    assert_eq!(books.json("override list @alice"), listed);
    assert!(books.done("override list").contains("a bump"));
    assert_eq!(books.run("check @alice --cap upload_media --amount 6MB").code, 1);
    books.done("override remove @alice max_upload_bytes");
    assert_eq!(books.run("check @alice --cap upload_media --amount 6MB").code, 0);
    books.done("override remove @alice");
    assert_eq!(books.json("override list"), json!([]));
    assert_eq!(books.json("usage @alice media_bytes")["source"], "group free");
    assert!(books.refused("override remove @alice media_bytes", 3).contains("@alice"));
}

#[test]
fn every_change_says_that_it_is_done() {
    let books = Books::new();
    for line in [
        "group set free media_bytes=5MB",
        "cap set send messages",
        "rule add '@*:x' --group free",
        "user set @alice --group free",
        "user exempt @alice",
        "override set @alice media_bytes=6MB",
        "reset @alice media_bytes",
        "override remove @alice",
        "user remove @alice",
        "rule remove '@*:x'",
        "cap remove send",
        "group remove free",
    ] {
        let told = books.json(line);
        assert_eq!(told["done"], true, "{line}: {told}");
    }
}
