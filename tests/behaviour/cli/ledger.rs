//! set, summary, history, events, subjects, rebuild, user forget: what the books say.

use std::collections::BTreeSet;
use std::time::Duration;

use metergate::clock::{Clock, System, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Books;

/// Returns every line that a command with --json says, one object each.
pub(super) fn lines(said: &str) -> Vec<Value> {
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_stock_is_what_it_is_set_to_and_the_ledger_says_by_how_much_it_changed() {
    let books = Books::with_alice();
    assert_eq!(books.run("cap set keep storage_bytes").code, 0);
    books.done("use @alice storage_bytes 10GiB");
    let said = books.done("set @alice storage_bytes 12GiB");
    assert!(
        said.contains("set to 12.88 GB (12884901888)") && said.contains("used in all"),
        "{said}"
    );
    let twelve = 12_i64 << 30;
    let told = books.json("set @alice storage_bytes 12GiB");
    let expected = json!({
        "subject": "@alice", "resource": "storage_bytes", "used": twelve,
        "unit": "bytes", "over": false, "replayed": false,
    });
    assert_eq!(told, expected);
    books.done("set @alice storage_bytes 0");
    let events = lines(&books.done("events @alice --json"));
    let told: Vec<_> =
        events.iter().map(|it| (it["kind"].as_str(), it["amount"].as_i64())).collect();
    let expected = [("use", 10 << 30), ("set", 2 << 30), ("set", -twelve)];
    assert_eq!(told, expected.map(|(kind, amount)| (Some(kind), Some(amount))));
}

#[test]
fn a_count_that_is_set_past_its_limit_is_set_all_the_same() {
    let books = Books::with_alice();
    let told = books.json("set @alice media_bytes 501MB");
    assert_eq!((&told["used"], &told["over"]), (&json!(501_000_000), &json!(true)));
    assert_eq!(books.run("check @alice --cap upload_media").code, 1);
    assert!(books.done("set @alice media_bytes 501MB").contains("the limit is reached"));
}

#[test]
fn what_cannot_be_set_says_why() {
    let books = Books::with_alice();
    assert!(books.refused("set @alice media_bytes -5MB", 2).contains("less than zero"));
    books.refused("set @alice media_byte 5MB", 2);
    books.refused("set @alice media_bytes much", 2);
    assert_eq!(books.done("events --json"), "");
}

#[test]
fn a_summary_tells_every_resource_with_limit_and_overage_and_where_one_stands() {
    let books = Books::with_alice();
    books.done("group set free 'media_bytes=500MB,100MB/day soft'");
    books.done("use @alice media_bytes 120MB");
    let told = books.json("summary @alice");
    assert_eq!(keys(&told), BTreeSet::from(["subject", "group", "because", "exempt", "resources"]));
    assert_eq!((&told["group"], &told["because"]), (&json!("free"), &json!("group free")));
    let resources = told["resources"].as_array().unwrap();
    let figures = |index: usize| {
        let it = &resources[index];
        ["resource", "used", "reserved", "limit", "remaining", "overage", "period"]
            .map(|key| it[key].clone())
    };
    let (media, limit) = (json!("media_bytes"), json!(100_000_000));
    let (zero, over) = (json!(0), json!(20_000_000));
    let used = json!(120_000_000);
    assert_eq!(figures(0), [media, used, zero.clone(), limit, zero.clone(), over, json!("day")]);
    let most = json!(10_000);
    let expected =
        [json!("requests"), zero.clone(), zero.clone(), most.clone(), most, zero, json!("month")];
    assert_eq!(figures(1), expected);
    let said = books.done("summary @alice");
    assert!(said.starts_with("@alice is in group free\n"), "{said}");
    assert!(said.contains("20 MB") && said.contains("requests"), "{said}");
    books.done("user exempt @alice");
    assert!(books.done("summary @alice").contains("exempt from every limit"));
    assert!(books.done("summary @bob").contains("@bob is in no group"));
}

#[test]
fn a_history_has_a_line_for_each_day() {
    let books = Books::with_alice();
    let now = System.now();
    let ago = |days: u64| now.before(Duration::from_hours(days * 24));
    books.done(&format!("use @alice media_bytes 10MB --at {}", ago(3)));
    books.done(&format!("use @bob media_bytes 30MB --at {}", ago(3)));
    books.done("use @alice media_bytes 20MB");
    let used = |told: &Value| -> Vec<i64> {
        let days = told.as_array().unwrap().iter();
        days.map(|day| day["used"].as_i64().unwrap()).collect()
    };
    let told = books.json("history @alice media_bytes");
    let of_alice = used(&told);
    assert_eq!(keys(&told[0]), BTreeSet::from(["start", "used"]));
    // Today may have become tomorrow meanwhile.
    assert_eq!(of_alice.len(), 30);
    assert_eq!(of_alice.iter().sum::<i64>(), 30_000_000);
    let all = books.json("history media_bytes");
    assert_eq!(used(&all).iter().sum::<i64>(), 60_000_000);
    let day = ago(3).to_string();
    let day = day.split('T').next().unwrap();
    let next: Timestamp = ago(2).to_string().split('T').next().unwrap().parse().unwrap();
    let range = format!("--start {day} --end {next}");
    let one = books.json(&format!("history media_bytes {range}"));
    assert_eq!(one, json!([{ "start": format!("{day}T00:00:00Z"), "used": 40_000_000 }]));
    let said = books.done(&format!("history @alice media_bytes {range}"));
    let expected = format!("{day}  10 MB  {}", "#".repeat(40));
    assert!(said.lines().any(|line| line == expected), "{said}");
}

#[test]
fn a_history_in_another_zone_names_it_once() {
    let books = Books::new();
    books.done("group set free media_bytes=1GB --timezone Europe/Berlin --default");
    books.done("use @alice media_bytes 20MB");
    let told = books.done("history @alice media_bytes");
    assert!(told.starts_with("DAY (Europe/Berlin)"), "{told}");
    assert_eq!(told.matches("Berlin").count(), 1, "{told}");
}

#[test]
fn a_history_that_cannot_be_told_is_bad_input() {
    let books = Books::with_alice();
    books.refused("history media_byte", 2);
    books.refused("history", 2);
    books.refused("history media_bytes --start 2026-02-01 --end 2026-01-01", 2);
    books.refused("history media_bytes --step never", 2);
    books.refused("history media_bytes --step minute --start 2020-01-01", 2);
}

#[test]
fn events_are_told_the_newest_last_and_of_whom_and_what_was_asked() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 300MB --key upload-1");
    books.done("use @bob media_bytes 1MB");
    books.done("use @alice requests 7");
    books.done("reset @alice media_bytes --period month");
    let said = books.done("events @alice");
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].ends_with("  use     @alice  300 MB of media_bytes, key upload-1"), "{said:?}");
    assert!(said[1].ends_with("  use     @alice  7 of requests"), "{said:?}");
    assert!(said[2].contains("  reset   @alice  media_bytes, only "), "{said:?}");
    let all = lines(&books.done("events --json"));
    assert_eq!(all.len(), 4);
    let expected =
        "id subject group resource kind amount member at recorded reservation key bucket";
    assert_eq!(keys(&all[0]), expected.split(' ').collect());
    assert_eq!((&all[0]["key"], &all[0]["group"]), (&json!("upload-1"), &json!("free")));
    let kinds = |said: &str| -> Vec<String> {
        lines(said).iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&books.done("events @alice -n 2 --json")), ["use", "reset"]);
    assert_eq!(kinds(&books.done("events --resource requests --json")), ["use"]);
    assert_eq!(books.done("events -n 0"), books.done("events @nobody"));
    books.refused("events --resource request", 2);
    books.refused("events -n many", 2);
}

#[test]
fn everyone_the_books_know_is_listed_by_name() {
    let books = Books::with_alice();
    assert_eq!(books.json("subjects --prefix @b"), json!([]));
    assert!(books.done("subjects --prefix @b").contains("nobody whose name begins with @b"));
    books.done("use @bob requests 1");
    books.done("use @bridge_irc requests 1");
    let told = books.json("subjects");
    let names = |told: &Value| -> Vec<String> {
        let told = told.as_array().unwrap().iter();
        told.map(|it| it["subject"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&told), ["@alice", "@bob", "@bridge_irc"]);
    assert_eq!(told[0], json!({ "subject": "@alice", "last_activity": null, "group": "free" }));
    assert_eq!(told[1]["group"], Value::Null);
    assert!(told[1]["last_activity"].as_str().unwrap().parse::<Timestamp>().is_ok());
    assert_eq!(names(&books.json("subjects --prefix @b")), ["@bob", "@bridge_irc"]);
    let said = books.done("subjects");
    assert!(said.starts_with("SUBJECT") && said.lines().count() == 4, "{said}");
}

#[test]
fn a_list_longer_than_a_page_is_told_whole_and_once() {
    let books = Books::with_alice();
    books.done("group set free requests=1 --default");
    books.done("use @u0 requests 1");
    let file = Connection::open(books.0.path().join("quota.db")).unwrap();
    // Two thousand at once; the counts follow.
    file.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
         INSERT INTO event (subject, resource, kind, amount, at_ms, recorded_ms)
         SELECT '@u' || i, resource, kind, amount, at_ms, recorded_ms FROM event, n;",
    )
    .unwrap();
    drop(file);
    books.done("rebuild");
    for (line, least) in [("over requests", 2101), ("subjects", 2102)] {
        let told = books.json(line);
        let told = told.as_array().unwrap();
        let names: BTreeSet<_> = told.iter().map(|it| it["subject"].as_str().unwrap()).collect();
        assert_eq!((told.len(), names.len()), (least, least), "{line}");
        let said = books.done(line);
        assert_eq!(said.lines().count(), least + 1, "{line}");
        assert_eq!(said.matches("SUBJECT").count(), 1, "{line}");
    }
}

#[test]
fn a_rebuild_tells_what_drifted_and_corrects_it_unless_it_is_dry() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 300MB");
    let fine = books.done("rebuild");
    assert!(fine.contains("every count equals the ledger"), "{fine}");
    let file = Connection::open(books.0.path().join("quota.db")).unwrap();
    file.execute("UPDATE counter SET used = 7 WHERE account = '@alice'", ()).unwrap();
    drop(file);
    let told = books.json("rebuild --dry-run");
    assert_eq!((&told["done"], &told["dry_run"]), (&json!(true), &json!(true)));
    let drift = &told["drift"][0];
    let expected = BTreeSet::from(["resource", "per", "account", "bucket", "counted", "ledger"]);
    assert_eq!(keys(drift), expected);
    assert_eq!((&drift["counted"], &drift["ledger"]), (&json!(7), &json!(300_000_000)));
    assert_eq!(books.used("media_bytes"), 7);
    assert_eq!(books.json("rebuild --subject @bob")["drift"], json!([]));
    assert_eq!(books.used("media_bytes"), 7);
    let said = books.done("rebuild --subject @alice");
    assert!(said.contains("COUNT SAID") && said.contains("300 MB"), "{said}");
    assert_eq!(books.used("media_bytes"), 300_000_000);
    assert_eq!(books.json("rebuild")["drift"], json!([]));
}

#[test]
fn who_is_forgotten_is_in_the_books_under_no_name() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 300MB --key upload-1");
    let told = books.json("user forget @alice");
    assert_eq!((&told["done"], &told["subject"]), (&json!(true), &json!("@alice")));
    let pseudonym = told["pseudonym"].as_str().unwrap();
    assert!(pseudonym.starts_with("forgotten-"), "{told}");
    let all = books.done("events --json");
    assert!(
        all.contains(pseudonym) && !all.contains("alice") && !all.contains("upload-1"),
        "{all}"
    );
    assert_eq!(books.json("top media_bytes")[0]["subject"], pseudonym);
    assert_eq!(books.json("user list"), json!([]));
    assert!(books.refused("user forget @alice", 3).contains("@alice"));
    books.done("use @bob requests 1");
    assert!(books.done("user forget @bob").contains("@bob is forgotten"));
}
