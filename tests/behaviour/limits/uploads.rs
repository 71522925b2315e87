//! Uploads at the same time, from one client.

use crate::support::figures::{Figures, grow};
use crate::support::{Homeserver, Request, Sidecar, bytes, eventually};

fn sidecar(homeserver: &Homeserver, most: usize) -> Sidecar {
    let setup = Sidecar::before(homeserver).limit("1MB/never");
    setup.limits(|limits| limits.uploads_per_client = Some(most)).start()
}

/// An upload that one client makes, by the word of a trusted proxy.
fn from(client: &str) -> Request {
    Request::upload().line(&format!("X-Forwarded-For: {client}"))
}

#[test]
fn uploads_of_one_client_at_the_same_time_are_limited_whoever_it_says_it_is() {
    let homeserver = Homeserver::start();
    let sidecar = sidecar(&homeserver, 2);
    let figures = || Figures::of(&sidecar.api(&Request::get("/metrics")));
    let before = figures();
    let mut held = [sidecar.client(), sidecar.client()];
    for client in &mut held {
        client.send(from("192.0.2.9").length(10).head());
    }
    eventually("both are under way", || sidecar.reserved() == 20);
    let asked = homeserver.seen("/_matrix/client/v3/account/whoami").len();
    // Another token is the same client, and nobody is asked whose it is.
    let request = from("192.0.2.9").without("Authorization").token("bob").body(b"x");
    let answer = sidecar.ask(&request);
    answer.is_refusal(429, "M_LIMIT_EXCEEDED");
    assert!(answer.text().contains("uploads_per_client"), "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert_eq!(homeserver.seen("/_matrix/client/v3/account/whoami").len(), asked);
    let busy = r#"metergate_uploads_busy_total{limit="uploads_per_client"}"#;
    grow(&before, figures, &[(busy, 1.0)]);
    assert_eq!(sidecar.ask(&from("192.0.2.8").body(b"x")).status, 200);
    let [mut first, second] = held;
    first.send(bytes(10));
    assert_eq!(first.answer().status, 200);
    drop(second);
    eventually("there is room again", || sidecar.ask(&from("192.0.2.9").body(b"x")).status == 200);
}

#[test]
fn uploads_of_nobody_in_particular_are_not() {
    let homeserver = Homeserver::start();
    let sidecar = sidecar(&homeserver, 1);
    let mut held = [sidecar.client(), sidecar.client()];
    for client in &mut held {
        client.send(Request::upload().length(10).head());
    }
    eventually("both are under way", || sidecar.reserved() == 20);
    assert_eq!(sidecar.upload(10), 200);
}
