//! `[upstream]`: the homeserver.

use std::path::Path;

use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{parsed, text, word};
use crate::net::{Origin, Protocol, Roots};
use crate::quota::Invalid;

/// What the section says.
pub(in crate::config) struct Upstream {
    /// None without the section.
    pub(in crate::config) origin: Option<Origin>,
    pub(in crate::config) protocol: Protocol,
    pub(in crate::config) roots: Option<Roots>,
}

pub(in crate::config) fn upstream(whole: &Section<'_>) -> Upstream {
    let section = whole.section("upstream");
    let origin = section.value("url", parsed);
    let known = [("http1", Protocol::Http1), ("h2c", Protocol::H2c)];
    let protocol = section.value("protocol", |node| word(node, &known)).unwrap_or_default();
    let roots = section.value("ca", roots);
    let is_secure = matches!(origin, Some(Origin::Https { .. }));
    if is_secure && protocol == Protocol::H2c {
        let instead = "h2c is HTTP/2 in the clear: write \"http1\" to speak https, or leave it out";
        section.refuse("protocol", instead);
    }
    if !is_secure && origin.is_some() && roots.is_some() {
        section.refuse("ca", "is for https only: write url = \"https://…\", or leave it out");
    }
    section.needs("url", "\"http://127.0.0.1:8008\"");
    section.done();
    Upstream { origin, protocol, roots }
}

fn roots(node: &Node) -> Result<Roots, Invalid> {
    Roots::read(Path::new(text(node)?)).map_err(|bad| Invalid::new(bad.to_string()))
}
