//! What the admin API is told: where it listens, and who may call.

use crate::net::Address;
use crate::telemetry::Secret;

/// The admin API's part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens; port 0 is any free one. Default `127.0.0.1:8400`.
    pub listen: Address,
    /// What a caller has to show; without one it is open, and listens on loopback or a Unix socket
    /// only. Default none.
    pub token: Option<Secret>,
    /// Whether each exchange is one line in the log. Default no.
    pub access_log: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { listen: Address::Tcp(([127, 0, 0, 1], 8400).into()), token: None, access_log: false }
    }
}
