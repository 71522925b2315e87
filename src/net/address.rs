//! Where to listen and where to connect, as words.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

/// What a Unix socket's address begins with, in both forms.
const UNIX: &str = "unix:";

/// The word for sockets that are passed in.
const SYSTEMD: &str = "systemd";

/// A place to listen at: `127.0.0.1:8010`, `[::1]:8010`, `unix:/run/x.sock` or `systemd`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and port; port 0 is any free one.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// Wherever the sockets listen that systemd passes to this process.
    Systemd,
}

/// An upstream to connect to: `http://host:port`, `http://host` (port 80), `https://host:port`,
/// `https://host` (port 443) or `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A host, by name or address (an IPv6 one without its brackets), and a port.
    Tcp {
        /// Resolved anew at each connection.
        host: String,
        /// Never 0.
        port: u16,
    },
    /// The same, over TLS.
    Https {
        /// Resolved anew at each connection, and whom the certificate must name.
        host: String,
        /// Never 0.
        port: u16,
    },
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// An address that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not an IP address with a port, nor a Unix socket.
    #[error(
        "`{0}` is not an address: write it as 127.0.0.1:8010, [::1]:8010, unix:/path or systemd"
    )]
    Unclear(String),
    /// A Unix socket without an absolute path.
    #[error("`{0}` needs an absolute path after `unix:`")]
    NoPath(String),
    /// A URL with a scheme that is not spoken here.
    #[error(
        "`{0}` is not an upstream: write it as http://host:port, https://host:port or unix:/path"
    )]
    Scheme(String),
    /// A URL with more in it than a host and a port.
    #[error("`{0}` may hold a host and a port, no user, path or query")]
    Extra(String),
    /// A URL with an unusable port.
    #[error("`{0}` has a port that is not between 1 and 65535")]
    Port(String),
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return unix_path(text, path).map(Self::Unix);
        }
        if text == SYSTEMD {
            return Ok(Self::Systemd);
        }
        let address = text.parse().map_err(|_| BadAddress::Unclear(text.to_owned()))?;
        Ok(Self::Tcp(address))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
            Self::Systemd => f.write_str(SYSTEMD),
        }
    }
}

impl FromStr for Origin {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return unix_path(text, path).map(Self::Unix);
        }
        // A text with `user:password@` is not echoed into a log.
        if text.contains('@') {
            return Err(BadAddress::Extra("the address".to_owned()));
        }
        let bad = |reason: fn(String) -> BadAddress| reason(text.to_owned());
        let uri = Uri::from_str(text).map_err(|_| bad(BadAddress::Scheme))?;
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(bad(BadAddress::Scheme)),
        };
        if text.contains(['?', '#']) || !matches!(uri.path(), "" | "/") {
            return Err(bad(BadAddress::Extra));
        }
        let authority = uri.authority().ok_or_else(|| bad(BadAddress::Scheme))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad(BadAddress::Scheme));
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            None | Some("") => {
                if is_secure {
                    443
                } else {
                    80
                }
            }
            Some(port) => port_number(port).ok_or_else(|| bad(BadAddress::Port))?,
        };
        let host = host.to_owned();
        Ok(if is_secure { Self::Https { host, port } } else { Self::Tcp { host, port } })
    }
}

impl Origin {
    /// Returns what a request to here says in `Host` when it says nothing else.
    #[must_use]
    pub fn authority(&self) -> String {
        match self {
            Self::Tcp { host, port } | Self::Https { host, port } if host.contains(':') => {
                format!("[{host}]:{port}")
            }
            Self::Tcp { host, port } | Self::Https { host, port } => format!("{host}:{port}"),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { .. } => write!(f, "http://{}", self.authority()),
            Self::Https { .. } => write!(f, "https://{}", self.authority()),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

fn unix_path(text: &str, path: &str) -> Result<PathBuf, BadAddress> {
    if path.starts_with('/') && !path.ends_with('/') && !path.contains('\0') {
        Ok(PathBuf::from(path))
    } else {
        Err(BadAddress::NoPath(text.to_owned()))
    }
}

fn port_number(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_prints_as_it_is_written() {
        for text in
            ["127.0.0.1:8010", "[::1]:8010", "0.0.0.0:0", "unix:/run/metergate.sock", "systemd"]
        {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_address_without_port_or_path_is_refused() {
        for text in
            ["", "127.0.0.1", "localhost:8010", ":8010", "unix:", "unix:run/x", "unix:/run/"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_prints_as_it_is_written() {
        let rows = [
            ("http://127.0.0.1:8008", "http://127.0.0.1:8008"),
            ("http://continuwuity:8008/", "http://continuwuity:8008"),
            ("HTTP://matrix.example.org", "http://matrix.example.org:80"),
            ("http://[::1]:8008", "http://[::1]:8008"),
            ("http://[::1]", "http://[::1]:80"),
            ("https://matrix.example.org", "https://matrix.example.org:443"),
            ("https://[::1]:8448/", "https://[::1]:8448"),
            ("unix:/run/homeserver.sock", "unix:/run/homeserver.sock"),
        ];
        for (text, printed) in rows {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn an_origin_with_more_than_host_and_port_is_refused() {
        let rows = [
            "",
            "localhost:8008",
            "127.0.0.1:8008",
            "matrix.example.org",
            "ftp://x",
            "https://",
            "https://host:0",
            "https://host/path",
            "http://",
            "http://:8008",
            "http://host:0",
            "http://host:",
            "http://host:65536",
            "http://host:+80",
            "http://host/path",
            "http://host/?q",
            "http://host?q",
            "http://host/#f",
            "unix:x",
        ];
        for text in rows {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_origin_is_not_repeated() {
        let refusal = "http://user:hunter2@host".parse::<Origin>().unwrap_err();
        assert!(!refusal.to_string().contains("hunter2"));
    }
}
