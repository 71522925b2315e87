//! Route: where an upstream is, and what is spoken to it.

use crate::net::address::Origin;
use crate::net::tls::Tls;

/// What is spoken to an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 in the clear, without asking first.
    H2c,
}

/// Where an upstream is, and what is spoken to it.
#[derive(Clone, Debug)]
pub struct Route {
    /// Where it is.
    pub origin: Origin,
    /// By which a connection over TCP is made secret; without it one to an `https` origin fails.
    /// A Unix socket is spoken to in the clear all the same.
    pub tls: Option<Tls>,
    /// What is spoken over the connection.
    pub protocol: Protocol,
}

impl Route {
    /// Returns the same way, over TLS.
    #[must_use]
    pub fn over(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }
}

impl From<Origin> for Route {
    /// HTTP/1.1 in the clear.
    fn from(origin: Origin) -> Self {
        Self { origin, tls: None, protocol: Protocol::Http1 }
    }
}
