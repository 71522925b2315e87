//! `[storage]`: which store, how long it may take, what happens while it is out, and how long it
//! keeps events.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::section::Section;
use crate::config::value::{duration_from, parsed, text, wait};
use crate::quota::{Invalid, OnOutage};
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
    pub(in crate::config) on_outage: OnOutage,
    /// None where nothing outlives the process anyway.
    pub(in crate::config) journal: Option<PathBuf>,
}

pub(in crate::config) fn storage(whole: &Section<'_>, state: Option<&Path>) -> Storage {
    let section = whole.section("storage");
    let keep_events = section.value("keep_events", duration_from(LEAST_KEPT));
    let spec = section.value("url", parsed).unwrap_or_default();
    let journal = section.value("journal", |node| {
        let file = text(node)?;
        if file.is_empty() {
            let text = "needs a file, like \"/var/lib/metergate/metergate.journal\"";
            return Err(Invalid::new(text));
        }
        Ok(PathBuf::from(file))
    });
    let read = Storage {
        timeout: section.value("timeout", wait).unwrap_or(STORE_TIMEOUT),
        keep_events: keep_events.unwrap_or(KEEP_EVENTS),
        on_outage: section.value("on_outage", parsed).unwrap_or_default(),
        journal: journal.or_else(|| usual_journal(&spec, state)),
        spec,
    };
    section.done();
    read
}

/// Returns where what cannot be charged now is written: beside the books, or, where these are on
/// a server, in the folder `state` that the service manager keeps for this service, or else in
/// the present one. What is in memory goes with the process, and so may what was not charged.
fn usual_journal(spec: &StorageSpec, state: Option<&Path>) -> Option<PathBuf> {
    match spec {
        StorageSpec::Memory => None,
        StorageSpec::Sqlite(file) => {
            // SQLite itself writes beside its file, under names with a dash.
            let mut name = file.clone().into_os_string();
            name.push(".journal");
            Some(name.into())
        }
        StorageSpec::Postgres(_) | StorageSpec::Redis(_) => {
            Some(state.unwrap_or(Path::new("")).join("metergate.journal"))
        }
    }
}
