//! `[page]`: the page that tells users about their quota.

use std::time::Duration;

use http::Uri;

use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{duration_from, text, yes};
use crate::proxy::Page;
use crate::quota::Invalid;

/// The longest text that is shown, in bytes.
const LONGEST: usize = 4000;

pub(in crate::config) fn page(whole: &Section<'_>) -> Page {
    let section = whole.section("page");
    let default = Page::default();
    let read = Page {
        enabled: section.value("enabled", yes).unwrap_or(default.enabled),
        title: section.value("title", prose).unwrap_or(default.title),
        limits: section.value("limits", yes).unwrap_or(default.limits),
        paragraphs: section.list("paragraphs", prose).unwrap_or(default.paragraphs),
        contact: section.value("contact", prose),
        contact_uri: section.value("contact_uri", contact_uri),
        idle: section.value("idle", duration_from(Duration::from_secs(1))).unwrap_or(default.idle),
    };
    if read.contact.is_none() && section.place("contact").is_none() {
        section.refuse("contact_uri", "needs contact, the words that link there");
    }
    section.done();
    read
}

/// Reads words for people.
fn prose(node: &Node) -> Result<String, Invalid> {
    let text = text(node)?;
    if text.is_empty() {
        return Err(Invalid::new("is empty: write some words, or leave it out"));
    }
    if text.len() > LONGEST {
        return Err(Invalid::new(format!("is too long: at most {LONGEST} bytes")));
    }
    Ok(text.to_owned())
}

/// Reads where a user finds somebody to ask; nothing that a browser would run.
fn contact_uri(node: &Node) -> Result<String, Invalid> {
    let text = text(node)?;
    let is_web = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|it| !it.is_empty())
    };
    let behind = |scheme: &str| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty());
    let plain = text.chars().all(|letter| letter.is_ascii_graphic());
    let good = plain
        && (behind("mailto:")
            || behind("matrix:")
            || text.parse().ok().as_ref().is_some_and(is_web));
    if !good {
        return Err(Invalid::new(
            "needs an address to write to, like \"https://example.org/help\", \"mailto:admin@example.org\" or \"matrix:u/admin:example.org\"",
        ));
    }
    Ok(text.to_owned())
}
