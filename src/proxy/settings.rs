//! What the proxy is told: where it listens, where it passes on to, what a client may cost, how it refuses.

use std::time::Duration;

use ipnet::IpNet;

use super::meters::Meter;
pub use super::own_pages::Page;
use crate::net::{Address, Certificate, Origin, Protocol, Roots, Route, Tls};

/// How long an upload whose client has gone waits for the homeserver, from the moment the client
/// went: longer than homeservers take to store a file, yet its task, connection and slot end.
const ABANDONED: Duration = Duration::from_mins(3);

/// The proxy's part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where clients, or the web server in front, connect. At least one; default `127.0.0.1:8010`.
    pub listen: Vec<Address>,
    /// By which TLS is spoken with clients over TCP, each for the names it holds, the first for all
    /// others. Default none: in the clear.
    pub certificates: Vec<Certificate>,
    /// Whose `X-Forwarded-For` passes unchanged; peers on a Unix socket always are. Default
    /// `127.0.0.1` and `::1`.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether each connection of `trusted_proxies`, and each over a Unix socket, begins with a PROXY
    /// header that says whose it is. Default no.
    pub proxy_protocol: bool,
    /// The homeserver, such as `http://127.0.0.1:8008`; there is no default.
    pub upstream: Origin,
    /// What is spoken to the homeserver. Default HTTP/1.1.
    pub protocol: Protocol,
    /// Whom an `https` homeserver may be signed by, beside those this machine trusts. Default nobody.
    pub roots: Option<Roots>,
    /// What a client may cost.
    pub limits: Limits,
    /// How an upload past its quota is refused.
    pub refusal: Refusal,
    /// The page that tells users about their quota.
    pub page: Page,
    /// Whether each exchange is one line in the log. Default no.
    pub access_log: bool,
    /// What is metered beside uploads, the first that matches. Default nothing.
    pub meters: Vec<Meter>,
}

impl Settings {
    /// Returns the defaults in front of `upstream`.
    #[must_use]
    pub fn before(upstream: Origin) -> Self {
        Self {
            listen: vec![Address::Tcp(([127, 0, 0, 1], 8010).into())],
            certificates: Vec::new(),
            trusted_proxies: [
                std::net::Ipv4Addr::LOCALHOST.into(),
                std::net::Ipv6Addr::LOCALHOST.into(),
            ]
            .map(|address: std::net::IpAddr| address.into())
            .into(),
            proxy_protocol: false,
            upstream,
            protocol: Protocol::default(),
            roots: None,
            limits: Limits::default(),
            refusal: Refusal::default(),
            page: Page::default(),
            access_log: false,
            meters: Vec::new(),
        }
    }

    /// Returns the way to the homeserver. Blocks while it reads whom this machine trusts, if that
    /// is over TLS.
    #[must_use]
    pub fn route(&self) -> Route {
        let is_secure = matches!(self.upstream, Origin::Https { .. });
        let tls = is_secure.then(|| Tls::system_and(self.roots.as_ref()));
        Route { origin: self.upstream.clone(), tls, protocol: self.protocol }
    }
}

/// What one client, and all together, may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a request's head may take, from the connection or the previous answer to its last
    /// byte. Default 30 s.
    pub head_timeout: Duration,
    /// How long a request's body may pause between two reads, and an upload's between two pieces
    /// that the homeserver takes. Default 60 s: a slow but moving upload lives.
    pub body_idle_timeout: Duration,
    /// How long the client may take nothing of what is sent to it: over TCP anything at all, over
    /// HTTP/2 of one answer, too. Default 60 s: a slow but moving download lives.
    pub send_idle_timeout: Duration,
    /// The largest head, request line and headers together, in bytes. Default 64 KiB.
    pub head_bytes: usize,
    /// The most headers of a request. Default 100.
    pub header_count: usize,
    /// The most connections at a time; new ones wait. Default 10 000.
    pub connections: usize,
    /// The most connections of one client (an address, of IPv6 a /64) at a time; others are closed.
    /// Those of `trusted_proxies` and over Unix sockets are not counted. Default any number.
    pub connections_per_client: Option<usize>,
    /// The most requests at the same time over one HTTP/2 connection; others are taken back.
    /// Default 100.
    pub http2_streams: u32,
    /// The most requests over one HTTP/2 connection that may have been taken back before they were
    /// looked at; with more of them it ends. Default 20.
    pub http2_resets: usize,
    /// The most uploads of one user at a time; past it 429. Default any number.
    pub uploads_per_subject: Option<usize>,
    /// The most uploads of one client (as `connections_per_client`, behind trusted proxies whom
    /// they name) at a time; past it 429. Default any number.
    pub uploads_per_client: Option<usize>,
    /// How much of a refused body is read away, in bytes, so that the answer arrives. Default 64 MiB.
    pub drain_bytes: u64,
    /// How long a refused body is read away. Default 10 s.
    pub drain_timeout: Duration,
    /// How long it may take to resolve the homeserver's name and connect. Default 5 s.
    pub connect_timeout: Duration,
    /// How long the homeserver may take from the end of a request to the head of its answer; past
    /// it 504. Not for upgrades. Default for ever: long polls wait.
    pub response_head_timeout: Option<Duration>,
    /// How long the homeserver's word on a whole upload is awaited once its client has gone; as
    /// long as the client waits, so do we. Three minutes: the file has no key for it.
    pub abandoned_timeout: Duration,
    /// How long exchanges under way may last after the order to stop. Default 30 s.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(30),
            body_idle_timeout: Duration::from_mins(1),
            send_idle_timeout: Duration::from_mins(1),
            head_bytes: 64 * 1024,
            header_count: 100,
            connections: 10_000,
            connections_per_client: None,
            http2_streams: 100,
            http2_resets: 20,
            uploads_per_subject: None,
            uploads_per_client: None,
            drain_bytes: 64 * 1024 * 1024,
            drain_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            response_head_timeout: None,
            abandoned_timeout: ABANDONED,
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// How an upload past its quota is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In which of Matrix' words. Default `M_LIMIT_EXCEEDED`.
    pub errcode: Errcode,
    /// The longest a client is told to wait, though its quota may reset later: clients sleep that
    /// long before the next try. At least 1 s; default 60 s.
    pub retry_after_max: Duration,
    /// Where a user reads about the quota: an `http` or `https` address. Present with
    /// [`Errcode::UserLimitExceeded`]; default none.
    pub info_uri: Option<String>,
}

impl Default for Refusal {
    fn default() -> Self {
        Self {
            errcode: Errcode::LimitExceeded,
            retry_after_max: Duration::from_mins(1),
            info_uri: None,
        }
    }
}

/// Matrix' words for "no more".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errcode {
    /// `M_LIMIT_EXCEEDED`, 429: every client knows it, and some try again by themselves.
    LimitExceeded,
    /// `M_USER_LIMIT_EXCEEDED`, 403: says that waiting does not help; needs an `info_uri`.
    /// <https://spec.matrix.org/v1.18/client-server-api/#other-error-codes>
    UserLimitExceeded,
    /// `M_FORBIDDEN`, 403.
    Forbidden,
}
