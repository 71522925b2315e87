//! Connections: how many there may be, and what becomes of the next one.

use std::time::Duration;

use crate::limits::SOON;
use crate::support::figures::{Figures, grow};
use crate::support::http2::request;
use crate::support::process::Process;
use crate::support::{Homeserver, Request, Sidecar, bytes, eventually, within};

#[test]
fn past_the_most_connections_others_wait() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.connections = 2).start();
    let mut served = [(); 2].map(|()| sidecar.client());
    for client in &mut served {
        assert_eq!(client.ask(&Request::get("/x")).status, 200);
    }
    let mut waiting: Vec<_> = (0..4).map(|_| sidecar.client()).collect();
    for client in &mut waiting {
        client.send(Request::get("/waited").head());
    }
    assert!(waiting[0].is_silent(Duration::from_millis(100)));
    assert!(homeserver.seen("/waited").is_empty());
    drop(served);
    for mut client in waiting {
        assert_eq!(client.answer_to("GET").status, 200);
    }
}

#[test]
fn over_http2_a_request_beside_another_takes_up_as_much_as_a_connection() {
    let homeserver = Homeserver::start();
    homeserver.on("/poll", |exchange| {
        exchange.read_body();
        exchange.hang();
    });
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.connections = 2).start();
    let mut client = sidecar.http2();
    let [first, second, third] =
        [(); 3].map(|()| client.begin(request("GET", "/poll").body(()).unwrap(), true));
    eventually("two are asked", || homeserver.seen("/poll").len() == 2);
    let mut other = sidecar.client();
    other.send(Request::get("/x").head());
    assert!(other.is_silent(Duration::from_millis(100)));
    assert_eq!(homeserver.seen("/poll").len(), 2);
    drop((first, second, third, client));
    assert_eq!(other.answer_to("GET").status, 200);
}

#[test]
fn over_http2_a_connection_always_has_room_for_one_request() {
    let homeserver = Homeserver::start();
    homeserver.on("/slow", |exchange| {
        exchange.read_body();
        std::thread::sleep(Duration::from_millis(200));
        exchange.answer(200, "{}");
    });
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.connections = 2).start();
    let mut clients = [sidecar.http2(), sidecar.http2()];
    let begun = clients.each_mut().map(|client| {
        [(); 3].map(|()| client.begin(request("GET", "/slow").body(()).unwrap(), true))
    });
    for (client, begun) in clients.iter().zip(begun) {
        for sending in begun {
            assert_eq!(client.answer(sending.answer).status, 200);
        }
    }
}

#[test]
fn the_log_names_the_cap_on_connections_once_it_is_reached() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n[limits]\nconnections = 2\n",
        homeserver.url
    );
    let process = Process::configured(folder.path(), &config);
    let mut served = [(); 2].map(|()| process.client());
    for client in &mut served {
        assert_eq!(client.ask(&Request::get("/x")).status, 200);
    }
    let told = || {
        let log = process.log();
        log.lines().filter(|it| it.contains("WARN") && it.contains("limit=\"connections\"")).count()
    };
    assert_eq!(told(), 0);
    let waiting: Vec<_> = (0..4).map(|_| process.client()).collect();
    eventually("the log names it", || told() > 0);
    // One that is let in and says nothing keeps its place, so all have to go.
    drop((served, waiting));
    assert_eq!(process.client().ask(&Request::get("/x")).status, 200);
    assert_eq!(told(), 1);
}

#[test]
fn a_process_without_room_for_sockets_waits_for_some() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &homeserver, "1MB/never");
    assert_eq!(process.ask(&Request::upload().body(&bytes(10))).status, 200);
    process.limit_files(50);
    let crowd: Vec<_> = (0..200).map(|_| process.client()).collect();
    process.says("cannot accept connections");
    within(SOON, || false);
    let tries = process.told("cannot accept connections");
    assert!(tries < 100, "it tried {tries} times");
    drop(crowd);
    assert_eq!(process.ask(&Request::upload().body(&bytes(10))).status, 200);
    assert_eq!(process.figures(), (20, 0));
}

#[test]
fn a_tunnel_counts_as_a_connection_until_it_ends() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.connections = 1).start();
    homeserver.on("/ws", |exchange| {
        exchange.send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n");
        exchange.hang();
    });
    let mut tunnel = sidecar.client();
    tunnel.send(Request::get("/ws").line("Connection: upgrade").line("Upgrade: ws").head());
    assert_eq!(tunnel.head("GET").status, 101);
    let mut waiting = sidecar.client();
    waiting.send(Request::get("/x").head());
    assert!(waiting.is_silent(Duration::from_millis(100)));
    drop(tunnel);
    assert_eq!(waiting.answer_to("GET").status, 200);
}

/// Whose connections are one client's, by their PROXY headers.
fn announced(from: &str) -> String {
    format!("PROXY TCP{} {from} {from} 1 2\r\n", if from.contains(':') { 6 } else { 4 })
}

#[test]
fn past_the_most_connections_of_one_client_its_next_one_is_closed() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.connections_per_client = Some(2))
        .proxy(|proxy| proxy.proxy_protocol = true)
        .start();
    let figures = || Figures::of(&sidecar.api(&Request::get("/metrics")));
    let before = figures();
    let enter = |from: &str| {
        let mut client = sidecar.client();
        client.send(announced(from));
        let _ = client.try_send(Request::get("/x").head());
        // As far as it goes: one that is closed has no head.
        let answered = client.wire.head().is_ok_and(|head| head.is_some());
        answered.then_some(client)
    };
    // Of IPv6 the network counts.
    let first = [enter("192.0.2.9").unwrap(), enter("192.0.2.9").unwrap()];
    let others = [enter("192.0.2.8"), enter("2001:db8::1"), enter("2001:db8::2")];
    assert!(others.iter().all(Option::is_some));
    assert!(enter("192.0.2.9").is_none() && enter("2001:db8::3").is_none());
    assert!(enter("2001:db8:0:1::1").is_some());
    let limited =
        r#"metergate_connections_limited_total{limit="connections_per_client",listener="proxy"}"#;
    grow(&before, figures, &[(limited, 2.0)]);
    drop(first);
    eventually("there is room again", || enter("192.0.2.9").is_some());
}

#[test]
fn connections_of_a_proxy_are_those_of_many_clients() {
    let homeserver = Homeserver::start();
    let start = |trusted: bool| {
        let setup = Sidecar::before(&homeserver);
        let setup = setup.limits(|limits| limits.connections_per_client = Some(1));
        let setup = setup.proxy(|proxy| {
            if !trusted {
                proxy.trusted_proxies.clear();
            }
        });
        setup.start()
    };
    let (proxied, direct) = (start(true), start(false));
    let mut held = [proxied.client(), proxied.client(), proxied.client(), direct.client()];
    for client in &mut held {
        assert_eq!(client.ask(&Request::get("/x")).status, 200);
    }
    assert!(direct.client().is_closed());
    assert_eq!(proxied.client().ask(&Request::get("/x")).status, 200);
}

#[test]
fn the_log_names_a_client_with_too_many_connections_once() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = []\n[upstream]\nurl = \"{}\"\n\
         [limits]\nconnections_per_client = 1\n",
        homeserver.url
    );
    let process = Process::configured(folder.path(), &config);
    let mut held = process.client();
    assert_eq!(held.ask(&Request::get("/x")).status, 200);
    for _ in 0..3 {
        assert!(process.client().is_closed());
    }
    process.says("limit=\"connections_per_client\" client=127.0.0.1");
    assert_eq!(process.told("connections_per_client"), 1);
}

#[test]
fn requests_over_one_http2_connection_are_as_many_as_there_may_be() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.http2_streams = 3).start();
    let mut client = sidecar.http2();
    assert_eq!(client.get("/x").status, 200);
    assert_eq!(client.most_at_a_time(), 3);
}
