//! serve: run until told to stop.

use std::io;
use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::Failure;
use crate::app::App;
use crate::config::{self, Complaint, ConfigError, Flags, Loaded, Sources};
use crate::store::StorageSpec;
use crate::telemetry::{self, Secret, cause};

/// Stand in front of a homeserver, and serve the API
///
/// Flags come before the environment, that before the file. Without --upstream it serves the
/// quota API alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate serve --upstream http://127.0.0.1:8008
  metergate serve --upstream http://127.0.0.1:8008 --limit media_bytes=500MB/month
  metergate serve --config /etc/metergate/metergate.toml
  metergate serve --port 8400 --token s3cret")]
pub(super) struct Serve {
    /// The configuration file [default: $METERGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect; may be given several times [default: 127.0.0.1:8010]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// The homeserver
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The port of the API [default: 8400]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// What callers of the API must know
    #[arg(long, value_name = "T", conflicts_with = "token_file")]
    token: Option<String>,
    /// A file that holds it
    #[arg(long, value_name = "F")]
    token_file: Option<PathBuf>,
    /// A limit of everyone, such as media_bytes=500MB/month; may be given several times
    #[arg(long = "limit", value_name = "RESOURCE=LIMIT")]
    limits: Vec<String>,
}

impl Serve {
    /// Serves until told to stop.
    pub(super) fn run(self, storage: Option<String>) -> Result<(), Failure> {
        let config =
            self.config.or_else(|| config::variable("METERGATE_CONFIG").map(PathBuf::from));
        let flags = Flags {
            listen: self.listen,
            upstream: self.upstream,
            storage,
            port: self.port,
            token: self.token.map(Secret::new),
            token_file: self.token_file,
            limit: self.limits,
        };
        let read = || {
            let (file, flags) = (config.clone(), flags.clone());
            config::load(&Sources { file, environment: config::environment(), flags })
        };
        let Loaded { settings, warnings } = read()?;
        // A second log in one process is the first one.
        let _ = telemetry::log::init(&settings.log);
        warn_of(&warnings);
        let storage = settings.storage.clone();
        let app = App::start(settings)?;
        announce(&app, &storage);
        let signals = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        signals.block_on(until_told(|| reload(&app, read())))?;
        tracing::info!("stopping: uploads in flight may end");
        if app.stop() {
            tracing::info!("stopped");
        } else {
            tracing::warn!(
                "stopped: what was still in flight at the end of shutdown_grace was cut"
            );
        }
        Ok(())
    }
}

fn warn_of(warnings: &[Complaint]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// One line per address served, and one for the store.
fn announce(app: &App, storage: &StorageSpec) {
    for address in app.proxy() {
        tracing::info!(%address, "proxy listens");
    }
    tracing::info!(address = %app.admin(), "admin API listens");
    tracing::info!(store = app.engine().describe_store(), "books are kept");
    if *storage == StorageSpec::Memory {
        tracing::warn!("with memory: nothing is kept when this process ends");
    }
}

/// Applies what may change while running; what is wrong changes nothing.
fn reload(app: &App, loaded: Result<Loaded, ConfigError>) {
    match loaded {
        Ok(Loaded { settings, warnings }) => {
            warn_of(&warnings);
            match app.apply(&settings.policy) {
                Ok(version) => tracing::info!(policy_version = version.0, "policy reloaded"),
                Err(error) => {
                    tracing::error!(error = cause(&error), "reload failed");
                }
            }
        }
        Err(error) => tracing::error!(%error, "reload refused: the former policy stays"),
    }
}

/// Returns when the process is told to end; calls `reload` each time it is told to reload.
async fn until_told(reload: impl Fn()) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => reload(),
        }
    }
}
