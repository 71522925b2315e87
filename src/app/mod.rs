//! Composition: settings in, running listeners out; the one place that joins the modules.
//!
//! One current-thread runtime per core carries exchanges: each accepts on its own share of every
//! listener and keeps its own connections to the homeserver, so that no request crosses threads.
//! Beside them one small runtime keeps the books' chores and serves the admin API.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use self::lane::{Lane, entrance, serve};
use self::listening::Doors;
use self::measured::Measured;
use crate::api::{self, Api, Desk};
use crate::clock::{self, Timestamp};
use crate::config::Settings;
use crate::dashboard;
use crate::engine::{Engine, EngineError, Outages};
use crate::matrix::Whoami;
use crate::net::{
    Address, Cap, Certificate, Client, ClientSettings, Entrance, Listener, Route, Seal, Shutdown,
};
use crate::notify::{self, Notifier};
use crate::proxy::{self, Meter, Meters};
use crate::quota::held::Instance;
use crate::quota::{Layer, PolicyVersion};
use crate::store::{self, Store, Timed};
use crate::telemetry::{Metrics, cause};

mod descriptors;
mod error;
mod lane;
mod listening;
mod manager;
mod measured;

pub use error::AppError;
pub use manager::{Phase, tell};

pub use crate::api::{NotReloaded, Reloaded, Reloads};

/// Connections to the admin API at the same time; further ones wait.
const ADMIN_CONNECTIONS: usize = 256;
/// How long calls of the admin API may go on after being told to stop, where there is no proxy.
const ADMIN_GRACE: Duration = Duration::from_secs(5);
/// What any homeserver answers without a token:
/// <https://spec.matrix.org/v1.18/client-server-api/#get_matrixclientversions>
const VERSIONS: &str = "/_matrix/client/versions";

/// A running metergate. Dropped, it stops at once, as a crash would; [`App::stop`] is gentle.
#[derive(Debug)]
pub struct App {
    engine: Engine,
    shutdown: Shutdown,
    /// Cancelled once every task has ended, so that the lanes may go.
    ended: CancellationToken,
    lanes: Vec<JoinHandle<()>>,
    office: Option<Runtime>,
    notifier: Option<Notifier>,
    grace: Duration,
    proxy: Vec<Address>,
    admin: Address,
    /// Absent: the proxy speaks in the clear.
    seal: Option<Seal>,
    /// Absent: there is no proxy.
    meters: Option<Meters>,
    metrics: Arc<Metrics>,
    /// What the API has of all this.
    desk: Desk,
}

impl App {
    /// Starts everything; returns once all listeners are open. A store on a server may be out: it
    /// is opened once it answers.
    ///
    /// Blocks while it does: call it outside of a runtime.
    ///
    /// # Errors
    /// If an address, the store or a thread cannot be had; then nothing runs.
    pub fn start(settings: Settings) -> Result<Self, AppError> {
        let doors = Doors::open(&settings)?;
        let store = store::open(&settings.storage)?;
        Self::start_behind(doors, store, settings)
    }

    /// Like [`App::start`], on a store that is open already, whatever `settings.storage` says.
    ///
    /// # Errors
    /// As [`App::start`].
    pub fn start_on(store: Arc<dyn Store>, settings: Settings) -> Result<Self, AppError> {
        Self::start_behind(Doors::open(&settings)?, store, settings)
    }

    fn start_behind(
        doors: Doors,
        store: Arc<dyn Store>,
        settings: Settings,
    ) -> Result<Self, AppError> {
        // Whatever may fail comes before the policy, which others on the store obey at once.
        let Doors { admin, shares } = doors;
        if let Some(proxy) = &settings.proxy {
            descriptors::provide(proxy.limits.connections);
        }
        let shown = settings.proxy.as_ref().map(|proxy| proxy.certificates.clone());
        let seal = shown.filter(|shown| !shown.is_empty()).map(Seal::with);
        let office = office()?;
        let metrics = Arc::new(Metrics::new()?);
        let instance = settings.instance.as_deref().map_or_else(Instance::fresh, Instance::named);
        let engine = office.block_on(async {
            let store = Arc::new(Timed::new(store, settings.store_timeout));
            let store = Arc::new(Measured::new(store, metrics.clone()));
            let patient = settings.storage.may_come_back();
            let outages = Outages {
                on_outage: settings.on_outage,
                journal: settings.journal.clone(),
                begin_with: patient.then(|| settings.policy.clone()),
            };
            let clock = Arc::new(clock::System);
            let engine = Engine::start_with(store, clock, instance, outages).await?;
            if !engine.has_yet_to_arrive() {
                engine.apply_file(&settings.policy).await?;
                engine.warn_of_missing_groups().await;
            }
            Ok::<_, EngineError>(engine)
        })?;
        let notifier = Notifier::new(engine.clone(), office.handle().clone(), metrics.clone());
        metrics.process.started(since_1970(engine.now()));
        let mut desk = Desk::new(engine.clone(), metrics.clone());
        (desk.token, desk.instance) = (settings.admin.token, settings.instance);
        desk.access_log = settings.admin.access_log;
        let mut app = Self {
            desk,
            engine,
            shutdown: Shutdown::new(),
            ended: CancellationToken::new(),
            lanes: Vec::new(),
            office: Some(office),
            notifier: Some(notifier),
            grace: settings.proxy.as_ref().map_or(ADMIN_GRACE, |proxy| proxy.limits.shutdown_grace),
            proxy: Vec::new(),
            admin: settings.admin.listen.clone(),
            seal,
            meters: None,
            metrics,
        };
        app.keep_events(settings.keep_events);
        // Before the first charge, so that it is told to those who are new.
        app.notify(settings.notify);
        app.open_admin(admin, settings.proxy.as_ref().map(proxy::Settings::route));
        if let Some((proxy, shares)) = settings.proxy.zip(shares) {
            let whoami = Whoami::new(settings.auth, app.metrics.lookups.clone());
            app.open_proxy(proxy, shares, whoami)?;
        }
        Ok(app)
    }

    /// Returns where the proxy listens; port 0 is told as what it became.
    #[must_use]
    pub fn proxy(&self) -> &[Address] {
        &self.proxy
    }

    /// Returns where the admin API listens; port 0 is told as what it became.
    #[must_use]
    pub const fn admin(&self) -> &Address {
        &self.admin
    }

    /// Returns the engine, for whoever runs this in process.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Counts a reload of the configuration: one that was taken over, or one that changed nothing.
    pub fn count_reload(&self, good: bool) {
        if good {
            self.metrics.process.reloaded(since_1970(self.engine.now()));
        } else {
            self.metrics.process.refused_reload();
        }
    }

    /// Replaces the file layer of the policy while running; counts at the next decision.
    ///
    /// Blocks while it does: call it outside of the office.
    ///
    /// # Errors
    /// If the store does not answer; then the former policy stays.
    pub fn apply(&self, policy: &Layer) -> Result<PolicyVersion, EngineError> {
        let (engine, policy) = (self.engine.clone(), policy.clone());
        let applied = self.in_office(async move {
            let applied = engine.apply_file(&policy).await;
            if applied.is_ok() {
                engine.warn_of_missing_groups().await;
            }
            applied
        });
        applied.unwrap_or_else(|| Err(EngineError::Conflict("this process ends".to_owned())))
    }

    /// Shows these certificates from the next handshake on; no connection is dropped. Does nothing
    /// where none were shown at the start, and none are nothing.
    pub fn show(&self, certificates: &[Certificate]) {
        if let Some(seal) = self.seal.as_ref().filter(|_| !certificates.is_empty()) {
            seal.show(certificates.to_vec());
        }
    }

    /// Meters these requests beside uploads from the next one on, and no others. Their capabilities
    /// are to be declared by then.
    pub fn meter(&self, meters: &[Meter]) {
        if let Some(all) = &self.meters {
            all.are(meters);
        }
    }

    /// Tells these of warnings and overages from now on, and no others.
    ///
    /// Blocks while a new one is noted in the store: call it outside of the office.
    pub fn notify(&mut self, targets: Vec<notify::Target>) {
        let (engine, met) = (self.engine.clone(), targets.clone());
        self.in_office(async move { notify::meet(&engine, &met).await });
        self.desk.targets.are(targets.iter().map(told_of).collect());
        if let Some(notifier) = &mut self.notifier {
            notifier.apply(targets);
        }
    }

    /// Returns who is told by callers of the API to read the configuration again; until this is
    /// called, they are told that nobody can.
    #[must_use]
    pub fn reloads(&self) -> Reloads {
        self.desk.reload.heed()
    }

    /// Has what is older taken out of the ledger, until told to stop.
    fn keep_events(&self, keep: Duration) {
        let Some(office) = &self.office else { return };
        let (engine, stopping) = (self.engine.clone(), self.shutdown.stopping());
        office.spawn(async move {
            tokio::select! {
                () = engine.keep_events(keep) => {}
                () = stopping => {}
            }
        });
    }

    /// Returns what `work` comes to, done in the office; none if this process ends.
    fn in_office<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let office = self.office.as_ref()?;
        let (told, heard) = std::sync::mpsc::sync_channel(1);
        office.spawn(async move {
            // Whoever asked waits for it.
            let _ = told.send(work.await);
        });
        heard.recv().ok()
    }

    /// Stops accepting, lets exchanges end for at most the grace period, cuts the rest, closes
    /// the books. Returns true if nothing had to be cut.
    #[must_use]
    pub fn stop(mut self) -> bool {
        let Some(office) = self.office.take() else { return true };
        let (begun, grace) = (tokio::time::Instant::now(), self.grace);
        let gentle = office.block_on(self.shutdown.finish(grace));
        self.ended.cancel();
        for lane in self.lanes.drain(..) {
            // A lane that panicked has said so; the books are closed all the same.
            let _ = lane.join();
        }
        // What the last uploads caused is told while there is time.
        if let Some(notifier) = self.notifier.take() {
            let left = grace.saturating_sub(begun.elapsed());
            office.block_on(notifier.finish(left));
        }
        if let Err(error) = office.block_on(self.engine.close()) {
            tracing::error!(error = cause(&error), "books not closed");
        }
        office.shutdown_timeout(ADMIN_GRACE);
        gentle
    }

    fn open_admin(&mut self, listeners: Vec<Listener>, route: Option<Route>) {
        let Some(office) = &self.office else { return };
        let upstream = route.map(|route| api::Upstream {
            client: Client::pooled(route, ClientSettings::default()),
            path: VERSIONS,
        });
        self.desk.upstream = upstream;
        let api = Api::new(self.desk.clone()).beside(dashboard::pages());
        let connections = self.metrics.admin.clone();
        let connections = Cap::new("connections to the admin API", ADMIN_CONNECTIONS, connections);
        for listener in listeners {
            self.admin = listener.address().clone();
            let api = api.clone();
            let service = move |connection, request| api.clone().serve(connection, request);
            let (connections, shutdown) = (connections.clone(), self.shutdown.clone());
            let entered = office.enter();
            let serving =
                serve(listener, Entrance::default(), connections, shutdown.clone(), service);
            drop(shutdown.spawn(serving));
            drop(entered);
        }
    }

    fn open_proxy(
        &mut self,
        settings: proxy::Settings,
        shares: Vec<Vec<Listener>>,
        whoami: Whoami,
    ) -> Result<(), AppError> {
        let first = shares.iter().take(1).flatten();
        self.proxy.extend(first.map(|listener| listener.address().clone()));
        let entrance = entrance(&settings, self.seal.clone());
        let connections = self.metrics.public.clone();
        let connections = Cap::new("connections", settings.limits.connections, connections);
        let shutdown = self.shutdown.clone();
        let shared = proxy::Shared::new(
            self.engine.clone(),
            whoami,
            settings,
            shutdown.clone(),
            self.metrics.clone(),
        );
        self.meters = Some(shared.meters());
        for (number, listeners) in shares.into_iter().enumerate() {
            let lane = Lane {
                runtime: Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(AppError::Thread)?,
                listeners,
                entrance: entrance.clone(),
                connections: connections.clone(),
                shutdown: shutdown.clone(),
                ended: self.ended.clone(),
                shared: shared.clone(),
            };
            let thread = std::thread::Builder::new().name(format!("lane-{number}"));
            self.lanes.push(thread.spawn(move || lane.run()).map_err(AppError::Thread)?);
        }
        Ok(())
    }
}

/// A start that fails half way, or a test that is done, leaves no thread behind.
impl Drop for App {
    fn drop(&mut self) {
        self.shutdown.stop();
        self.ended.cancel();
        for lane in self.lanes.drain(..) {
            let _ = lane.join();
        }
        if let Some(office) = self.office.take() {
            office.shutdown_background();
        }
    }
}

fn since_1970(moment: Timestamp) -> Duration {
    Timestamp::from_millis(0).until(moment)
}

/// Returns what the API may tell of one who is notified.
fn told_of(target: &notify::Target) -> api::Target {
    let endpoint = &target.endpoint;
    api::Target { host: endpoint.host().to_owned(), name: endpoint.name() }
}

/// The runtime of the books' chores and the admin API.
fn office() -> Result<Runtime, AppError> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("office")
        .enable_all()
        .build()
        .map_err(AppError::Thread)
}
