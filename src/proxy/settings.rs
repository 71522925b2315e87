//! What the proxy is told: where it listens, whom it trusts, how much it bears, how it refuses.

use std::time::Duration;

use ipnet::IpNet;

use crate::net::{Address, Origin};

/// Everything the proxy needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: Vec<Address>,
    /// Whose `X-Forwarded-For` passes unchanged; peers on Unix sockets always are.
    pub trusted_proxies: Vec<IpNet>,
    /// The homeserver.
    pub upstream: Origin,
    /// How much it bears.
    pub limits: Limits,
    /// How it refuses.
    pub refusal: Refusal,
    /// Whether each exchange gets a line in the log.
    pub access_log: bool,
}

/// How much the proxy bears; each is named in the answer or log line it causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the connection or the previous answer to the end of a head.
    pub head_timeout: Duration,
    /// Between two reads of a request body.
    pub body_idle_timeout: Duration,
    /// Bytes of a head.
    pub head_bytes: usize,
    /// Fields of a head.
    pub header_count: usize,
    /// Connections at the same time; further ones wait.
    pub connections: usize,
    /// Uploads of one user at the same time; past it 429. None: any number.
    pub uploads_per_subject: Option<usize>,
    /// Bytes of a refused body that are read away, so that the answer arrives.
    pub drain_bytes: u64,
    /// For how long a refused body is read away.
    pub drain_timeout: Duration,
    /// For how long the homeserver may not answer a new connection.
    pub connect_timeout: Duration,
    /// For how long uploads in flight may go on after being told to stop.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(30),
            body_idle_timeout: Duration::from_secs(60),
            head_bytes: 64 * 1024,
            header_count: 100,
            connections: 10_000,
            uploads_per_subject: None,
            drain_bytes: 64 * 1024 * 1024,
            drain_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// How an upload is refused when the quota is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// By which code, and so by which status.
    pub errcode: Errcode,
    /// The longest wait that a client is told.
    pub retry_after_max: Duration,
    /// Where a user can read more.
    pub info_uri: Option<String>,
}

impl Default for Refusal {
    fn default() -> Self {
        Self {
            errcode: Errcode::LimitExceeded,
            retry_after_max: Duration::from_secs(60),
            info_uri: None,
        }
    }
}

/// The code of a refusal by quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errcode {
    /// `M_LIMIT_EXCEEDED`, status 429.
    LimitExceeded,
    /// `M_USER_LIMIT_EXCEEDED` (Matrix v1.18), status 403; needs `info_uri`.
    UserLimitExceeded,
    /// `M_FORBIDDEN`, status 403.
    Forbidden,
}
