//! export, import, move: everything at once.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Books, Said};

impl Books {
    /// Writes a file beside the database.
    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Runs a command that is told `text` on standard input.
    fn told(&self, line: &str, text: &str) -> Said {
        let mut command = self.command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        Said::of(child.wait_with_output().unwrap())
    }
}

#[test]
fn an_export_is_one_document_that_comes_back_as_the_same_bytes() {
    let books = Books::with_alice();
    books.done("override set @alice media_bytes=1GB --note 'asked on Monday'");
    books.done("rule add '@*:example.org' --group free");
    books.done("use @alice media_bytes 30MB --key k");
    let policy = books.done("export");
    assert!(policy.ends_with("}\n") && !policy.contains("events"), "{policy}");
    let read: Value = serde_json::from_str(&policy).unwrap();
    let keys: Vec<_> = read.as_object().unwrap().keys().collect();
    let expected = [
        "boosts",
        "capabilities",
        "default_group",
        "groups",
        "overrides",
        "resources",
        "rules",
        "subjects",
    ];
    assert_eq!(keys, expected);
    assert_eq!(read["groups"]["free"], json!({"media_bytes": "500000000", "requests": "10000"}));
    assert_eq!(books.json("export"), read);

    let whole = books.done("export --usage");
    let other = Books::new();
    let said = other.told("import -", &whole);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("+ group free media_bytes 500 MB\n"), "{said:?}");
    assert!(said.out.contains("; 1 events\n"), "{said:?}");
    assert_eq!(other.done("export --usage"), whole);
    assert_eq!(other.used("media_bytes"), 30_000_000);
    // The key is known: told again, it is counted once.
    other.done("use @alice media_bytes 30MB --key k");
    assert_eq!(other.used("media_bytes"), 30_000_000);
}

#[test]
fn an_import_merges_unless_told_and_a_dry_run_writes_nothing() {
    let books = Books::with_alice();
    let before = books.done("export");
    books.file("q.json", r#"{"groups":{"free":{"media_bytes":"1 GB/month"},"new":{"uploads":3}}}"#);
    let told = books.done("import q.json --dry-run");
    let expected = "~ group free media_bytes 500 MB → 1 GB/month\n+ group new\n+ group new uploads 3\n3 entries would change\n";
    assert_eq!(told, expected);
    assert!(
        books.done("import q.json --replace --dry-run").contains("- group free requests 10000")
    );
    assert_eq!(books.done("export"), before);
    books.done("import q.json --merge");
    assert_eq!(books.json("group show free")["limits"]["requests"], "10000");
    assert_eq!(books.json("user show @alice")["group"], "free");
    let said = books.json("import q.json --replace");
    assert_eq!((&said["done"], &said["dry_run"]), (&json!(true), &json!(false)));
    let gone = json!({"what": "subject @alice group", "before": "free", "after": null});
    assert!(said["changes"].as_array().unwrap().contains(&gone), "{said}");
    assert_eq!(books.json("user list"), json!([]));
    assert_eq!(books.done("import q.json"), "nothing changed in the policy\n");
}

#[test]
fn what_cannot_be_imported_is_refused_in_one_sentence_and_changes_nothing() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 1MB");
    let before = books.done("export --usage");
    for (text, code, hint) in [
        ("{\"groups\":", 2, "stops in the middle of line 1"),
        ("{\"events\":[\n{\"id\":1,\"subj", 2, "stops in the middle of line 2"),
        (r#"{"groups":{"a":{"media_bytes":99999999999999999999}}}"#, 2, "past 64 bits"),
        (r#"{"grops":{}}"#, 2, "did you mean \"groups\""),
        (r#"{"groups":{"a":{"x":1,"x":2}}}"#, 2, "/groups/a/x is named twice"),
        (r#"{"groups":{"a":{"media_bytes":"5G"}}}"#, 2, "/groups/a/media_bytes"),
        (r#"{"subjects":{"@b":{"group":"fre"}}}"#, 2, "did you mean \"free\""),
        (r#"{"events":[{"subject":"@b"}]}"#, 2, "/events/0: "),
        (r#"{"events":[]}"#, 4, "--replace"),
        ("a: [", 2, "line 1"),
        ("a: 1\na: 2\n", 2, "a"),
        ("", 2, "neither an export"),
        ("media_upload_limits:\n  - max_size: 100MB\n    time_period: 1d\n", 2, "like 100M"),
        ("quotas:\n  enabled: true\n  users: none\n", 2, "/quotas/users"),
    ] {
        books.file("q", text);
        let sentence = books.refused("import q", code);
        assert!(sentence.contains(hint), "{text}: {sentence}");
        let said = books.told("import -", text);
        assert_eq!(said.code, code, "{text}: {said:?}");
    }
    assert!(books.refused("import missing.json", 2).contains("missing.json: cannot be read"));
    books.refused("import q --merge --replace", 2);
    assert_eq!(books.done("export --usage"), before);
}

#[test]
fn limits_of_synapse_are_understood_within_its_whole_configuration() {
    let books = Books::new();
    books.file(
        "homeserver.yaml",
        "server_name: example.org\nlisteners:\n  - port: 8008\nmedia_upload_limits:\n  - time_period: 1d\n    max_size: 100M\n  - time_period: 1w\n    max_size: 500M\n",
    );
    let told = books.done("import homeserver.yaml");
    assert!(told.starts_with("media_upload_limits of Synapse: everyone is in group synapse"));
    assert!(told.contains("104.85 MB (104857600) in the last 24 hours"), "{told}");
    assert_eq!(books.run("check @new --cap upload_media --amount 100MiB").code, 0);
    assert_eq!(books.run("check @new --cap upload_media --amount 104857601").code, 1);
}

#[test]
fn quotas_of_matrix_media_repo_become_rules_and_count_files() {
    let books = Books::new();
    books.file(
        "media-repo.yaml",
        "repo:\n  port: 8000\nuploads:\n  maxBytes: 104857600\n  quotas:\n    enabled: true\n    users:\n      - glob: '@admin:*'\n        maxBytes: -1\n      - glob: '@*:*'\n        maxBytes: 1000\n        maxPending: 5\n        maxFiles: 2\n",
    );
    let told = books.done("import media-repo.yaml");
    assert!(told.contains("@*:* is in group media-repo-2: 1 kB in all, 2 files in all"), "{told}");
    assert!(told.contains("maxPending of @*:* stays behind"), "{told}");
    assert_eq!(books.run("check @admin:x --cap upload_media --amount 1GB").code, 0);
    assert_eq!(books.run("check @a:x --cap upload_media --amount 1001").code, 1);
    books.done("use @a:x uploads 2");
    assert_eq!(books.run("check @a:x --cap upload_media --amount 1").code, 1);
}

#[test]
fn books_move_to_an_empty_store_and_to_no_other() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 30MB --key k");
    books.done("use @alice requests 3");
    let before = books.done("export --usage");
    let told = books.done("move --to sqlite:new.db");
    assert!(told.contains("2 events, ") && told.contains("1 subjects are the same"), "{told}");
    assert_eq!(books.done("export --usage --storage sqlite:new.db"), before);
    assert_eq!(books.done("export --usage"), before);
    assert!(books.refused("move --to sqlite:new.db", 4).contains("is not empty"));
    assert!(books.refused("move --to memory:", 2).contains("write sqlite:FILE"));
    assert_eq!(books.refused("move --to nowhere:", 2).lines().count(), 1);
    let back = books.run("move --storage sqlite:new.db --to sqlite:third.db --json");
    let back: Value = serde_json::from_str(&back.out).unwrap();
    assert_eq!((&back["done"], &back["lines"]), (&json!(true), &json!(2)));
}

#[test]
fn another_policy_is_tried_on_what_happened() {
    let books = Books::with_alice();
    books.done("use @alice media_bytes 30MB");
    books.done("use @alice media_bytes 30MB");
    books.done("use @bob media_bytes 20MB");
    books.file(
        "policy.toml",
        "[policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"50MB/month\"\n",
    );
    let before = books.done("export --usage");
    let found = books.json("simulate policy.toml");
    assert_eq!(
        (&found["asked"], &found["allowed"], &found["denied"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let refused = &found["refused"][0];
    assert_eq!((&refused["subject"], &refused["amount"]), (&json!("@alice"), &json!(30_000_000)));
    assert_eq!(refused["window"]["limit"], 50_000_000);
    let told = books.done("simulate policy.toml");
    assert!(told.contains("@alice   media_bytes  1      30 MB"), "{told}");
    assert!(told.ends_with("3 asked: 2 allowed, 1 refused\n"), "{told}");
    assert!(books.done("simulate policy.toml --end 2020-01-01").contains("nobody would have been"));
    assert_eq!(books.done("export --usage"), before);
    assert!(books.refused("simulate missing.toml", 2).contains("missing.toml"));
    assert!(
        books
            .refused("simulate policy.toml --start 2026-02-01 --end 2026-01-01", 2)
            .contains("later")
    );
    books.file("policy.toml", "[policy]\ndefault_group = 5\n");
    assert!(books.refused("simulate policy.toml", 2).contains("policy.toml:2"));
}
