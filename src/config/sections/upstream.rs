//! `[upstream]`: the homeserver.

use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{only, parsed, text};
use crate::net::Origin;
use crate::quota::Invalid;

/// Returns the homeserver; none without the section.
pub(in crate::config) fn upstream(whole: &Section<'_>) -> Option<Origin> {
    let section = whole.section("upstream");
    let url = section.value("url", origin);
    section.value("protocol", only("http1", &["h2c"]));
    section.later("ca", "it speaks http to the homeserver, not https");
    section.needs("url", "\"http://127.0.0.1:8008\"");
    section.done();
    url
}

fn origin(node: &Node) -> Result<Origin, Invalid> {
    let url = text(node)?;
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if scheme.eq_ignore_ascii_case("https") {
        return Err(Invalid::new(
            "https to the homeserver is not in this version: write http://host:port or unix:/path",
        ));
    }
    parsed(node)
}
