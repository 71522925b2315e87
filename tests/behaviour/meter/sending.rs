//! Request bodies of other routes than uploads: metered like these.

use metergate::proxy::Count;

use crate::support::sidecar::Setup;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes};

const KEYS: &str = "/_matrix/client/v3/room_keys/keys";
const BACKUP: &str = "backup_bytes";

fn metering(homeserver: &Homeserver, limit: &str) -> Setup {
    let route = format!("PUT {KEYS}");
    Sidecar::before(homeserver).meter(&route, BACKUP, Count::RequestBody, Some(limit))
}

fn backup() -> Request {
    Request::new("PUT", KEYS).token("alice")
}

#[test]
fn a_body_is_charged_by_its_bytes_and_refused_past_the_limit() {
    let homeserver = Homeserver::start();
    let sidecar = metering(&homeserver, "300kB/month").start();
    assert_eq!(sidecar.ask(&backup().body(&bytes(100_000))).status, 200);
    assert_eq!(sidecar.ask(&backup().chunks(&bytes(100_000))).status, 200);
    let refused = sidecar.ask(&backup().body(&bytes(100_001)));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    let begin = "Limit reached: 200 kB of 300 kB used this month, this request needs 100 kB.";
    assert!(error.starts_with(begin), "{error}");
    assert_eq!(sidecar.ask(&backup().body(&bytes(100_000))).status, 200);
    assert_eq!(sidecar.figures_of(BACKUP), (300_000, 0));
    assert_eq!(sidecar.used(), 0);
}

#[test]
fn a_body_of_unknown_length_is_cut_where_the_limit_is() {
    let homeserver = Homeserver::start();
    let sidecar = metering(&homeserver, "100kB/never").start();
    let refused = sidecar.ask(&backup().chunks(&bytes(300_000)));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    homeserver.keeps_nothing();
    assert_eq!(sidecar.ends_with(BACKUP), 0);
}

#[test]
fn no_file_is_too_large_that_is_none() {
    let homeserver = Homeserver::start();
    let sidecar = metering(&homeserver, "1MB/never").largest(10).start();
    assert_eq!(sidecar.ask(&backup().body(&bytes(1000))).status, 200);
    assert_eq!(sidecar.upload(11), 413);
}

#[test]
fn what_breaks_off_or_is_refused_costs_nothing() {
    let homeserver = Homeserver::start();
    let sidecar = metering(&homeserver, "1MB/never").start();
    let mut client = sidecar.client();
    client.send(backup().chunked().head());
    client.send(chunk(&bytes(1000)));
    homeserver.has(1000);
    drop(client);
    homeserver.ended(Ended::Cut);
    assert_eq!(sidecar.ends_with(BACKUP), 0);
    homeserver.on(KEYS, |exchange| {
        exchange.read_body();
        exchange.answer(403, "{}");
    });
    assert_eq!(sidecar.ask(&backup().body(&bytes(1000))).status, 403);
    assert_eq!(sidecar.figures_of(BACKUP), (0, 0));
}

#[test]
fn a_refusal_comes_before_the_go_ahead() {
    let homeserver = Homeserver::start();
    let sidecar = metering(&homeserver, "10/never").start();
    let mut client = sidecar.client();
    client.send(backup().length(1000).line("Expect: 100-continue").head());
    client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
    assert!(homeserver.forwarded().is_empty());
}
