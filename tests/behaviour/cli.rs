//! The command line: the real binary on a file of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what helps tests may fail them")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use metergate::clock::{Clock, System};
use metergate::engine::{Ask, Engine};
use metergate::quota::{Amount, Subject};
use metergate::store::{self, StorageSpec};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with a database in it, gone when dropped.
struct Books(TempDir);

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Books {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Books with @alice in a group of 500 MB and 10000 requests.
    fn with_alice() -> Self {
        let books = Self::new();
        books.done("group set free media_bytes=500MB requests=10000");
        books.done("user set @alice --group free");
        books
    }

    fn storage(&self) -> String {
        format!("sqlite:{}", self.0.path().join("quota.db").display())
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_metergate"));
        command
            .args(words(line))
            .env_clear()
            .env("METERGATE_STORAGE", self.storage())
            .current_dir(self.0.path());
        command
    }

    fn run(&self, line: &str) -> Said {
        Said::of(self.command(line).output().unwrap())
    }

    /// Runs a command that must succeed; returns what it printed.
    fn done(&self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{line}: {said:?}");
        said.out
    }

    /// Runs a command that must end with `code` and one sentence, which is returned.
    fn refused(&self, line: &str, code: i32) -> String {
        let said = self.run(line);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{line}: {said:?}");
        let sentence = said.err.strip_prefix("error: ").and_then(|err| err.strip_suffix('\n'));
        let sentence = sentence.unwrap_or_else(|| panic!("{line}: {said:?}"));
        assert!(!sentence.contains('\n') && sentence.len() > 10, "{line}: {said:?}");
        sentence.to_owned()
    }

    /// Runs a command with --json; returns what it printed.
    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} --json")).out).unwrap()
    }

    /// Returns how much @alice used of `resource`.
    fn used(&self, resource: &str) -> i64 {
        self.json(&format!("usage @alice {resource}"))["used"].as_i64().unwrap()
    }
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Splits a line as a shell does that knows single quotes and comments.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap();
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// Returns the keys of an object in the order of the alphabet.
fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_command_lines_of_the_ancestor_work_word_for_word() {
    let books = Books::new();
    let lines = "\
metergate group set free media_bytes=500MB requests=10000
metergate cap set upload_media media_bytes
metergate user set @alice --group free
metergate use @alice media_bytes 300MB
metergate check @alice --cap upload_media     # prints ALLOWED/DENIED, exits 0/1
metergate over media_bytes                    # who's over this month
metergate top media_bytes -n 10               # biggest users";
    let said: Vec<_> =
        lines.lines().map(|line| books.done(line.strip_prefix("metergate ").unwrap())).collect();
    assert!(said[4].starts_with("ALLOWED "), "{said:?}");
    assert!(said[6].contains("@alice"), "{said:?}");
    books.done("use @alice media_bytes 200MB");
    let denied = books.run("check @alice --cap upload_media");
    assert_eq!(denied.code, 1);
    assert!(denied.out.starts_with("DENIED "), "{denied:?}");
    assert!(books.done("over media_bytes").contains("@alice"));
}

#[test]
fn the_storage_can_be_named_as_the_ancestor_named_it() {
    let books = Books::new();
    let said = books.run("--storage memory check @alice --cap upload_media");
    assert_eq!(said.code, 0);
    assert!(said.err.starts_with("warning: memory"), "{said:?}");
    books.done("--storage sqlite:other.db use @alice media_bytes 1MB");
    assert!(books.0.path().join("other.db").exists());
    assert!(!books.0.path().join("quota.db").exists());
    assert_eq!(books.used("media_bytes"), 0);
}

#[test]
fn without_a_storage_the_file_is_metergate_db() {
    let books = Books::new();
    for storage in [None, Some("")] {
        let mut command = books.command("use @alice media_bytes 1MB");
        command.env_remove("METERGATE_STORAGE");
        storage.map(|storage| command.env("METERGATE_STORAGE", storage));
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
    }
    assert!(books.0.path().join("metergate.db").exists());
}

#[test]
fn without_arguments_it_helps_and_exits_2() {
    let said = Books::new().run("");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("metergate group set free"), "{said:?}");
    let said = Books::new().run("--help");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("metergate serve --upstream"), "{said:?}");
}

#[test]
fn an_answer_to_check_is_one_line_that_starts_with_the_answer() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 498MB");
    let allowed = books.done("check @alice --cap upload_media --amount 2MB");
    let denied = books.run("check @alice --cap upload_media --amount 12MB");
    assert_eq!(denied.code, 1);
    for (answer, first, figures) in [
        (&allowed, "ALLOWED", ["498 MB", "500 MB", "2 MB left", "resets"]),
        (&denied.out, "DENIED", ["498 MB", "500 MB", "12 MB", "resets"]),
    ] {
        assert_eq!(answer.split(' ').next(), Some(first));
        assert_eq!(answer.lines().count(), 1, "{answer}");
        for figure in figures {
            assert!(answer.contains(figure), "{answer}");
        }
    }
}

#[test]
fn a_check_writes_nothing() {
    let books = Books::with_alice();
    let file = books.0.path().join("quota.db");
    let before = std::fs::read(&file).unwrap();
    books.done("check @alice --cap upload_media --amount 2MB");
    books.done("usage @alice");
    books.done("top media_bytes");
    assert!(std::fs::read(&file).unwrap() == before, "the database was written to");
}

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

#[test]
fn what_makes_no_sense_exits_2_and_what_is_not_there_3() {
    let books = Books::with_alice();
    for (line, code) in [
        ("grop list", 2),
        ("group set free media_bytes", 2),
        ("group set free media_bytes=5G", 2),
        ("group set free media_bytes=5MB/fortnight", 2),
        ("group set free media_bytes=1MB media_bytes=2MB", 2),
        ("group set free timezone=UTC", 2),
        ("group set 'a b' media_bytes=1MB", 2),
        ("use @alice media_bytes many", 2),
        ("use @alice requests 5MB", 2),
        ("use '@al ice' requests 5", 2),
        ("use @alice", 2),
        ("check @alice", 2),
        ("check @alice --cap nothing", 2),
        ("check @alice --cap upload_media --amount=-5", 2),
        ("usage @alice nothing", 2),
        ("usage @alice media_bytes --range 2026-02-01 2026-01-01", 2),
        ("usage @alice media_bytes --period fortnight", 2),
        ("user set @alice --group free --until tomorrow", 2),
        ("top media_bytes -n many", 2),
        ("override set @alice nothing=5", 2),
        ("--storage mysql:x over media_bytes", 2),
        ("group show nothing", 3),
        ("group remove nothing", 3),
        ("cap remove nothing", 3),
        ("rule add '@*' --group nothing", 3),
        ("rule remove '@*'", 3),
        ("user set @alice --group nothing", 3),
        ("user remove @nobody", 3),
        ("override remove @nobody", 3),
        ("--storage sqlite:/nowhere/at/all.db over media_bytes", 5),
        ("--storage sqlite:. over media_bytes", 5),
    ] {
        books.refused(line, code);
    }
}

#[test]
fn a_mistyped_name_suggests_the_nearest() {
    let books = Books::with_alice();
    for (line, code, nearest) in [
        ("over media_byte", 2, "media_bytes"),
        ("use @alice media-bytes 5MB", 2, "media_bytes"),
        ("override set @alice media_byte=5MB", 2, "media_bytes"),
        ("check @alice --cap upload-media", 2, "upload_media"),
        ("user set @alice --group fre", 3, "free"),
        ("group show fre", 3, "free"),
        ("group set free media_bytes=5MB/mnth", 2, "month"),
        ("usge @alice", 2, "usage"),
        ("usage @alice --perod day", 2, "--period"),
    ] {
        let sentence = books.refused(line, code);
        assert!(sentence.contains(nearest), "{line}: {sentence}");
    }
}

#[test]
fn a_store_that_cannot_be_read_is_named() {
    let books = Books::new();
    let file = books.0.path().join("quota.db");
    std::fs::write(&file, "this is a letter, and no database at all").unwrap();
    let sentence = books.refused("over media_bytes", 5);
    assert!(sentence.contains("quota.db"), "{sentence}");
}

#[test]
fn a_password_in_the_storage_is_not_repeated() {
    let books = Books::new();
    let sentence = books.refused("--storage postgresql://u:hunter2@db/x over media_bytes", 2);
    assert!(!sentence.contains("hunter2"), "{sentence}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let books = Books::with_alice();
    for line in ["group list", "--help"] {
        let mut command = books.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let said = Said::of(child.wait_with_output().unwrap());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{line}");
    }
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

#[tokio::test]
async fn a_change_counts_at_the_next_decision_of_a_running_instance() {
    let books = Books::with_alice();
    let storage: StorageSpec = books.storage().parse().unwrap();
    let store = store::open(&storage).unwrap();
    let engine = Engine::start(store, Arc::new(System)).await.unwrap();
    let alice: Subject = "@alice".parse().unwrap();
    let ask = Ask::upload(Amount::new(400_000_000));
    assert!(engine.check(&alice, &ask).await.unwrap().allowed);
    books.done("use @alice media_bytes 200MB");
    assert!(!engine.check(&alice, &ask).await.unwrap().allowed);
    books.done("override set @alice media_bytes=1GB");
    assert!(engine.check(&alice, &ask).await.unwrap().allowed);
    let hold = engine.reserve(&alice, &ask).await.unwrap().hold.unwrap();
    assert_eq!(books.json("usage @alice media_bytes")["reserved"], 400_000_000);
    let _charge = hold.settle(Amount::new(300_000_000)).await.unwrap();
    engine.close().await.unwrap();
    assert_eq!(books.used("media_bytes"), 500_000_000);
}

#[test]
fn a_configuration_is_checked_without_starting_anything() {
    let books = Books::new();
    let file = books.0.path().join("metergate.toml");
    std::fs::write(&file, "[upstream]\nurl = \"http://127.0.0.1:8008\"\n[policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"500MB/month\"\n").unwrap();
    assert!(books.done("config check metergate.toml").contains("is fine"));
    assert_eq!(books.json("config check metergate.toml")["fine"], true);
    assert!(!books.0.path().join("metergate.db").exists());
}

#[test]
fn every_mistake_in_a_configuration_is_told_with_its_line() {
    let books = Books::new();
    let file = books.0.path().join("wrong.toml");
    std::fs::write(
        &file,
        "[upstrem]\nurl = \"http://127.0.0.1:8008\"\n[limits]\nconnections = \"many\"\n",
    )
    .unwrap();
    let said = books.run("config check wrong.toml");
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.lines().count() >= 2, "{said:?}");
    assert!(said.err.lines().all(|line| line.starts_with("error: wrong.toml")), "{said:?}");
    assert!(said.err.contains("wrong.toml:4"), "{said:?}");
    let told = books.json("config check wrong.toml");
    assert_eq!(told["fine"], false);
    assert_eq!(told["complaints"].as_array().unwrap().len(), said.err.lines().count());
    books.refused("config check nothing.toml", 2);
}

#[test]
fn what_is_wrong_with_serve_is_told_before_it_starts() {
    let books = Books::new();
    for line in [
        "serve --upstream http://127.0.0.1:8008 --limit media_bytes=5G",
        "serve --upstream 127.0.0.1",
        "serve --config nothing.toml",
        "serve --port 99999",
        "serve --token a --token-file b",
    ] {
        let said = books.run(line);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{line}: {said:?}");
        assert!(said.err.starts_with("error: "), "{line}: {said:?}");
    }
}

/// A running `metergate serve`, ended when dropped.
struct Served {
    process: Child,
    /// Where its API listens.
    address: String,
}

impl Served {
    /// Starts the quota API alone, on a free port.
    fn on(books: &Books) -> Self {
        let mut command = books.command("serve --port 0 --token s3cret");
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = log.by_ref().find_map(|line| {
            let line = line.unwrap();
            let address = line.split("address=").nth(1)?.split_whitespace().next()?;
            line.contains("API").then(|| address.to_owned())
        });
        // Read to the end, so that the process can always write.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, address: address.unwrap() }
    }

    /// Returns what `GET path` answers.
    fn asked(&self, path: &str) -> Value {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{answer}: {error}"))
    }

    /// Tells it to stop; returns its exit code.
    fn stop(mut self) -> i32 {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_command_counts_at_once_in_a_server_on_the_same_file() {
    let books = Books::with_alice();
    let served = Served::on(&books);
    let check = "/v1/check?subject=@alice&capability=upload_media&amount=400MB";
    assert_eq!(served.asked(check)["allowed"], true);
    books.done("use @alice media_bytes 200MB");
    assert_eq!(served.asked(check)["allowed"], false);
    books.done("user exempt @alice");
    assert_eq!(served.asked(check)["allowed"], true);
    let by_command = books.json("check @alice --cap upload_media --amount 400MB");
    assert_eq!(served.asked(check), by_command);
    assert_eq!(served.stop(), 0);
}
