//! serve: run until told to stop.

use std::io;
use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Failure;
use crate::app::{App, NotReloaded, Phase, Reloaded, Reloads, tell};
use crate::config::{self, Complaint, ConfigError, Flags, Loaded, Settings, Sources};
use crate::store::StorageSpec;
use crate::telemetry::log::Log;
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
        let log = telemetry::log::init(&settings.log).ok();
        warn_of(&warnings);
        // From here on no signal ends the process unheard.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = runtime.block_on(async { Signals::heed() })?;
        let app = App::start(settings.clone())?;
        announce(&app, &settings.storage);
        tell(Phase::Ready);
        let reloads = app.reloads();
        let mut served = Served { app, log, settings };
        runtime.block_on(signals.until_told(reloads, || {
            tell(Phase::Reloading);
            let reloaded = served.reload(read());
            tell(Phase::Ready);
            reloaded
        }));
        let Served { app, .. } = served;
        tell(Phase::Stopping);
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

/// What runs, and by which settings.
struct Served {
    app: App,
    log: Option<Log>,
    settings: Settings,
}

impl Served {
    /// Applies what may change while running; what is wrong changes nothing.
    fn reload(&mut self, loaded: Result<Loaded, ConfigError>) -> Result<Reloaded, NotReloaded> {
        let reloaded = self.take_over(loaded);
        self.app.count_reload(reloaded.is_ok());
        reloaded
    }

    fn take_over(&mut self, loaded: Result<Loaded, ConfigError>) -> Result<Reloaded, NotReloaded> {
        let Loaded { settings, warnings } = loaded.map_err(|wrong| {
            for complaint in wrong.complaints() {
                tracing::error!(%complaint, "wrong in the configuration");
            }
            tracing::error!("reload refused: everything stays as it was");
            NotReloaded::Wrong(wrong.complaints().iter().map(ToString::to_string).collect())
        })?;
        warn_of(&warnings);
        let version = self.app.apply(&settings.policy).inspect_err(|error| {
            tracing::error!(error = cause(error), "reload failed: everything stays as it was");
        })?;
        if let Some(proxy) = &settings.proxy {
            self.app.meter(&proxy.meters);
        }
        self.app.notify(settings.notify.clone());
        self.show(&settings);
        let (before, level) = (self.settings.log.level, settings.log.level);
        // Told at whichever level tells more, so that one who turns it down reads that it worked.
        self.set_level(before.max(level));
        tracing::info!(policy_version = version.0, %level, "policy reloaded");
        let changed = self.settings.needing_restart(&settings);
        if !changed.is_empty() {
            let changed = changed.join(", ");
            tracing::warn!(changed, "restart to apply what else was changed");
        }
        self.set_level(level);
        self.settings.log.level = level;
        Ok(Reloaded {
            policy_version: version,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            needs_restart: changed.into_iter().map(ToString::to_string).collect(),
        })
    }

    /// Shows the certificates of other files, or of the same ones as they are now.
    fn show(&mut self, settings: &Settings) {
        let (Some(old), Some(new)) = (&mut self.settings.proxy, &settings.proxy) else { return };
        if old.certificates == new.certificates || old.certificates.is_empty() {
            return;
        }
        if !new.certificates.is_empty() {
            self.app.show(&new.certificates);
            old.certificates.clone_from(&new.certificates);
            tracing::info!(certificates = new.certificates.len(), "certificates reloaded");
        }
    }

    fn set_level(&self, level: tracing::Level) {
        if let Some(log) = &self.log {
            log.set_level(level);
        }
    }
}

/// What the process is told from outside.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Begins to listen; needs a runtime.
    fn heed() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Returns when the process is told to end; calls `reload` each time it is told to reload, by
    /// a signal or by the API, which is told what came of it.
    async fn until_told(
        mut self,
        mut reloads: Reloads,
        mut reload: impl FnMut() -> Result<Reloaded, NotReloaded>,
    ) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                // Of a signal, the log alone is told.
                _ = self.hangup.recv() => drop(reload()),
                // Whoever asked may have left meanwhile.
                told = reloads.next() => drop(told.send(reload())),
            }
        }
    }
}
