//! The log: one subscriber, to standard error, as text or JSON.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use super::access::TARGET;

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

/// The log while it is written.
#[derive(Clone, Debug)]
pub struct Log(reload::Handle<Targets, Registry>);

impl Log {
    /// Writes lines down to `level` from now on.
    pub fn set_level(&self, level: Level) {
        // An error means that the log is gone with its process: nobody would read it.
        let _ = self.0.reload(worth_telling(level));
    }
}

/// Begins to write the log to standard error, for the whole process.
///
/// # Errors
/// If somebody has done so before; nothing is changed then.
pub fn init(settings: &Settings) -> Result<Log, AlreadySetUp> {
    let (lines, log) = lines(settings, io::stderr, io::stderr().is_terminal());
    tracing_subscriber::registry().with(lines).try_init().map_err(AlreadySetUp)?;
    Ok(log)
}

/// Returns what writes lines to `out`, and the hand that changes their level.
fn lines<W>(settings: &Settings, out: W, colours: bool) -> (impl Layer<Registry>, Log)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(out);
    let lines = match settings.format {
        Format::Text => lines.with_ansi(colours).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let (level, handle) = reload::Layer::new(worth_telling(settings.level));
    (lines.with_filter(level), Log(handle))
}

/// Everything of ours down to `level`; of others only what somebody should look at. Lines of the
/// access log are only made where it was asked for: they are written at any level.
fn worth_telling(level: Level) -> Targets {
    let of_others = LevelFilter::from_level(level).min(LevelFilter::WARN);
    Targets::new()
        .with_default(of_others)
        // It warns of each connection that is a flood; those are counted.
        .with_target("h2", of_others.min(LevelFilter::ERROR))
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_target(TARGET, LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn our_own_lines_are_told_at_the_level_asked_for() {
        let lines = worth_telling(Level::DEBUG);
        assert!(lines.would_enable("metergate::proxy", &Level::DEBUG));
        assert!(!lines.would_enable("metergate::proxy", &Level::TRACE));
    }

    /// What was written.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_level_can_be_changed_while_it_is_written() {
        let paper = Paper::default();
        let out = paper.clone();
        let (lines, log) = lines(&Settings::default(), move || out.clone(), false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let tell = |word| {
                tracing::info!(target: "metergate::test", word, "told");
                tracing::debug!(target: "metergate::test", word, "whispered");
            };
            tell("first");
            log.set_level(Level::DEBUG);
            tell("second");
            log.set_level(Level::ERROR);
            tell("third");
        });
        let written = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        let words: Vec<_> =
            written.lines().map(|line| line.rsplit("metergate::test: ").next()).collect();
        let expected = ["told word=\"first\"", "told word=\"second\"", "whispered word=\"second\""];
        assert_eq!(words, expected.map(Some));
    }

    #[test]
    fn the_access_log_is_written_at_any_level() {
        for level in [Level::ERROR, Level::TRACE] {
            let lines = worth_telling(level);
            assert!(lines.would_enable(TARGET, &Level::INFO));
            assert!(!lines.would_enable(TARGET, &Level::DEBUG));
        }
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
