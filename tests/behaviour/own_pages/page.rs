//! `/_metergate/quota`: the page as it is served; what it does in a browser is tested in one.

use std::sync::Arc;

use super::is_readable;
use crate::support::stores::scripted;
use crate::support::{Homeserver, Request, Sidecar};

const PAGE: &str = "/_metergate/quota";
const PARTS: [(&str, &str); 6] = [
    ("/_metergate/quota/page.css", "text/css; charset=utf-8"),
    ("/_metergate/quota/page.js", "text/javascript; charset=utf-8"),
    ("/_metergate/quota/session.js", "text/javascript; charset=utf-8"),
    ("/_metergate/quota/view.js", "text/javascript; charset=utf-8"),
    ("/_metergate/quota/words.js", "text/javascript; charset=utf-8"),
    ("/_metergate/quota/icon.svg", "image/svg+xml"),
];

#[test]
fn the_page_and_its_parts_let_nothing_foreign_in() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for (path, kind) in [(PAGE, "text/html; charset=utf-8")].into_iter().chain(PARTS) {
        let answer = sidecar.ask(&Request::get(path));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.split("; ").any(|it| it == rule), "{rule}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-cache"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {name}");
        }
        is_readable(&answer);
        let text = answer.text();
        for foreign in ["style=", "onclick", "<script>", "<style", "http://", "https://", "//cdn"] {
            let only_a_name = kind == "image/svg+xml" && foreign == "http://";
            assert!(only_a_name || !text.contains(foreign), "{path}: {foreign}");
        }
    }
    assert!(homeserver.seen("").is_empty());
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
    let mut client = sidecar.client();
    for path in [PAGE, PARTS[0].0] {
        let whole = client.ask(&Request::get(path));
        let mark = whole.header("etag").unwrap().to_owned();
        for known in [mark.clone(), format!("\"x\", W/{mark}"), "*".to_owned()] {
            let again = client.ask(&Request::get(path).line(&format!("If-None-Match: {known}")));
            assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
            assert_eq!(again.header("etag"), Some(mark.as_str()));
            assert!(again.header("content-security-policy").is_some());
        }
        let other = client.ask(&Request::get(path).line("If-None-Match: \"x\""));
        assert_eq!(other.status, 200);
        let head = client.ask(&Request::new("HEAD", path));
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
    }
}

#[test]
fn an_address_that_may_hold_a_token_is_kept_by_no_cache() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let answer = sidecar.ask(&Request::get("/_metergate/quota?loginToken=hush"));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert!(!answer.text().contains("hush"));
}

#[test]
fn the_words_of_the_operator_are_shown_as_they_are() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("500MB/month,50MB/rolling 24h");
    let sidecar = sidecar.largest(20_000_000).proxy(|proxy| {
        proxy.page.title = "Uploads </title><script>alert(1)</script>".to_owned();
        proxy.page.paragraphs = vec!["One & two".to_owned(), "<b>three</b>".to_owned()];
        proxy.page.contact = Some("Ask \"us\"".to_owned());
        proxy.page.contact_uri = Some("mailto:a@example.org?subject=\"><b>".to_owned());
    });
    let text = sidecar.start().ask(&Request::get(PAGE)).text();
    assert!(!text.contains("<b>") && !text.contains("<script>alert"), "{text}");
    for told in [
        "<h1>Uploads &#60;/title&#62;&#60;script&#62;alert(1)&#60;/script&#62;</h1>",
        "One &#38; two",
        "Ask &#34;us&#34;</a>",
        "<strong>500 MB</strong> each month",
        "<strong>50 MB</strong> within any 24 hours",
        "<strong>20 MB</strong> in one file",
        "data-idle=\"300\"",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn limits_are_told_to_strangers_only_if_they_may_know() {
    let homeserver = Homeserver::start();
    let told = |limit: &str, tell: bool| {
        let sidecar = Sidecar::before(&homeserver).limit(limit);
        sidecar.proxy(|proxy| proxy.page.limits = tell).start().ask(&Request::get(PAGE)).text()
    };
    assert!(told("5MB/month", true).contains("How much is it?"));
    let silent = told("5MB/month", false);
    assert!(!silent.contains("How much is it?") && !silent.contains("5 MB"), "{silent}");
    let tried_out = told("5MB/month observe", true);
    assert!(tried_out.contains("no general limit") && !tried_out.contains("5 MB"));
}

#[test]
fn a_page_that_is_not_wanted_is_not_there() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).proxy(|proxy| proxy.page.enabled = false).start();
    for path in [PAGE, PARTS[0].0, PARTS[5].0] {
        sidecar.ask(&Request::get(path)).is_refusal(404, "M_UNRECOGNIZED");
        sidecar.ask(&Request::new("OPTIONS", path)).is_refusal(404, "M_UNRECOGNIZED");
    }
    assert_eq!(sidecar.ask(&Request::get("/_metergate/v1/quota").token("a")).status, 200);
}

#[test]
fn the_page_stays_while_the_books_are_out() {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
    store.guard().be_out(true);
    let text = sidecar.ask(&Request::get(PAGE)).text();
    assert!(text.contains("<strong>1 MB</strong> in all"), "{text}");
}

#[test]
fn what_is_not_there_is_not_and_what_is_there_is_only_read() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for path in [
        "/_metergate/quota/",
        "/_metergate/quota/page.html",
        "/_metergate/Quota",
        "/_metergate/v1/quota/",
    ] {
        sidecar.ask(&Request::get(path)).is_refusal(404, "M_UNRECOGNIZED");
    }
    let answer = sidecar.ask(&Request::post(PAGE).body(b"user=a&password=b"));
    answer.is_refusal(405, "M_UNRECOGNIZED");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert!(homeserver.seen("").is_empty());
}
