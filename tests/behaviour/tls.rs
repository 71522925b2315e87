//! TLS with clients: which versions and protocols, in time, and certificates that change.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use metergate::net::Certificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::support::certificates::{Files, call, connector};
use crate::support::client::UPLOAD;
use crate::support::http2::{self, Http2};
use crate::support::process::Process;
use crate::support::{Homeserver, PATIENCE, Sidecar, bytes, eventually, now};

const BOTH: [&tokio_rustls::rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
const HEAD: &str = "GET /x HTTP/1.1\r\nHost: matrix.example.org\r\n\r\n";

fn sealed(homeserver: &Homeserver, files: &[&Files], limit: &str) -> Sidecar {
    let read = |it: &&Files| Certificate::read(&it.cert, &it.key).unwrap();
    let certificates = files.iter().map(read).collect();
    let setup = Sidecar::before(homeserver).limit(limit);
    let setup = setup.limits(|limits| limits.head_timeout = Duration::from_secs(2));
    setup.proxy(|proxy| proxy.certificates = certificates).start()
}

/// Asks over HTTP/1.1; returns the answer's first line.
async fn asked(stream: &mut TlsStream<tokio::net::TcpStream>) -> String {
    stream.write_all(HEAD.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    // The rest of it is small, and there.
    let mut rest = vec![0; 4096];
    assert!(stream.read(&mut rest).await.unwrap() > 0);
    String::from_utf8(answer).unwrap()
}

#[test]
fn both_versions_of_tls_carry_http1() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "a", &["matrix.example.org"]);
    let homeserver = Homeserver::start();
    let sidecar = sealed(&homeserver, &[&files], "1MB/never");
    for version in BOTH {
        for protocols in [&["http/1.1"][..], &[]] {
            http2::runtime().block_on(async {
                let connector = connector(&[&files.der], &[version], protocols);
                let called = call(&connector, sidecar.port(), "matrix.example.org").await;
                assert_eq!(asked(&mut called.unwrap()).await, "HTTP/1.1 200");
            });
        }
    }
}

#[test]
fn a_client_that_can_speaks_http2_over_it_and_uploads_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "a", &["matrix.example.org"]);
    let homeserver = Homeserver::start();
    let sidecar = sealed(&homeserver, &[&files], "1MB/never");
    let runtime = http2::runtime();
    let connector = connector(&[&files.der], &BOTH, &["h2", "http/1.1"]);
    let stream = runtime.block_on(call(&connector, sidecar.port(), "matrix.example.org")).unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = Http2::over(runtime, stream);
    assert_eq!(client.upload(&bytes(300_000), true).status, 200);
    assert_eq!(client.upload(&bytes(300_000), false).status, 200);
    sidecar.comes_to(600_000);
    let told = client.upload(&bytes(600_000), true);
    assert_eq!((told.status, told.errcode().as_str()), (429, "M_LIMIT_EXCEEDED"));
    assert_eq!(homeserver.seen(UPLOAD).len(), 2);
}

#[test]
fn the_homeserver_is_told_that_a_stranger_came_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "a", &["matrix.example.org"]);
    let homeserver = Homeserver::start();
    let certificate = Certificate::read(&files.cert, &files.key).unwrap();
    for (trusted, expected) in [(false, Some("https")), (true, None)] {
        let certificates = vec![certificate.clone()];
        let sidecar = Sidecar::before(&homeserver).proxy(|proxy| {
            proxy.certificates = certificates;
            if !trusted {
                proxy.trusted_proxies.clear();
            }
        });
        let sidecar = sidecar.start();
        for protocol in ["h2", "http/1.1"] {
            let runtime = http2::runtime();
            let connector = connector(&[&files.der], &BOTH, &[protocol]);
            let called = call(&connector, sidecar.port(), "matrix.example.org");
            let mut stream = runtime.block_on(called).unwrap();
            if protocol == "h2" {
                assert_eq!(Http2::over(runtime, stream).get("/x").status, 200);
            } else {
                assert_eq!(runtime.block_on(asked(&mut stream)), "HTTP/1.1 200");
            }
            let seen = homeserver.seen("/x").pop().unwrap();
            assert_eq!(seen.head.header("x-forwarded-proto"), expected, "{protocol}");
        }
    }
}

#[test]
fn each_name_is_shown_its_own_certificate_and_any_other_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let one = Files::made(folder.path(), "one", &["one.example.org"]);
    let two = Files::made(folder.path(), "two", &["two.example.org"]);
    let homeserver = Homeserver::start();
    let sidecar = sealed(&homeserver, &[&one, &two], "1MB/never");
    http2::runtime().block_on(async {
        let connector = connector(&[&one.der, &two.der], &BOTH, &[]);
        for (name, shown) in [("one.example.org", &one), ("two.example.org", &two)] {
            let stream = call(&connector, sidecar.port(), name).await.unwrap();
            let seen = stream.get_ref().1.peer_certificates().unwrap();
            assert_eq!(seen, std::slice::from_ref(&shown.der));
        }
        let refused = call(&connector, sidecar.port(), "three.example.org").await.unwrap_err();
        assert!(refused.to_string().contains("one.example.org"), "{refused}");
    });
}

#[test]
fn a_client_that_does_not_shake_hands_is_cut_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "a", &["matrix.example.org"]);
    let homeserver = Homeserver::start();
    let sidecar = sealed(&homeserver, &[&files], "1MB/never");
    let begun = now();
    let mut silent: Vec<_> =
        (0..20).map(|_| TcpStream::connect(("127.0.0.1", sidecar.port())).unwrap()).collect();
    http2::runtime().block_on(async {
        let connector = connector(&[&files.der], &BOTH, &[]);
        let mut stream = call(&connector, sidecar.port(), "matrix.example.org").await.unwrap();
        assert_eq!(asked(&mut stream).await, "HTTP/1.1 200");
    });
    for stream in &mut silent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(begun.elapsed() >= Duration::from_millis(1900));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_client_in_the_clear_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "a", &["matrix.example.org"]);
    let homeserver = Homeserver::start();
    let sidecar = sealed(&homeserver, &[&files], "1MB/never");
    let mut client = sidecar.client();
    client.send(HEAD);
    let answer = client.wire.rest();
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    assert_eq!(homeserver.forwarded().len(), 0);
}

/// A configuration with these files.
fn config(homeserver: &Homeserver, folder: &Path, cert: &str, key: &str) -> String {
    let folder = folder.display();
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[server.tls]\ncert = \"{folder}/{cert}\"\n\
         key = \"{folder}/{key}\"\n[upstream]\nurl = \"{}\"\n",
        homeserver.url
    )
}

#[test]
fn certificates_are_exchanged_without_dropping_a_connection_and_bad_ones_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let old = Files::made(folder.path(), "a", &["old.example.org"]);
    let homeserver = Homeserver::start();
    let told = config(&homeserver, folder.path(), "a.crt", "a.key");
    let service = Process::configured(folder.path(), &told);
    let port = service.port();
    let runtime = http2::runtime();
    let connector_of = |files: &Files| connector(&[&files.der], &BOTH, &[]);
    let mut kept = runtime.block_on(call(&connector_of(&old), port, "old.example.org")).unwrap();
    assert_eq!(runtime.block_on(asked(&mut kept)), "HTTP/1.1 200");

    // A key that is not of the certificate, as between two writes of whoever renews them.
    let new = Files::made(folder.path(), "b", &["new.example.org"]);
    std::fs::copy(&new.cert, &old.cert).unwrap();
    service.reload(&told);
    service.says("reload refused: everything stays as it was");
    service.says("write the two files of one certificate");
    let shown = runtime.block_on(call(&connector_of(&old), port, "old.example.org"));
    assert!(shown.is_ok(), "the former one stays");

    std::fs::copy(&new.key, &old.key).unwrap();
    service.reload(&told);
    service.says("certificates reloaded");
    let shown = runtime.block_on(call(&connector_of(&new), port, "new.example.org"));
    assert_eq!(runtime.block_on(asked(&mut shown.unwrap())), "HTTP/1.1 200");
    // The connection from before goes on.
    assert_eq!(runtime.block_on(asked(&mut kept)), "HTTP/1.1 200");

    let clear =
        format!("[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n", homeserver.url);
    service.reload(&clear);
    eventually("it is named", || service.told("changed=\"[server.tls]\"") == 1);
    drop(kept);
    service.stop();
}
