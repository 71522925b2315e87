//! Tokens and passwords: where they come from, and that nobody reads them in a complaint.

use std::fs;

use metergate::config::Flags;
use metergate::telemetry::Secret;

use crate::outcome::{accepted, complaints, outcome};

#[test]
fn a_token_comes_from_file_variable_or_flag() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "from-a-file\n").unwrap();
    let in_file = format!("[admin]\ntoken_file = {:?}", file.to_str().unwrap());
    let token =
        |text: &str, environment: &[_], flags| accepted(text, environment, flags).admin.token;
    assert_eq!(token(&in_file, &[], Flags::default()), Some(Secret::new("from-a-file")));
    // Another name for the same thing, in a source that counts before.
    let variable = [("METERGATE_ADMIN__TOKEN", "from-a-variable")];
    assert_eq!(token(&in_file, &variable, Flags::default()), Some(Secret::new("from-a-variable")));
    let flags = Flags { token_file: Some(file), ..Flags::default() };
    assert_eq!(token("", &variable, flags), Some(Secret::new("from-a-file")));
}

#[test]
fn a_bad_token_is_refused_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "\n").unwrap();
    let rows = [
        ("token = \"\"".to_owned(), "empty"),
        ("token = \"xyz\"".to_owned(), "too short"),
        ("token = \"hunter2 hunter2\"".to_owned(), "no spaces"),
        ("token = 4711".to_owned(), "needs text in quotes, not a number"),
        ("token = \"hunter2\"\ntoken_file = \"/nowhere\"".to_owned(), "keep one"),
        ("token_file = \"/nowhere\"".to_owned(), "cannot be read"),
        (format!("token_file = {:?}", empty.to_str().unwrap()), "empty"),
    ];
    for (text, expected) in rows {
        let lines = complaints(&format!("[admin]\n{text}")).join("\n");
        assert!(lines.contains(expected), "{lines}");
        for secret in ["xyz", "hunter2", "4711"] {
            assert!(!lines.contains(secret), "{lines}");
        }
    }
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    let lines = complaints(
        "[upstream]\nurl = \"http://u:hunter2@h\"\n[storage]\nurl = \"postgresql://u:hunter2@h/d?sslmode=hunter2\"\n[reject]\ninfo_uri = \"ftp://u:hunter2@h\"",
    );
    assert_eq!(lines.len(), 3);
    assert!(!lines.join("").contains("hunter2"), "{lines:?}");
    let (lines, loaded) =
        outcome("", &[("METERGATE_STORAGE", "mysql://u:hunter2@h")], Flags::default());
    assert_eq!(loaded, None);
    assert!(!lines.join("").contains("hunter2"), "{lines:?}");
}

#[test]
fn a_token_opens_the_api_to_other_machines() {
    let text = "[admin]\nlisten = \"0.0.0.0:8400\"\ntoken = \"0123456789abcdef\"";
    assert_eq!(outcome(text, &[], Flags::default()).0, Vec::<String>::new());
    let text = "[admin]\nlisten = \"0.0.0.0:8400\"\ntoken = \"s3cret\"";
    let (warnings, loaded) = outcome(text, &[], Flags::default());
    assert!(loaded.is_some());
    assert_eq!(
        warnings,
        [
            "metergate.toml:2: [admin] listen: can be reached from other machines, and the token is short: write at least 16 characters"
        ]
    );
}

#[test]
fn a_secret_of_webhooks_and_their_address_are_refused_and_not_repeated() {
    let good = "0123456789abcdef";
    let rows = [
        ("url = \"https://h\"\nsecret = \"\"".to_owned(), "empty"),
        ("url = \"https://h\"\nsecret = \"whsec_hunter2!\"".to_owned(), "not Base64"),
        ("url = \"https://h\"\nsecret = 4711".to_owned(), "needs text in quotes, not a number"),
        ("url = \"https://h\"\nsecret_file = \"/nowhere\"".to_owned(), "cannot be read"),
        (
            format!("url = \"https://h\"\nsecret = \"{good}\"\nsecret_file = \"/nowhere\""),
            "keep one",
        ),
        (format!("url = \"https://u:hunter2@h\"\nsecret = \"{good}\""), "holds a user"),
        (format!("url = \"h/hunter2\"\nsecret = \"{good}\""), "needs a web address"),
        (format!("url = \"https://h/hunter2#a\"\nsecret = \"{good}\""), "holds a"),
        (format!("url = \"https://h:0/hunter2\"\nsecret = \"{good}\""), "port"),
    ];
    for (text, expected) in rows {
        let lines = complaints(&format!("[[notify]]\n{text}")).join("\n");
        assert!(lines.contains(expected), "{lines}");
        for secret in ["hunter2", "4711", good] {
            assert!(!lines.contains(secret), "{lines}");
        }
    }
}
