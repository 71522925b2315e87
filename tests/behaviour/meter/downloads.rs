//! Downloads: gated as if they cost one, charged by what goes out.

use metergate::proxy::Count;

use super::{DOWNLOAD, EGRESS, download, homeserver, metering};
use crate::support::http2::request;
use crate::support::{Request, Sidecar, bytes, eventually};

#[test]
fn a_download_is_charged_by_its_bytes_before_its_end_is_read() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "1MB/never").start();
    for (size, total) in [(300_000, 300_000), (1, 300_001), (0, 300_001), (5000, 305_001)] {
        let answer = sidecar.ask(&download(size));
        assert_eq!((answer.status, answer.whole), (200, true));
        assert_eq!(answer.body, bytes(size));
        assert_eq!(answer.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(sidecar.figures_of(EGRESS), (total, 0), "{size} bytes");
    }
    assert_eq!(sidecar.used(), 0, "nothing was uploaded");
}

#[test]
fn a_download_in_chunks_is_charged_by_its_bytes_and_stays_in_chunks() {
    let homeserver = homeserver();
    homeserver.on(DOWNLOAD, |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n");
        exchange.send("5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n");
    });
    let sidecar = metering(&homeserver, "1MB/never").start();
    let answer = sidecar.ask(&download(11).line("TE: trailers"));
    assert_eq!((answer.text().as_str(), answer.whole), ("hello world", true));
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert_eq!(answer.trailers, ["x-sum: 11"]);
    assert_eq!(sidecar.figures_of(EGRESS), (11, 0));
}

#[test]
fn whoever_has_any_room_left_may_begin_and_whoever_has_none_is_refused() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "100kB/month").start();
    assert_eq!(sidecar.ask(&download(99_999)).status, 200);
    let last = sidecar.ask(&download(50_000));
    assert_eq!((last.status, last.body.len()), (200, 50_000));
    assert_eq!(sidecar.figures_of(EGRESS), (149_999, 0));

    let refused = sidecar.ask(&download(1));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    assert!(refused.header("retry-after").is_some());
    let told = refused.json();
    let error = told["error"].as_str().unwrap();
    let begin = "Download limit reached: 149.99 kB of 100 kB used this month. Resets ";
    assert!(error.starts_with(begin), "{error}");
    let quota = &told["org.metergate.quota"];
    assert_eq!((&quota["capability"], &quota["resource"]), (&EGRESS.into(), &EGRESS.into()));
    assert_eq!((&quota["used"], &quota["requested"]), (&149_999.into(), &1.into()));
    assert_eq!(homeserver.forwarded().len(), 2);
    // Everything else goes on.
    assert_eq!(sidecar.upload(1000), 200);
    assert_eq!(sidecar.ask(&Request::get("/_matrix/client/v3/sync").token("alice")).status, 200);
}

#[test]
fn exactly_at_the_limit_it_is_spent() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "100kB/never").start();
    assert_eq!(sidecar.ask(&download(100_000)).status, 200);
    sidecar.ask(&download(1)).is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(sidecar.figures_of(EGRESS), (100_000, 0));
}

#[test]
fn only_answers_that_bring_something_cost_something() {
    for (status, body) in
        [(304, ""), (302, "moved"), (404, "none"), (403, "no"), (500, "broken"), (416, "range")]
    {
        let homeserver = homeserver();
        homeserver.on(DOWNLOAD, move |exchange| {
            exchange.read_body();
            match status {
                304 => exchange.send("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
                _ => exchange.answer(status, body),
            }
        });
        let sidecar = metering(&homeserver, "1MB/never").start();
        let answer = sidecar.client().ask(&download(10));
        assert_eq!((answer.status, answer.text().as_str()), (status, body));
        assert_eq!(sidecar.figures_of(EGRESS), (0, 0), "{status}");
    }
}

#[test]
fn a_part_costs_what_is_sent_of_it() {
    let homeserver = homeserver();
    homeserver.on(DOWNLOAD, |exchange| {
        exchange.read_body();
        assert_eq!(exchange.head.header("range"), Some("bytes=10-29"));
        exchange.send("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-29/99\r\n");
        exchange.send("Content-Length: 20\r\n\r\nabcdefghijklmnopqrst");
    });
    let sidecar = metering(&homeserver, "1MB/never").start();
    let answer = sidecar.ask(&download(99).line("Range: bytes=10-29"));
    assert_eq!((answer.status, answer.body.len()), (206, 20));
    assert_eq!(sidecar.figures_of(EGRESS), (20, 0));
}

#[test]
fn a_look_at_the_head_costs_nothing_and_is_not_gated() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "0").start();
    let head = Request::new("HEAD", &format!("{DOWNLOAD}example.org/500")).token("alice");
    let answer = sidecar.ask(&head);
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("500")));
    assert_eq!(sidecar.figures_of(EGRESS), (0, 0));
    sidecar.ask(&download(1)).is_refusal(429, "M_LIMIT_EXCEEDED");

    // One that is named is gated, and has no bytes.
    let route = format!("HEAD {DOWNLOAD}**");
    let named = Sidecar::before(&homeserver);
    let named = named.meter(&route, EGRESS, Count::ResponseBody, Some("10/never")).start();
    assert_eq!(named.ask(&head).status, 200);
    assert_eq!(named.figures_of(EGRESS), (0, 0));
}

#[test]
fn the_number_of_downloads_may_be_limited_too() {
    let homeserver = homeserver();
    let (egress, downloads) = (EGRESS.parse().unwrap(), "downloads".parse().unwrap());
    let sidecar = metering(&homeserver, "1MB/never")
        .count("downloads", "2/month")
        .capability(EGRESS, vec![egress, downloads])
        .start();
    assert_eq!(sidecar.ask(&download(1000)).status, 200);
    assert_eq!(sidecar.ask(&download(0)).status, 200, "an empty file is one, too");
    let refused = sidecar.ask(&download(1000));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("Download limit reached: 2 of 2 downloads used this month."));
    assert_eq!((sidecar.figures_of(EGRESS), sidecar.figures_of("downloads")), ((1000, 0), (2, 0)));
}

#[test]
fn downloads_over_http2_are_charged_and_refused_alike() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "500kB/never").start();
    let mut client = sidecar.http2();
    for (size, total) in [(300_000, 300_000), (0, 300_000), (200_000, 500_000)] {
        let told = client.get(&format!("{DOWNLOAD}example.org/{size}"));
        assert_eq!((told.status, told.reset, told.body.len()), (200, None, size));
        assert_eq!(sidecar.figures_of(EGRESS), (total, 0));
    }
    let refused = client.get(&format!("{DOWNLOAD}example.org/1"));
    assert_eq!((refused.status, refused.errcode().as_str()), (429, "M_LIMIT_EXCEEDED"));
    let other = request("GET", "/_matrix/client/v3/sync").body(()).unwrap();
    assert_eq!(client.ask(other).status, 200);
}

#[test]
fn a_download_is_of_whom_its_token_is() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "1MB/never").start();
    let plain = Request::get(&format!("{DOWNLOAD}example.org/100"));
    let missing = sidecar.ask(&plain);
    assert_eq!((missing.status, missing.errcode().as_str()), (401, "M_MISSING_TOKEN"));
    let unknown = sidecar.ask(&plain.clone().token("bad"));
    assert_eq!((unknown.status, unknown.errcode().as_str()), (401, "M_UNKNOWN_TOKEN"));
    sidecar.ask(&plain.clone().token("alice").token("bob")).is_refusal(401, "M_UNAUTHORIZED");
    let both = format!("{DOWNLOAD}example.org/100?access_token=bob");
    sidecar.ask(&Request::get(&both).token("alice")).is_refusal(401, "M_UNAUTHORIZED");
    assert!(homeserver.forwarded().is_empty());

    assert_eq!(sidecar.ask(&plain.clone().token("bob")).status, 200);
    assert_eq!(sidecar.figures_of(EGRESS), (0, 0));
    assert_eq!(sidecar.ask(&plain.token("alice")).status, 200);
    assert_eq!(sidecar.figures_of(EGRESS), (100, 0));
}

#[test]
fn a_download_never_becomes_a_tunnel() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "1MB/never").start();
    let asks = download(5).line("Connection: upgrade").line("Upgrade: websocket");
    assert_eq!(sidecar.ask(&asks).status, 200);
    assert_eq!(homeserver.only().head.header("upgrade"), None);
    homeserver.on(DOWNLOAD, |exchange| {
        exchange.send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
        exchange.hang();
    });
    sidecar.ask(&asks).is_refusal(502, "M_UNKNOWN");
    eventually("nothing is held", || sidecar.figures_of(EGRESS) == (5, 0));
}
