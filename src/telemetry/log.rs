//! The log: one subscriber, to standard error, as text or JSON.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// The log's part of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The least severe lines of our own that are written; of the libraries, warnings and errors.
    /// Default `info`.
    pub level: Level,
    /// How a line is written. Default text.
    pub format: Format,
}

impl Default for Settings {
    fn default() -> Self {
        Self { level: Level::INFO, format: Format::Text }
    }
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: time, level, text, fields.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// The log was set up before.
#[derive(Debug, thiserror::Error)]
#[error("the log is set up already")]
pub struct AlreadySetUp(#[source] tracing_subscriber::util::TryInitError);

/// Begins to write the log to standard error, for the whole process.
///
/// # Errors
/// If somebody has done so before; nothing is changed then.
pub fn init(settings: &Settings) -> Result<(), AlreadySetUp> {
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match settings.format {
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(worth_telling(settings.level)))
        .try_init()
        .map_err(AlreadySetUp)
}

/// Everything of ours down to `level`; of others only what somebody should look at.
fn worth_telling(level: Level) -> Targets {
    let of_others = LevelFilter::from_level(level).min(LevelFilter::WARN);
    Targets::new().with_default(of_others).with_target(env!("CARGO_CRATE_NAME"), level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_lines_are_told_at_the_level_asked_for() {
        let lines = worth_telling(Level::DEBUG);
        assert!(lines.would_enable("metergate::proxy", &Level::DEBUG));
        assert!(!lines.would_enable("metergate::proxy", &Level::TRACE));
    }

    #[test]
    fn libraries_only_warn() {
        let lines = worth_telling(Level::TRACE);
        assert!(lines.would_enable("hyper::proto", &Level::WARN));
        assert!(!lines.would_enable("hyper::proto", &Level::INFO));
        let errors = worth_telling(Level::ERROR);
        assert!(!errors.would_enable("hyper::proto", &Level::WARN));
    }
}
