//! The whole sidecar in this process: free ports, books of its own, stopped when dropped.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use metergate::app::App;
use metergate::config::Settings;
use metergate::engine::{Engine, Fact, Span, UsageReport};
use metergate::net::Address;
use metergate::proxy::{Count, Meter};
use metergate::quota::capability::UPLOAD;
use metergate::quota::{
    Amount, Capability, Group, Layer, Limit, Measure, OnOutage, Resource, Subject,
};
use metergate::store::StorageSpec;
use metergate::telemetry::Secret;
use metergate::{matrix, proxy};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::http2::Http2;
use super::stores::Scripted;
use super::wire::Stream;
use super::{Answer, Client, Homeserver, Request, eventually};

/// The group everyone is in.
const GROUP: &str = "free";
const DATABASE: &str = "quota.db";
const JOURNAL: &str = "quota.db.journal";

/// A running sidecar.
pub(crate) struct Sidecar {
    app: Option<App>,
    engine: Engine,
    addresses: Vec<Address>,
    admin: Address,
    runtime: Runtime,
    folder: TempDir,
}

/// A sidecar before it starts.
pub(crate) struct Setup {
    settings: Settings,
    group: Group,
    capabilities: BTreeMap<String, Capability>,
    store: Option<Arc<Scripted>>,
    bare: bool,
    folder: TempDir,
}

impl Sidecar {
    /// Sets one up before this homeserver, without any limit, its books in a file.
    pub(crate) fn before(homeserver: &Homeserver) -> Setup {
        Self::before_url(&homeserver.url)
    }

    pub(crate) fn before_url(url: &str) -> Setup {
        let mut setup = Self::alone();
        let mut proxy = proxy::Settings::before(url.parse().unwrap());
        proxy.listen = vec!["127.0.0.1:0".parse().unwrap()];
        setup.settings.proxy = Some(proxy);
        setup
    }

    /// Sets one up without a homeserver.
    pub(crate) fn alone() -> Setup {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.admin.listen = "127.0.0.1:0".parse().unwrap();
        settings.storage = StorageSpec::Sqlite(folder.path().join(DATABASE));
        settings.journal = Some(folder.path().join(JOURNAL));
        Setup {
            settings,
            group: Group::default(),
            capabilities: BTreeMap::new(),
            store: None,
            bare: false,
            folder,
        }
    }

    /// Connects as a client.
    pub(crate) fn client(&self) -> Client {
        Client::to(connect(&self.addresses[0]))
    }

    /// Connects as a client that speaks HTTP/2.
    pub(crate) fn http2(&self) -> Http2 {
        Http2::to(&self.addresses[0])
    }

    /// Returns the port of the proxy.
    pub(crate) fn port(&self) -> u16 {
        let Address::Tcp(address) = self.addresses[0] else { panic!("not TCP") };
        address.port()
    }

    /// Connects as a client to each address.
    pub(crate) fn clients(&self) -> Vec<Client> {
        self.addresses.iter().map(|address| Client::to(connect(address))).collect()
    }

    /// Asks over a connection of its own.
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.client().ask(request)
    }

    /// Returns where the admin API listens.
    pub(crate) fn admin_address(&self) -> &Address {
        &self.admin
    }

    /// Returns where clients connect.
    pub(crate) fn proxy_address(&self) -> &Address {
        &self.addresses[0]
    }

    /// Asks the admin API, by a name of this machine unless the request says another.
    pub(crate) fn api(&self, request: &Request) -> Answer {
        Client::to(connect(&self.admin)).ask(&request.clone().addressed_here())
    }

    /// Has alice upload so many bytes; returns the status.
    pub(crate) fn upload(&self, size: usize) -> u16 {
        self.ask(&Request::upload().body(&vec![b'x'; size])).status
    }

    pub(crate) fn usage(&self, name: &str) -> UsageReport {
        let (subject, resource) = (subject(name), media());
        self.runtime.block_on(self.engine.usage(&subject, &resource, Span::Limits)).unwrap()
    }

    /// Returns what is charged to alice of `resource`, and what is set aside.
    pub(crate) fn figures_of(&self, resource: &str) -> (i64, i64) {
        self.figures_if_there(resource).unwrap()
    }

    /// The same; none while the store is out.
    pub(crate) fn figures_if_there(&self, resource: &str) -> Option<(i64, i64)> {
        let (subject, resource) = (subject("alice"), resource.parse().unwrap());
        let usage = self.engine.usage(&subject, &resource, Span::Limits);
        let usage = self.runtime.block_on(usage).ok()?;
        Some((usage.used.get(), usage.reserved.get()))
    }

    /// Waits until nothing of `resource` is set aside for alice; returns what is charged.
    #[track_caller]
    pub(crate) fn ends_with(&self, resource: &str) -> i64 {
        eventually("all reservations end", || self.figures_of(resource).1 == 0);
        self.figures_of(resource).0
    }

    /// Returns what is charged to alice.
    pub(crate) fn used(&self) -> i64 {
        self.usage("alice").used.get()
    }

    /// Returns what is set aside for alice.
    pub(crate) fn reserved(&self) -> i64 {
        self.usage("alice").reserved.get()
    }

    /// Records that alice has used so much.
    pub(crate) fn record(&self, amount: i64) {
        let (subject, resource, amount) = (subject("alice"), media(), Amount::new(amount));
        let fact = Fact { subject, resource, amount, member: None, key: None, at: None };
        self.runtime.block_on(self.engine.record(&fact)).unwrap();
    }

    /// Waits until nothing is set aside for alice; asserts that so much is charged.
    #[track_caller]
    pub(crate) fn comes_to(&self, used: i64) {
        eventually("all reservations end", || self.reserved() == 0);
        assert_eq!(self.used(), used, "charged");
    }

    /// Returns the file with the books.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join(DATABASE)
    }

    /// Returns the file with what could not be charged.
    pub(crate) fn journal_file(&self) -> PathBuf {
        self.folder.path().join(JOURNAL)
    }

    /// Takes the application out, to stop it; the books can be asked all the same.
    pub(crate) fn take(&mut self) -> App {
        self.app.take().unwrap()
    }
}

impl Setup {
    /// Limits everyone's media bytes, such as `500kB/month`.
    pub(crate) fn limit(mut self, limit: &str) -> Self {
        let limit = Limit::parse(limit, &Measure::BYTES).unwrap();
        self.group.limits.insert(media(), limit);
        self
    }

    /// Limits everyone's number of files.
    pub(crate) fn files(mut self, limit: &str) -> Self {
        let uploads: Resource = "uploads".parse().unwrap();
        self.group.limits.insert(uploads.clone(), Limit::parse(limit, &Measure::COUNT).unwrap());
        let capability = Capability::new(vec![media(), uploads]).unwrap();
        self.capabilities.insert(UPLOAD.to_owned(), capability);
        self
    }

    /// Meters these requests, charged to `resource` as the capability of the same name; limits
    /// everyone's use of that.
    pub(crate) fn meter(
        mut self,
        route: &str,
        resource: &str,
        count: Count,
        limit: Option<&str>,
    ) -> Self {
        let (method, path) = route.split_once(' ').unwrap();
        let meter = Meter {
            methods: vec![method.parse().unwrap()],
            path: path.parse().unwrap(),
            capability: resource.to_owned(),
            count,
        };
        self.settings.proxy.as_mut().unwrap().meters.push(meter);
        let name: Resource = resource.parse().unwrap();
        if let Some(limit) = limit {
            let limit = Limit::parse(limit, &name.usual_measure()).unwrap();
            self.group.limits.insert(name.clone(), limit);
        }
        self.capability(resource, vec![name])
    }

    /// Limits everyone's number of `resource`.
    pub(crate) fn count(mut self, resource: &str, limit: &str) -> Self {
        let limit = Limit::parse(limit, &Measure::COUNT).unwrap();
        self.group.limits.insert(resource.parse().unwrap(), limit);
        self
    }

    /// Declares what a capability draws on.
    pub(crate) fn capability(mut self, name: &str, resources: Vec<Resource>) -> Self {
        self.capabilities.insert(name.to_owned(), Capability::new(resources).unwrap());
        self
    }

    /// Limits everyone's single files.
    pub(crate) fn largest(mut self, bytes: i64) -> Self {
        self.group.max_upload_bytes = Some(Amount::new(bytes));
        self
    }

    pub(crate) fn proxy(mut self, change: impl FnOnce(&mut proxy::Settings)) -> Self {
        change(self.settings.proxy.as_mut().unwrap());
        self
    }

    pub(crate) fn limits(self, change: impl FnOnce(&mut proxy::Limits)) -> Self {
        self.proxy(|proxy| change(&mut proxy.limits))
    }

    pub(crate) fn auth(mut self, change: impl FnOnce(&mut matrix::Settings)) -> Self {
        change(&mut self.settings.auth);
        self
    }

    /// Without any policy, its books in memory.
    pub(crate) fn bare(mut self) -> Self {
        self.settings.storage = StorageSpec::Memory;
        self.bare = true;
        self
    }

    /// The store is given up after this.
    pub(crate) fn store_timeout(mut self, span: Duration) -> Self {
        self.settings.store_timeout = span;
        self
    }

    /// What becomes of uploads while the store is out.
    pub(crate) fn on_outage(mut self, on_outage: OnOutage) -> Self {
        self.settings.on_outage = on_outage;
        self
    }

    /// Writes what cannot be charged now into this file.
    pub(crate) fn journal(mut self, file: &Path) -> Self {
        self.settings.journal = Some(file.to_owned());
        self
    }

    /// Keeps what cannot be charged now in memory.
    pub(crate) fn without_journal(mut self) -> Self {
        self.settings.journal = None;
        self
    }

    /// The settings say that the store is on a server, which may come back by itself.
    pub(crate) fn on_a_server(mut self) -> Self {
        self.settings.storage = "redis://127.0.0.1:1".parse().unwrap();
        self
    }

    /// Callers of the admin API have to show this.
    pub(crate) fn admin_token(mut self, token: &str) -> Self {
        self.settings.admin.token = Some(Secret::new(token));
        self
    }

    /// The admin API listens there.
    pub(crate) fn admin_at(mut self, address: &str) -> Self {
        self.settings.admin.listen = address.parse().unwrap();
        self
    }

    /// Keeps the books in this file.
    pub(crate) fn database(mut self, file: &Path) -> Self {
        self.settings.storage = StorageSpec::Sqlite(file.to_owned());
        self
    }

    /// Keeps the books in this store.
    pub(crate) fn store(mut self, store: &Arc<Scripted>) -> Self {
        self.store = Some(store.clone());
        self
    }

    pub(crate) fn start(self) -> Sidecar {
        let Self { mut settings, group, capabilities, store, bare, folder } = self;
        settings.policy = Layer {
            groups: [(GROUP.to_owned(), group)].into(),
            default_group: Some(GROUP.to_owned()),
            capabilities,
            ..Layer::default()
        };
        if bare {
            settings.policy = Layer::default();
        }
        let app = match store {
            Some(store) => App::start_on(store, settings),
            None => App::start(settings),
        };
        let app = app.unwrap();
        Sidecar {
            engine: app.engine().clone(),
            addresses: app.proxy().to_vec(),
            admin: app.admin().clone(),
            app: Some(app),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            folder,
        }
    }
}

/// Returns `@name:example.org`.
pub(crate) fn subject(name: &str) -> Subject {
    format!("@{name}:example.org").parse().unwrap()
}

fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

fn connect(address: &Address) -> Stream {
    match address {
        Address::Tcp(address) => Stream::Tcp(TcpStream::connect(address).unwrap()),
        Address::Unix(path) => Stream::Unix(UnixStream::connect(path).unwrap()),
        Address::Systemd => panic!("it stands for others"),
    }
}
