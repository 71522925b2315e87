//! Heralds: the PROXY header, versions 1 and 2, against a plain reading of its specification.
//!
//! An input is what a trusted proxy sends before a request.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpStream};

use super::origin::Origin;
use crate::drive::{Judge, kind};
use crate::support::Sidecar;
use crate::support::wire::{Stream, Wire};

pub(super) const WORDS: &[&str] = &[
    "PROXY ",
    "TCP4",
    "TCP6",
    "UNKNOWN",
    "\r\n",
    "\n",
    "\r",
    " ",
    "  ",
    "127.0.0.1",
    "192.0.2.9",
    "::1",
    "2001:db8::1",
    "::ffff:192.0.2.9",
    "\r\n\r\n\0\r\nQUIT\n",
    "\x20",
    "\x21",
    "\x22",
    "\x11",
    "\x12",
    "\0\x0c",
    "\0\x24",
    "\0\0",
    "\x31",
    "fe80::1%1",
    "0",
    "65535",
    "65536",
    "01",
    "-1",
    "+1",
    "256.0.0.1",
    "1.2.3",
    "GET / HTTP/1.1\r\n",
];
/// A longer one of version 1 is none; a line end included.
const LONGEST_FIRST: usize = 107;
/// What metergate takes of version 2, its rarely used parts included.
const LONGEST_SECOND: usize = 4096;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Said {
    /// Whose connection it is.
    Someone(IpAddr),
    /// The proxy's own, or nobody says.
    Itself,
    /// It is none.
    Nothing,
}

/// The proxy, told that everyone here is trusted to begin with a header.
pub(super) struct Heralds {
    origin: Origin,
    sidecar: Sidecar,
    count: u64,
}

impl Heralds {
    pub(super) fn start() -> Self {
        let origin = Origin::start();
        let setup = Sidecar::before_url(&origin.url).bare();
        let sidecar = setup.proxy(|proxy| {
            proxy.proxy_protocol = true;
            proxy.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        });
        Self { origin, sidecar: sidecar.start(), count: 0 }
    }
}

impl Judge for Heralds {
    fn judge(&mut self, input: &[u8]) -> Result<u64, String> {
        // By its number a request is known that comes late.
        self.count += 1;
        let target = format!("/next-{}", self.count);
        let lines = "Host: a.example\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n\r\n";
        let sent = [input, format!("GET {target} HTTP/1.1\r\n{lines}").as_bytes()].concat();
        let (said, length) = read(&sent);
        let stream = TcpStream::connect(("127.0.0.1", self.sidecar.port())).unwrap();
        let mut wire = Wire::new(Stream::Tcp(stream));
        let cut = usize::try_from(kind(input) % 64).unwrap().min(sent.len());
        // It may have been refused by its beginning.
        let _ = wire.send(&sent[..cut]).and_then(|()| wire.send(&sent[cut..]));
        if said == Said::Nothing || length != input.len() {
            wire.stream.shutdown(Shutdown::Write);
        }
        let mut answered = Vec::new();
        let ended = wire.stream.read_to_end(&mut answered);
        if ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock) {
            return Err(format!("{said:?}: neither answered nor closed"));
        }
        let mut came = self.origin.take()?;
        came.retain(|one| one.asked.target == target.as_bytes());
        let told = came.first().map(|one| one.asked.all("x-forwarded-for").concat());
        let expected = match said {
            Said::Someone(ip) if !is_trusted(ip) => ip.to_string(),
            // Who is trusted is believed.
            _ => "203.0.113.7".to_owned(),
        };
        // What stands between header and request is a part of the request, and mostly makes it none.
        let is_next = |it: &[u8]| it.starts_with(b"HTTP/1.1 200");
        match (said, told) {
            (Said::Nothing, None) if answered.is_empty() => {}
            (Said::Nothing, _) => {
                return Err(format!("no header, and answered {}", answered.escape_ascii()));
            }
            (_, None) if length == input.len() => {
                return Err(format!("{said:?}, and not served: {}", answered.escape_ascii()));
            }
            (_, Some(told)) if told != expected.as_bytes() && length == input.len() => {
                return Err(format!("{said:?}, and served as {}", told.escape_ascii()));
            }
            (_, Some(_)) if length == input.len() && !is_next(&answered) => {
                return Err(format!("{said:?}, and answered {}", answered.escape_ascii()));
            }
            _ => {}
        }
        if came.len() > 1 && length == input.len() {
            return Err(format!("{} requests out of one", came.len()));
        }
        Ok(kind((
            std::mem::discriminant(&said),
            came.len(),
            length == input.len(),
            answered.get(9..12).map(<[u8]>::to_vec),
        )))
    }
}

fn is_trusted(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_loopback())
}

/// Reads a header off the beginning; returns what it says, and its length.
fn read(bytes: &[u8]) -> (Said, usize) {
    let read =
        if bytes.starts_with(b"\r\n\r\n\0\r\nQUIT\n") { second(bytes) } else { first(bytes) };
    read.unwrap_or((Said::Nothing, 0))
}

/// `PROXY TCP4 SOURCE DESTINATION PORT PORT`, and CR LF.
fn first(bytes: &[u8]) -> Option<(Said, usize)> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    if end + 2 > LONGEST_FIRST {
        return None;
    }
    // Whatever stands behind it says nothing, even without a space before it; but it is one line.
    if let Some(more) = bytes[..end].strip_prefix(b"PROXY UNKNOWN") {
        if more.contains(&b'\r') {
            return None;
        }
        return Some((Said::Itself, end + 2));
    }
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let words: Vec<_> = text.split(' ').collect();
    let said = match words[..] {
        ["PROXY", "TCP4", source, destination, from, to] => {
            let (source, _): (Ipv4Addr, Ipv4Addr) =
                (source.parse().ok()?, destination.parse().ok()?);
            ports(from, to)?;
            Said::Someone(source.into())
        }
        ["PROXY", "TCP6", source, destination, from, to] => {
            let (source, _): (Ipv6Addr, Ipv6Addr) =
                (source.parse().ok()?, destination.parse().ok()?);
            ports(from, to)?;
            Said::Someone(IpAddr::from(source).to_canonical())
        }
        _ => return None,
    };
    Some((said, end + 2))
}

fn ports(from: &str, to: &str) -> Option<()> {
    let is_port = |word: &str| {
        word.bytes().all(|it| it.is_ascii_digit())
            && word.parse::<u16>().is_ok()
            && (word == "0" || !word.starts_with('0'))
    };
    (is_port(from) && is_port(to)).then_some(())
}

/// Twelve bytes, version and command, family, length, addresses, and what else may be said.
fn second(bytes: &[u8]) -> Option<(Said, usize)> {
    let (version, family) = (*bytes.get(12)?, *bytes.get(13)?);
    let length = usize::from(u16::from_be_bytes([*bytes.get(14)?, *bytes.get(15)?]));
    let addresses = bytes.get(16..16 + length)?;
    if 16 + length > LONGEST_SECOND {
        return None;
    }
    // The proxy's own connection has a family, too, but nothing it says counts.
    let said = match family {
        0x00 => Said::Itself,
        0x11 | 0x12 => {
            Said::Someone(IpAddr::from(<[u8; 4]>::try_from(&addresses.get(..12)?[..4]).ok()?))
        }
        0x21 | 0x22 => {
            let source = <[u8; 16]>::try_from(&addresses.get(..36)?[..16]).ok()?;
            Said::Someone(IpAddr::from(source).to_canonical())
        }
        0x31 | 0x32 => addresses.get(..216).map(|_| Said::Itself)?,
        _ => return None,
    };
    let said = match version {
        0x20 => Said::Itself,
        0x21 => said,
        _ => return None,
    };
    Some((said, 16 + length))
}
