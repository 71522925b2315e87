//! Scenarios: who sends what, over how many connections, and by what it is counted.

use std::fmt::Write as _;

use super::peers::{Peer, Store};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// What chunked bodies are cut into.
const CHUNK: usize = 16 * KIB;

/// One kind of load.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    exchange: Exchange,
    pub(crate) unit: Unit,
}

#[derive(Clone, Copy)]
enum Exchange {
    Get,
    Download { size: usize },
    Upload { size: usize, chunked: bool },
}

/// By what the cost is counted.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Requests,
    Gibibytes,
}

pub(crate) const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "get64", connections: 64, exchange: Exchange::Get, unit: Unit::Requests },
    Scenario {
        name: "up16k_32",
        connections: 32,
        exchange: Exchange::Upload { size: 16 * KIB, chunked: false },
        unit: Unit::Requests,
    },
    Scenario {
        name: "up1m_cl_8",
        connections: 8,
        exchange: Exchange::Upload { size: MIB, chunked: false },
        unit: Unit::Gibibytes,
    },
    Scenario {
        name: "up1m_ch_8",
        connections: 8,
        exchange: Exchange::Upload { size: MIB, chunked: true },
        unit: Unit::Gibibytes,
    },
    Scenario {
        name: "dl64m_4",
        connections: 4,
        exchange: Exchange::Download { size: 64 * MIB },
        unit: Unit::Gibibytes,
    },
];

impl Scenario {
    /// Returns true if the proxy is worth running: one in memory only where the store shows.
    pub(crate) fn suits(&self, peer: &Peer) -> bool {
        peer.store != Some(Store::Memory) || matches!(self.exchange, Exchange::Upload { .. })
    }

    /// Returns the request, over and over the same, of user number `user`.
    pub(crate) fn request(&self, user: usize) -> Vec<u8> {
        match self.exchange {
            Exchange::Get => head("GET /_matrix/client/v3/sync", user, ""),
            Exchange::Download { size } => head(&format!("GET /download/{size}"), user, ""),
            Exchange::Upload { size, chunked: false } => {
                let mut request = upload(user, size);
                request.resize(request.len() + size, b'x');
                request
            }
            Exchange::Upload { size, chunked: true } => {
                let mut request = head(UPLOAD, user, "Transfer-Encoding: chunked\r\n");
                for _ in 0..size / CHUNK {
                    request.extend_from_slice(format!("{CHUNK:x}\r\n").as_bytes());
                    request.resize(request.len() + CHUNK, b'x');
                    request.extend_from_slice(b"\r\n");
                }
                request.extend_from_slice(b"0\r\n\r\n");
                request
            }
        }
    }

    fn bytes(&self) -> f64 {
        let size = match self.exchange {
            Exchange::Get => 0,
            Exchange::Download { size } | Exchange::Upload { size, .. } => size,
        };
        f64::from(u32::try_from(size).unwrap())
    }
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Requests => "100 000 requests",
            Self::Gibibytes => "GiB",
        }
    }

    /// Returns what system calls are counted by.
    pub(crate) const fn one(self) -> &'static str {
        match self {
            Self::Requests => "request",
            Self::Gibibytes => "MiB",
        }
    }

    pub(crate) const fn pace(self) -> &'static str {
        match self {
            Self::Requests => "1/s",
            Self::Gibibytes => "MiB/s",
        }
    }

    /// Returns so many requests in units of the cost.
    pub(crate) fn units(self, scenario: &Scenario, requests: u32) -> f64 {
        match self {
            Self::Requests => f64::from(requests) / 100_000.0,
            Self::Gibibytes => self.paced(scenario, requests) / 1024.0,
        }
    }

    /// Returns so many requests in units of the pace.
    pub(crate) fn paced(self, scenario: &Scenario, requests: u32) -> f64 {
        match self {
            Self::Requests => f64::from(requests),
            Self::Gibibytes => f64::from(requests) * scenario.bytes() / f64::from(1_u32 << 20),
        }
    }
}

const UPLOAD: &str = "POST /_matrix/media/v3/upload";

/// Returns the head of an upload of so many bytes.
pub(crate) fn upload(user: usize, size: usize) -> Vec<u8> {
    head(UPLOAD, user, &format!("Content-Length: {size}\r\n"))
}

fn head(line: &str, user: usize, framing: &str) -> Vec<u8> {
    let mut head = format!("{line} HTTP/1.1\r\nHost: example.org\r\n{framing}");
    write!(head, "Authorization: Bearer user{user}\r\nAccept: */*\r\n\r\n").unwrap();
    head.into_bytes()
}
