//! Homeservers that are spoken to otherwise than by HTTP/1.1 in the clear.

use std::time::Duration;

use metergate::net::{Protocol, Roots};

use crate::support::certificates::Files;
use crate::support::figures::{Figures, grow};
use crate::support::origin::Origin;
use crate::support::{Request, Sidecar, bytes, eventually};

fn before_h2c(origin: &Origin) -> Sidecar {
    let setup = Sidecar::before_url(&origin.url).limit("1MB/never");
    setup.proxy(|proxy| proxy.protocol = Protocol::H2c).start()
}

#[test]
fn over_h2c_requests_pass_with_their_bodies_over_few_connections() {
    let origin = Origin::h2c();
    let sidecar = before_h2c(&origin);
    let mut client = sidecar.client();
    for number in 0..20 {
        let answer = client.ask(&Request::get(&format!("/x/{number}?a=%zz")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains("mxc"));
    }
    let body = bytes(300_000);
    assert_eq!(client.ask(&Request::post("/y").body(&body)).status, 200);
    assert_eq!(client.ask(&Request::post("/z").chunks(&body)).status, 200);
    let reached = origin.reached();
    assert_eq!(reached.len(), 22);
    assert_eq!(reached[7].uri, "http://matrix.example.org/x/7?a=%zz");
    assert!(reached.iter().all(|one| one.connection == reached[0].connection));
    for one in &reached[20..] {
        assert!(one.whole && one.body == body, "{one:?}");
        assert_eq!(one.method, "POST");
        assert!(!one.headers.contains_key("transfer-encoding"));
        assert!(!one.headers.contains_key("host") && !one.headers.contains_key("connection"));
    }
    assert_eq!(reached[20].headers["content-length"], "300000");
}

#[test]
fn over_h2c_uploads_are_counted_and_never_half_stored() {
    let origin = Origin::h2c();
    let sidecar = before_h2c(&origin);
    assert_eq!(sidecar.upload(300_000), 200);
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(300_000))).status, 200);
    sidecar.comes_to(600_000);
    sidecar.ask(&Request::upload().chunks(&bytes(600_000))).is_refusal(429, "M_LIMIT_EXCEEDED");
    eventually("nothing is under way", || sidecar.reserved() == 0);
    let before = origin.begun();
    let mut client = sidecar.client();
    client.send(Request::upload().length(200_000).head());
    client.send(bytes(100_000));
    eventually("it has begun", || origin.begun() > before);
    drop(client);
    let is_cut = || origin.reached().iter().any(|one| !one.whole && one.body.len() <= 100_000);
    eventually("it is cut", is_cut);
    sidecar.comes_to(600_000);
    assert_eq!(origin.reached().iter().filter(|one| one.whole).count(), 2);
    assert_eq!(sidecar.upload(0), 200);
}

#[test]
fn over_h2c_a_body_that_stops_is_the_clients_doing() {
    let origin = Origin::h2c();
    let setup = Sidecar::before_url(&origin.url);
    let setup = setup.limits(|limits| limits.body_idle_timeout = Duration::from_millis(300));
    let sidecar = setup.proxy(|proxy| proxy.protocol = Protocol::H2c).start();
    let figures = || Figures::of(&sidecar.api(&Request::get("/metrics")));
    let before = figures();
    let mut client = sidecar.client();
    client.send(Request::post("/x").length(10).head());
    client.send("12345");
    assert_eq!(client.answer().status, 408);
    let mut client = sidecar.client();
    client.send(Request::post("/y").length(10).head());
    client.send("12345");
    client.reset();
    let told = |status| format!("metergate_requests_total{{kind=\"other\",status=\"{status}\"}}");
    let expected = [(told("4xx"), 1.0), (told("499"), 1.0), (told("5xx"), 0.0)];
    let expected = expected.each_ref().map(|(series, by)| (series.as_str(), *by));
    grow(&before, figures, &expected);
}

#[test]
fn over_h2c_more_long_polls_than_a_connection_carries_open_another() {
    let origin = Origin::h2c();
    let sidecar = before_h2c(&origin);
    let mut waiting: Vec<_> = (0..130)
        .map(|number| {
            let mut client = sidecar.client();
            // Its body does not come to its end, so it waits.
            client.send(Request::post(&format!("/wait/{number}")).length(10).head());
            client
        })
        .collect();
    assert_eq!(sidecar.ask(&Request::get("/x")).status, 200);
    for client in &mut waiting {
        client.send(bytes(10));
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(origin.reached().len(), 131);
}

#[test]
fn an_https_homeserver_is_trusted_by_the_given_ca_and_by_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "home", &["localhost"]);
    let other = Files::made(folder.path(), "other", &["localhost"]);
    let origin = Origin::https(&files);
    for (ca, status) in [(Some(&files), 200), (Some(&other), 502), (None, 502)] {
        let roots = ca.map(|ca| Roots::read(&ca.cert).unwrap());
        let setup = Sidecar::before_url(&origin.url).limit("1MB/never");
        let sidecar = setup.proxy(|proxy| proxy.roots = roots).start();
        assert_eq!(sidecar.ask(&Request::get("/x")).status, status);
        assert_eq!(sidecar.upload(0), status);
    }
}

#[test]
fn a_certificate_of_another_name_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "home", &["matrix.example.org"]);
    let origin = Origin::https(&files);
    let setup = Sidecar::before_url(&origin.url);
    let roots = Roots::read(&files.cert).unwrap();
    let sidecar = setup.proxy(|proxy| proxy.roots = Some(roots)).start();
    assert_eq!(sidecar.ask(&Request::get("/x")).status, 502);
}
