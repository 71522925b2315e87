//! `[page]`: what is read, and what is refused.

use std::time::Duration;

use metergate::config::Flags;
use metergate::proxy::Page;

use crate::outcome::{accepted, complaints};

const UPSTREAM: &str = "[upstream]\nurl = \"http://h\"\n";

fn page(text: &str, environment: &[(&str, &str)]) -> Page {
    let text = format!("{UPSTREAM}{text}");
    accepted(&text, environment, Flags::default()).proxy.unwrap().page
}

#[test]
fn every_word_of_the_page_is_read_from_file_or_environment() {
    let expected = Page {
        enabled: false,
        title: "Quota".to_owned(),
        limits: false,
        paragraphs: vec!["One.".to_owned()],
        contact: Some("Ask us".to_owned()),
        contact_uri: Some("https://example.org/help".to_owned()),
        idle: Duration::from_secs(90),
    };
    let text = "[page]\nenabled = false\ntitle = \"Quota\"\nlimits = false\nparagraphs = \"One.\"\n\
                contact = \"Ask us\"\ncontact_uri = \"https://example.org/help\"\nidle = \"90s\"";
    assert_eq!(page(text, &[]), expected);
    let variables = [
        ("METERGATE_PAGE__ENABLED", "false"),
        ("METERGATE_PAGE__TITLE", "Quota"),
        ("METERGATE_PAGE__LIMITS", "false"),
        ("METERGATE_PAGE__PARAGRAPHS", "One."),
        ("METERGATE_PAGE__CONTACT", "Ask us"),
        ("METERGATE_PAGE__CONTACT_URI", "https://example.org/help"),
        ("METERGATE_PAGE__IDLE", "90s"),
    ];
    assert_eq!(page("", &variables), expected);
    assert_eq!(page("", &[]), Page::default());
}

#[test]
fn several_paragraphs_are_a_list() {
    let read = page("[page]\nparagraphs = [\"One, two.\", \"Three.\"]", &[]);
    assert_eq!(read.paragraphs, ["One, two.", "Three."]);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line() {
    let rows = [
        ("titel = \"x\"", "[page] titel is not a setting (did you mean \"title\"?)"),
        ("title = \"\"", "[page] title: is empty"),
        ("title = 7", "[page] title: needs text in quotes"),
        ("limits = \"yes\"", "[page] limits: needs true or false"),
        ("idle = \"0s\"", "[page] idle: must be at least 1s"),
        ("contact_uri = \"https://h\"", "[page] contact_uri: needs contact"),
        (
            "contact = \"a\"\ncontact_uri = \"javascript:alert(1)\"",
            "[page] contact_uri: needs an address",
        ),
        ("contact = \"a\"\ncontact_uri = \"mailto:\"", "[page] contact_uri: needs an address"),
        ("contact = \"a\"\ncontact_uri = \"https://\"", "[page] contact_uri: needs an address"),
    ];
    for (text, expected) in rows {
        let lines = complaints(&format!("{UPSTREAM}[page]\n{text}"));
        let line = if text.contains('\n') { 5 } else { 4 };
        let place = format!("metergate.toml:{line}: ");
        assert!(
            lines.iter().any(|it| it.starts_with(&format!("{place}{expected}"))),
            "{expected}: {lines:?}"
        );
    }
    let long = complaints(&format!("{UPSTREAM}[page]\nparagraphs = [\"{}\"]", "x".repeat(4001)));
    assert!(long[0].contains("[page] paragraphs: is too long"), "{long:?}");
}
