//! `[auth]`: how users are found out.

use crate::config::section::Section;
use crate::config::value::{duration, number, wait};
use crate::matrix::Settings;

pub(in crate::config) fn auth(whole: &Section<'_>) -> Settings {
    let section = whole.section("auth");
    let default = Settings::default();
    let read = Settings {
        timeout: section.value("timeout", wait).unwrap_or(default.timeout),
        cache_ttl: section.value("cache_ttl", duration).unwrap_or(default.cache_ttl),
        negative_ttl: section.value("negative_ttl", duration).unwrap_or(default.negative_ttl),
        cache_entries: section
            .value("cache_entries", |node| number(node, &(1..=100_000_000)))
            .map_or(default.cache_entries, u64::from),
    };
    section.done();
    read
}
