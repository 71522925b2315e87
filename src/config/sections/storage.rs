//! `[storage]`: which store, how long it may take, and how long it keeps events.

use std::time::Duration;

use crate::config::section::Section;
use crate::config::value::{duration_from, only, parsed, wait};
use crate::store::StorageSpec;

/// How long the store may take to answer, unless told.
pub(in crate::config) const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long events are kept, unless told.
pub(in crate::config) const KEEP_EVENTS: Duration = Duration::from_hours(400 * 24);
/// The shortest: facts are recorded up to 35 days late.
const LEAST_KEPT: Duration = Duration::from_hours(36 * 24);

/// What `[storage]` says.
pub(in crate::config) struct Storage {
    pub(in crate::config) spec: StorageSpec,
    pub(in crate::config) timeout: Duration,
    pub(in crate::config) keep_events: Duration,
}

pub(in crate::config) fn storage(whole: &Section<'_>) -> Storage {
    let section = whole.section("storage");
    let keep_events = section.value("keep_events", duration_from(LEAST_KEPT));
    let read = Storage {
        spec: section.value("url", parsed).unwrap_or_default(),
        timeout: section.value("timeout", wait).unwrap_or(STORE_TIMEOUT),
        keep_events: keep_events.unwrap_or(KEEP_EVENTS),
    };
    section.value("on_outage", only("closed", &["open"]));
    section.done();
    read
}
