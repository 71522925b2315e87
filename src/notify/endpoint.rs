//! Endpoint: where a target is told, as a web address that is not printed.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use sha2::{Digest, Sha256};

use crate::net::Origin;

/// A web address: `https://example.org/metergate?key=…`.
///
/// Path and query often are what only the two sides know, so it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whom to connect to.
    pub(super) origin: Origin,
    /// Over TLS.
    pub(super) secure: bool,
    /// What `Host` says.
    pub(super) authority: String,
    pub(super) path: PathAndQuery,
}

/// An address that cannot be used, and why; never the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// It is no address of the web.
    #[error("needs a web address, like \"https://example.org/metergate\"")]
    Unclear,
    /// It holds a user, or a password.
    #[error("holds a user: leave it out, what is told is signed")]
    User,
    /// It holds a fragment.
    #[error("holds a \"#\", which no server is told: leave it and what follows out")]
    Fragment,
    /// Its port cannot be connected to.
    #[error("has a port that is not between 1 and 65535")]
    Port,
}

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('#') {
            return Err(BadEndpoint::Fragment);
        }
        let uri = Uri::from_str(text).map_err(|_| BadEndpoint::Unclear)?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(BadEndpoint::Unclear),
        };
        let authority = uri.authority().ok_or(BadEndpoint::Unclear)?;
        if authority.as_str().contains('@') {
            return Err(BadEndpoint::User);
        }
        let named = authority.host().to_ascii_lowercase();
        let host = named.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(BadEndpoint::Unclear);
        }
        let usual = if secure { 443 } else { 80 };
        let port = if authority.as_str().len() == authority.host().len() {
            usual
        } else {
            authority.port_u16().filter(|port| *port != 0).ok_or(BadEndpoint::Port)?
        };
        let path = uri.path_and_query().cloned();
        Ok(Self {
            origin: Origin::Tcp { host, port },
            secure,
            authority: if port == usual { named } else { format!("{named}:{port}") },
            path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
        })
    }
}

impl Endpoint {
    /// Returns its host, and its port if that is not the usual one; nothing else of it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.authority
    }

    /// Returns the name under which a store remembers how far it was told; it does not tell the
    /// address.
    #[must_use]
    pub fn name(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        let written = format!("{scheme}://{}{}", self.origin.authority(), self.path);
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(written))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Endpoint, BadEndpoint> {
        text.parse()
    }

    #[test]
    fn an_address_says_whom_to_connect_to_and_what_to_ask_for() {
        let endpoint = read("https://Hooks.example.org/a/b?key=c%2F").unwrap();
        assert!(endpoint.secure);
        assert_eq!(endpoint.origin.authority(), "hooks.example.org:443");
        assert_eq!(endpoint.authority, "hooks.example.org");
        assert_eq!(endpoint.path.as_str(), "/a/b?key=c%2F");
        let endpoint = read("http://[::1]:9000").unwrap();
        assert!(!endpoint.secure);
        assert_eq!(endpoint.origin, Origin::Tcp { host: "::1".to_owned(), port: 9000 });
        assert_eq!(endpoint.path.as_str(), "/");
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        for (text, expected) in [
            ("", BadEndpoint::Unclear),
            ("example.org/x", BadEndpoint::Unclear),
            ("/x", BadEndpoint::Unclear),
            ("ftp://example.org", BadEndpoint::Unclear),
            ("unix:/run/x.sock", BadEndpoint::Unclear),
            ("https://alice:hunter2@example.org", BadEndpoint::User),
            ("https://example.org/#x", BadEndpoint::Fragment),
            ("https://example.org:0/", BadEndpoint::Port),
            ("https://example.org:70000/", BadEndpoint::Port),
        ] {
            assert_eq!(read(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn its_name_tells_it_from_others_and_nothing_else() {
        let names = ["http://h/a", "https://h/a", "http://h:81/a", "http://h/a?b"]
            .map(|text| read(text).unwrap().name());
        for (index, name) in names.iter().enumerate() {
            assert_eq!(name.len(), 43);
            assert!(!names[..index].contains(name));
        }
        assert_eq!(read("HTTP://H:80/a"), read("http://h/a"));
        assert_eq!(read("https://h:443/"), read("https://h"));
        assert_eq!(format!("{:?}", read("http://h/hunter2").unwrap()), "[redacted]");
    }
}
