//! explain, and what check says of limits that do not simply deny.

use serde_json::{Value, json};

use super::Books;

#[track_caller]
fn assert_told(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(told.lines().all(|line| line == line.trim_end()), "{told}");
}

#[test]
fn a_limit_given_with_the_call_decides_in_place_of_the_group_s() {
    let books = Books::with_alice();
    books.done("use @alice requests 20");
    books.done("check @alice --resource requests");
    let denied = books.run("check @alice --resource requests --limit 20/month");
    assert_eq!(denied.code, 1);
    assert_told(&denied.out, &["DENIED @alice may not use requests", "20 of 20", "this call"]);
    books.done("check @alice --resource requests --limit 20/month --amount 0");
    books.done("check @alice --cap upload_media --amount 1GB --limit unlimited");
    for (line, hint) in [
        ("check @alice --resource requests --limit '5 per group'", "belongs to a group"),
        ("check @alice --resource requests --limit 5MB", "limit: "),
        ("check @alice --resource request", "did you mean \"requests\""),
        ("check @alice", "--cap"),
        ("check @alice --cap upload_media --resource requests", "cannot be used"),
        ("check @alice --resource requests --amount=-5", "below zero"),
    ] {
        let said = books.refused(line, 2);
        assert!(said.contains(hint), "{line}: {said}");
    }
}

#[test]
fn soft_and_observed_limits_and_pools_are_told_in_words() {
    let books = Books::new();
    books.done("group set free media_bytes='500MB/month soft ceiling 600MB,10MB/day observe,2GB/month per server' --default");
    books.done("use @alice media_bytes 550MB");
    let allowed = books.done("check @alice --cap upload_media --amount 10MB");
    assert_told(
        &allowed,
        &["ALLOWED", "50 MB over", "soft up to 600 MB", "10 MB/day of media_bytes would deny"],
    );
    let denied = books.run("check @alice --cap upload_media --amount 60MB");
    assert_eq!(denied.code, 1);
    books.done("use @bob media_bytes 1.449GB");
    let pool = books.run("check @carol --cap upload_media --amount 10MB");
    assert_eq!(pool.code, 1);
    assert_told(&pool.out, &["by everyone together", "shared by the whole server"]);
    let used = books.done("use @dave media_bytes 501MB");
    assert_told(&used, &["1 MB over", "the limit is reached"]);
    assert_eq!(books.json("usage @dave media_bytes")["used"], 501_000_000);
}

#[test]
fn a_rolling_limit_says_when_the_first_is_free_again() {
    let books = Books::new();
    books.done("group set free media_bytes='100MB/rolling 30d' --default");
    books.done("use @alice media_bytes 100MB");
    let denied = books.run("check @alice --cap upload_media");
    assert_eq!(denied.code, 1);
    assert_told(&denied.out, &["in the last 30 days", "the first of it is free again"]);
}

#[test]
fn an_explanation_names_what_is_in_force_what_decides_and_what_helps() {
    let books = Books::new();
    books.done("group set base media_bytes=500MB/month,50MB/day");
    books.done("group set free --extends base --default");
    books.done("group set patron media_bytes=50GB");
    books.done("override set @alice media_bytes=100MB --note 'a trial' --until 2999-01-01");
    books.done("use @alice media_bytes 95MB");
    let line = "explain @alice --cap upload_media --amount 10MB";
    let told = books.done(line);
    assert_told(
        &told,
        &[
            "DENIED @alice may not upload_media",
            "is in group free, the default, which extends base",
            "days begin in UTC",
            "override",
            "a trial",
            "in force until 1 January 2999",
            "default group free, extending base",
            "another comes before it",
            "denies, and decides",
            "to wait until 1 ",
            "a boost of 5 MB: metergate boost add @alice media_bytes=5000000",
            "policy",
        ],
    );
    let json = books.json(line);
    assert_eq!((&json["subject"], &json["decision"]["allowed"]), (&json!("@alice"), &json!(false)));
    assert_eq!(json["remedy"]["boosts"], json!({ "media_bytes": 5_000_000 }));
    assert_eq!((&json["group"], &json["extends"]), (&json!("default free"), &json!(["base"])));
    let claims = json["resources"][0]["claims"].as_array().unwrap().iter();
    let claims: Vec<_> = claims.map(|claim| (&claim["source"], &claim["standing"])).collect();
    assert_eq!(
        claims,
        [(&json!("override"), &json!("holds")), (&json!("default free"), &json!("shadowed")),]
    );
    assert_eq!(json["resources"][0]["windows"][0]["binding"], true);
    books.done("override remove @alice");
    let told = books.done(line);
    assert_told(&told, &["group patron: metergate user set @alice --group patron"]);
    let json = books.json(line);
    assert_eq!(json["remedy"]["groups"], json!(["patron"]));
}

#[test]
fn an_explanation_of_a_yes_and_of_no_limit_at_all() {
    let books = Books::new();
    let told = books.done("explain @alice --cap upload_media");
    assert_told(&told, &["ALLOWED", "is in no group", "everything is allowed"]);
    books.done("group set free media_bytes=500MB --default");
    books.done("boost add @alice media_bytes=5MB --until 2999-01-01 --note 'the wedding'");
    let told = books.done("explain @alice --cap upload_media --amount 10MB");
    assert_told(
        &told,
        &[
            "ALLOWED",
            "boost of 5 MB until 1 January 2999 00:00 UTC (the wedding)",
            "505 MB (500 MB + 5 MB)",
            "has the least room",
        ],
    );
    assert_eq!(books.json("explain @alice --cap upload_media")["remedy"], Value::Null);
    books.done("user exempt @alice");
    assert_told(&books.done("explain @alice --cap upload_media"), &["exemption", "in force"]);
    books.refused("explain @alice --cap upload_medai", 2);
}

#[test]
fn a_file_that_is_too_large_is_explained() {
    let books = Books::new();
    books.done("group set free media_bytes=500MB max_upload_bytes=5MB --default");
    let told = books.done("explain @alice --cap upload_media --amount 6MB");
    assert_told(&told, &["DENIED", "at most 5 MB", "a smaller file"]);
    assert!(!told.contains("waiting"), "{told}");
}
