//! `[reject]`: how an upload past its quota is refused.

use std::time::Duration;

use http::Uri;

use crate::config::section::Section;
use crate::config::tree::Node;
use crate::config::value::{duration_from, text, word};
use crate::proxy::{Errcode, Refusal};
use crate::quota::Invalid;

const ERRCODES: [(&str, Errcode); 3] = [
    ("M_LIMIT_EXCEEDED", Errcode::LimitExceeded),
    ("M_USER_LIMIT_EXCEEDED", Errcode::UserLimitExceeded),
    ("M_FORBIDDEN", Errcode::Forbidden),
];

pub(in crate::config) fn reject(whole: &Section<'_>) -> Refusal {
    let section = whole.section("reject");
    let default = Refusal::default();
    let read = Refusal {
        errcode: section.value("errcode", |node| word(node, &ERRCODES)).unwrap_or(default.errcode),
        retry_after_max: section
            .value("retry_after_max", duration_from(Duration::from_secs(1)))
            .unwrap_or(default.retry_after_max),
        info_uri: section.value("info_uri", info_uri),
    };
    if read.errcode == Errcode::UserLimitExceeded && section.place("info_uri").is_none() {
        section.refuse(
            "errcode",
            "M_USER_LIMIT_EXCEEDED needs info_uri, the page that tells users what to do",
        );
    }
    section.done();
    read
}

/// Reads the address of a web page; it is not repeated, as it may hold a password.
fn info_uri(node: &Node) -> Result<String, Invalid> {
    let text = text(node)?;
    let uri = text.parse::<Uri>().ok();
    let is_page = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|it| !it.is_empty())
    };
    if !uri.as_ref().is_some_and(is_page) {
        return Err(Invalid::new(
            "needs the address of a web page, like \"https://example.org/quota\"",
        ));
    }
    Ok(text.to_owned())
}
