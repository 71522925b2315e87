//! What the configuration meters beside uploads.

mod downloads;
mod ends;
mod matching;
mod once;
mod outage;
mod sending;
mod told;

use metergate::proxy::Count;

use crate::support::sidecar::Setup;
use crate::support::{Exchange, Homeserver, Request, Sidecar, bytes};

/// Where files are downloaded from.
const DOWNLOAD: &str = "/_matrix/client/v1/media/download/";
/// What they are charged as.
const EGRESS: &str = "egress_bytes";
/// How messages are sent.
const SEND: &str = "/_matrix/client/v3/rooms/!room:example.org/send/m.room.message/";

/// A homeserver from which files can be downloaded: the name is the number of bytes.
fn homeserver() -> Homeserver {
    let homeserver = Homeserver::start();
    homeserver.on(DOWNLOAD, |exchange| {
        exchange.read_body();
        let size = size(exchange);
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"));
        if exchange.head.word(0) != "HEAD" {
            exchange.send(bytes(size));
        }
    });
    homeserver
}

/// Returns how large the file is that is asked for.
fn size(exchange: &Exchange) -> usize {
    exchange.head.word(1).rsplit('/').next().unwrap().parse().unwrap()
}

/// Meters downloads before it; everyone may have so much.
fn metering(homeserver: &Homeserver, limit: &str) -> Setup {
    let route = format!("GET {DOWNLOAD}**");
    Sidecar::before(homeserver).meter(&route, EGRESS, Count::ResponseBody, Some(limit))
}

/// A download of a file of this size, by alice.
fn download(size: usize) -> Request {
    Request::get(&format!("{DOWNLOAD}example.org/{size}")).token("alice")
}

/// Meters messages before it; everyone may send so many.
fn messages(homeserver: &Homeserver, limit: &str) -> Setup {
    let route = "PUT /_matrix/client/v3/rooms/*/send/**";
    Sidecar::before(homeserver).meter(route, "messages", Count::One, Some(limit))
}

/// A message by alice.
fn message(number: usize) -> Request {
    Request::new("PUT", &format!("{SEND}{number}")).token("alice")
}
