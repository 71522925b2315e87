//! Addresses: where it listens and where it connects, sockets of the machine among them.

use super::GET;
use crate::support::{Homeserver, Request, Sidecar, bytes};

#[test]
fn both_sides_may_be_unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let (up, down) = (folder.path().join("up.sock"), folder.path().join("down.sock"));
    let homeserver = Homeserver::on_socket(&up);
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").proxy(|proxy| {
        proxy.trusted_proxies.clear();
        proxy.listen = vec![format!("unix:{}", down.display()).parse().unwrap()];
    });
    let sidecar = sidecar.start();
    let request = Request::upload().line("X-Forwarded-For: 192.0.2.1").body(&bytes(1000));
    assert_eq!(sidecar.ask(&request).status, 200);
    assert_eq!(sidecar.used(), 1000);
    let seen = homeserver.only();
    assert_eq!(seen.head.header("x-forwarded-for"), Some("192.0.2.1"), "it is a neighbour");
    assert_eq!(seen.head.header("host"), Some("matrix.example.org"));
    assert_eq!(sidecar.ask(&Request::get(GET)).status, 200);
    drop(sidecar);
    assert!(!down.exists(), "the socket file is removed");
}

#[test]
fn every_address_is_served() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("in.sock").display());
    let sidecar = Sidecar::before(&homeserver)
        .proxy(|proxy| {
            let addresses = ["127.0.0.1:0", "[::1]:0", "127.0.0.2:0", &socket];
            proxy.listen = addresses.map(|address| address.parse().unwrap()).into();
        })
        .limit("1MB/never")
        .start();
    // Each may reach any runtime of it.
    for _ in 0..4 {
        for mut client in sidecar.clients() {
            assert_eq!(client.ask(&Request::upload().body(&bytes(10))).status, 200);
        }
    }
    sidecar.comes_to(160);
}
