//! `[log]`: what is written to standard error, and how.

use tracing::Level;

use crate::config::section::Section;
use crate::config::value::{word, yes};
use crate::telemetry::log::{Format, Settings};

const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];
const FORMATS: [(&str, Format); 2] = [("text", Format::Text), ("json", Format::Json)];

/// Returns the log's settings, and whether each exchange is a line of it.
pub(in crate::config) fn log(whole: &Section<'_>) -> (Settings, Option<bool>) {
    let section = whole.section("log");
    let default = Settings::default();
    let read = Settings {
        level: section.value("level", |node| word(node, &LEVELS)).unwrap_or(default.level),
        format: section.value("format", |node| word(node, &FORMATS)).unwrap_or(default.format),
    };
    let access = section.value("access", yes);
    section.done();
    (read, access)
}
