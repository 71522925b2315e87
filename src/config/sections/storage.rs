//! `[storage]`: which store, and how long it may take.

use std::time::Duration;

use crate::config::section::Section;
use crate::config::value::{only, parsed, wait};
use crate::store::StorageSpec;

/// How long the store may take to answer, unless told.
pub(in crate::config) const STORE_TIMEOUT: Duration = Duration::from_secs(5);

pub(in crate::config) fn storage(whole: &Section<'_>) -> (StorageSpec, Duration) {
    let section = whole.section("storage");
    let url = section.value("url", parsed).unwrap_or_default();
    let timeout = section.value("timeout", wait).unwrap_or(STORE_TIMEOUT);
    section.value("on_outage", only("closed", &["open"]));
    section.later("keep_events", "it keeps every event");
    section.done();
    (url, timeout)
}
