//! Address: where a server is, as it is typed after `--server`.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

use crate::net::Origin;
use crate::quota::Invalid;

/// How it is written.
const WRITE: &str = "write http://127.0.0.1:8400, https://example.org/metergate or unix:/path";

/// The admin address of a server: `http://127.0.0.1:8400`, `https://example.org/metergate`,
/// `unix:/run/metergate/admin.sock`. Prints as it was typed; holds no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Address {
    typed: String,
    /// Whom to connect to.
    pub(super) origin: Origin,
    /// Over TLS.
    pub(super) secure: bool,
    /// What `Host` says.
    pub(super) host: String,
    /// What stands before every path: nothing, or `/metergate`.
    pub(super) base: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for Address {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // What may be a password is not repeated.
        if text.contains('@') {
            return Err(Invalid::new("the URL of a server holds no user: give it a token instead"));
        }
        let wrong = |why: &str| Invalid::new(format!("\"{text}\" {why}: {WRITE}"));
        if text.starts_with("unix:") {
            let origin = text.parse().map_err(|_| wrong("names no socket by its whole path"))?;
            let (host, base) = ("localhost".to_owned(), String::new());
            return Ok(Self { typed: text.to_owned(), origin, secure: false, host, base });
        }
        let uri = Uri::from_str(text).map_err(|_| wrong("is not the URL of a server"))?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong("is not the URL of a server")),
        };
        if text.contains(['?', '#']) {
            return Err(wrong("holds more than a host, a port and a path"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        let named = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if named.is_empty() {
            return Err(wrong("names no host"));
        }
        let port = if authority.as_str().len() == authority.host().len() {
            if secure { 443 } else { 80 }
        } else {
            let port = authority.port_u16().filter(|port| *port != 0);
            port.ok_or_else(|| wrong("has a port that is not between 1 and 65535"))?
        };
        Ok(Self {
            origin: Origin::Tcp { host: named, port },
            secure,
            host: authority.as_str().to_owned(),
            base: uri.path().trim_end_matches('/').to_owned(),
            typed: text.trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_says_whom_to_connect_to_and_what_stands_before_every_path() {
        let plain = read("http://127.0.0.1:8400/");
        assert_eq!(
            (plain.to_string().as_str(), plain.base.as_str()),
            ("http://127.0.0.1:8400", "")
        );
        assert_eq!((plain.secure, plain.host.as_str()), (false, "127.0.0.1:8400"));
        let behind = read("https://Example.org/metergate/");
        assert_eq!(behind.origin, Origin::Tcp { host: "Example.org".to_owned(), port: 443 });
        assert_eq!((behind.secure, behind.base.as_str()), (true, "/metergate"));
        assert_eq!(read("http://[::1]:8400").origin.authority(), "[::1]:8400");
        let socket = read("unix:/run/metergate.sock");
        assert_eq!(
            (socket.origin.to_string().as_str(), socket.host.as_str()),
            ("unix:/run/metergate.sock", "localhost")
        );
    }

    #[test]
    fn what_is_none_says_how_one_is_written() {
        for text in [
            "",
            "127.0.0.1:8400",
            "ftp://x",
            "http://",
            "unix:run/x",
            "http://h:0",
            "http://h/?x",
            "http://h:x",
        ] {
            let wrong = text.parse::<Address>().unwrap_err().to_string();
            assert!(wrong.contains("write http://127.0.0.1:8400"), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let wrong = "https://admin:hunter2@example.org".parse::<Address>().unwrap_err();
        assert!(!wrong.to_string().contains("hunter2") && wrong.to_string().contains("token"));
    }
}
