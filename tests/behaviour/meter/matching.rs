//! Which requests are metered, and by what.

use metergate::proxy::Count;

use super::{DOWNLOAD, EGRESS, download, homeserver, metering};
use crate::support::{Request, Sidecar};

#[test]
fn only_what_is_written_is_metered() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "0").start();
    for (method, path) in [
        ("GET", "/_matrix/client/v1/media/thumbnail/example.org/10"),
        ("GET", "/_matrix/client/v1/media/download"),
        ("GET", "/_matrix/client/v1/media/downloads/x"),
        ("GET", "/_matrix/client/v1/media/config"),
        ("OPTIONS", "/_matrix/client/v1/media/download/example.org/10"),
        ("HEAD", "/_matrix/client/v1/media/download/example.org/10"),
        ("DELETE", "/_matrix/client/v1/media/download/example.org/10"),
    ] {
        let answer = sidecar.ask(&Request::new(method, path).token("alice"));
        assert_eq!(answer.status, 200, "{method} {path}");
    }
    sidecar.ask(&download(10)).is_refusal(429, "M_LIMIT_EXCEEDED");
    let query = format!("{DOWNLOAD}example.org/10/a%20file.txt?timeout_ms=5");
    sidecar.ask(&Request::get(&query).token("alice")).is_refusal(429, "M_LIMIT_EXCEEDED");
}

#[test]
fn what_only_a_tidying_gateway_takes_for_it_is_refused() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "1MB/never").start();
    for path in [
        "/_matrix/client/v1/media/Download/example.org/10",
        "/_matrix//client/v1/media/download/example.org/10",
        "/_matrix/client/v1/media/./download/example.org/10",
        "/_matrix/client/v1/media/x/../download/example.org/10",
        "/_matrix/client/v1/media/%64ownload/example.org/10",
        "/_matrix/client/v1/media%2Fdownload/example.org/10",
        "/_matrix/client/v1/media/%2564ownload/example.org/10",
        "/_matrix/client/v1/media;x/download/example.org/10",
        "/_matrix/client/v1/media\\download/example.org/10",
        "http://matrix.example.org/_matrix/client/v1/media/download/example.org/10",
    ] {
        let answer = sidecar.ask(&Request::get(path).token("alice"));
        answer.is_refusal(404, "M_UNRECOGNIZED");
    }
    assert!(homeserver.forwarded().is_empty());
    // Odd, but nothing that is metered; and by methods that are not.
    for (method, path) in [
        ("GET", "/_matrix/client/v3/rooms/!A%20b/../x"),
        ("DELETE", "/_matrix/client/v1/media/Download/example.org/10"),
    ] {
        let answer = sidecar.ask(&Request::new(method, path).token("alice"));
        assert_eq!(answer.status, 200, "{method} {path}");
    }
    // A path that is one as written may hold anything.
    homeserver.on(DOWNLOAD, |exchange| exchange.answer(200, "ok"));
    let odd = format!("{DOWNLOAD}Example.ORG/aBc%2Fd/..%20.txt");
    assert_eq!(sidecar.ask(&Request::get(&odd).token("alice")).status, 200);
    assert_eq!(sidecar.figures_of(EGRESS), (2, 0));
}

#[test]
fn the_first_entry_that_matches_counts() {
    let homeserver = homeserver();
    let sidecar = Sidecar::before(&homeserver)
        .meter(&format!("GET {DOWNLOAD}big.example/*"), "big_bytes", Count::ResponseBody, None)
        .meter(&format!("GET {DOWNLOAD}**"), EGRESS, Count::ResponseBody, None)
        .start();
    let get = |name: &str| {
        let path = format!("{DOWNLOAD}{name}/100");
        assert_eq!(sidecar.ask(&Request::get(&path).token("alice")).status, 200);
    };
    get("big.example");
    get("other.example");
    get("other.example");
    assert_eq!(sidecar.figures_of("big_bytes"), (100, 0));
    assert_eq!(sidecar.figures_of(EGRESS), (200, 0));
    // Neither may be had at the price of the other.
    let path = format!("{DOWNLOAD}x/../big.example/100");
    sidecar.ask(&Request::get(&path).token("alice")).is_refusal(404, "M_UNRECOGNIZED");
}

#[test]
fn uploads_are_metered_as_ever_beside_it() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "0").limit("1kB/never").start();
    assert_eq!(sidecar.upload(1000), 200);
    assert_eq!(sidecar.upload(1), 429);
    sidecar.comes_to(1000);
}
