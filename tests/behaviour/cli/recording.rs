//! use, reset: what happened, and counts that start anew.

use std::process::Stdio;
use std::time::Duration;

use metergate::clock::{Clock, System};
use serde_json::{Value, json};

use super::Books;

#[test]
fn a_fact_told_twice_under_one_key_is_recorded_once() {
    let books = Books::with_alice();
    let first = json!({
        "subject": "@alice", "resource": "media_bytes", "used": 300_000_000,
        "unit": "bytes", "over": false, "replayed": false,
    });
    assert_eq!(books.json("use @alice media_bytes 300MB --key upload-1"), first);
    let again = books.json("use @alice media_bytes --key upload-1 300MB");
    assert_eq!((&again["used"], &again["replayed"]), (&json!(300_000_000), &json!(true)));
    assert!(books.refused("use @alice media_bytes 301MB --key upload-1", 4).contains("key"));
    assert_eq!(books.used("media_bytes"), 300_000_000);
}

#[test]
fn a_negative_amount_takes_back_and_never_below_zero() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 300MB");
    books.done("use @alice media_bytes -100MB");
    assert_eq!(books.used("media_bytes"), 200_000_000);
    assert_eq!(books.json("use @alice media_bytes -1GB")["used"], 0);
}

#[test]
fn a_fact_of_another_day_counts_there() {
    let books = Books::with_alice();
    books.refused("use @alice media_bytes 1MB --at 2020-01-01", 2);
    let day_ago = System.now().before(Duration::from_hours(24));
    books.done(&format!("use @alice media_bytes 1MB --at {day_ago}"));
    assert_eq!(books.json("usage @alice media_bytes --period day")["used"], 0);
    assert_eq!(books.json("usage @alice media_bytes --period never")["used"], 1_000_000);
    let range = books.json("usage @alice media_bytes --range 2020-01-01 2999-01-01");
    assert_eq!((&range["used"], &range["period"]), (&json!(1_000_000), &Value::Null));
}

#[test]
fn a_reset_brings_one_count_or_all_to_zero() {
    let books = Books::with_alice();
    books.done("group set free media_bytes=500MB/month,50MB/day");
    books.done("use @alice media_bytes 30MB");
    books.done("use @alice requests 7");
    books.done("reset @alice media_bytes --period day");
    assert_eq!(books.json("usage @alice media_bytes --period day")["used"], 0);
    assert_eq!(books.json("usage @alice media_bytes --period month")["used"], 30_000_000);
    let done = books.json("reset @alice");
    assert_eq!((&done["done"], &done["subject"]), (&json!(true), &json!("@alice")));
    assert_eq!((books.used("media_bytes"), books.used("requests")), (0, 0));
}

#[test]
fn many_processes_on_one_file_lose_nothing() {
    let books = Books::with_alice();
    let children: Vec<_> = (0..12)
        .map(|_| {
            let mut command = books.command("use @alice media_bytes 1MB");
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(books.used("media_bytes"), 12_000_000);
}
