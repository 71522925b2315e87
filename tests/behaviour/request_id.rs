//! The id of a request: passed on, told in our own answers and in the log.

use crate::support::client::UPLOAD;
use crate::support::homeserver::{Seen, WHOAMI};
use crate::support::{Homeserver, Request, Sidecar};

const NAME: &str = "x-request-id";

fn id(seen: &Seen) -> String {
    seen.head.header(NAME).unwrap().to_owned()
}

fn is_ours(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn every_request_goes_up_with_an_id_of_its_own_questions_of_ours_too() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    sidecar.ask(&Request::get("/_matrix/client/versions"));
    sidecar.ask(&Request::upload().body(b"x"));
    let ids: Vec<_> = homeserver.forwarded().iter().map(id).collect();
    assert!(ids.iter().all(|id| is_ours(id)), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
    assert_eq!(id(&homeserver.seen(WHOAMI)[0]), ids[1]);
}

#[test]
fn a_sane_id_of_a_trusted_proxy_is_kept_and_no_other() {
    let homeserver = Homeserver::start();
    let trusting = Sidecar::before(&homeserver).start();
    let wary = Sidecar::before(&homeserver).proxy(|it| it.trusted_proxies = Vec::new()).start();
    let long = format!("X-Request-Id: {}", "x".repeat(129));
    for (sidecar, lines, kept) in [
        (&trusting, &["X-Request-Id: from-nginx/1"][..], true),
        (&trusting, &["X-Request-Id: from-nginx/1", "Connection: x-request-id"], true),
        (&trusting, &["X-Request-Id: from nginx"], false),
        (&trusting, &["X-Request-Id: from-n\u{e4}inx"], false),
        (&trusting, &["X-Request-Id: a", "X-Request-Id: b"], false),
        (&trusting, &[&long], false),
        (&wary, &["X-Request-Id: from-nginx/1"], false),
    ] {
        let add = |request: Request| lines.iter().fold(request, |request, line| request.line(line));
        sidecar.ask(&add(Request::get("/x")));
        sidecar.ask(&add(Request::upload().body(b"x")));
        for seen in homeserver.forwarded().iter().rev().take(2) {
            let id = id(seen);
            assert_eq!(id == "from-nginx/1", kept, "{lines:?}: {id}");
            assert!(kept || is_ours(&id), "{lines:?}: {id}");
        }
    }
}

#[test]
fn our_own_answers_carry_it_and_those_that_pass_do_not() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("10B/month").start();
    let named = |request: Request| request.line("X-Request-Id: mine");
    let told = |request: Request| sidecar.ask(&named(request)).header(NAME).map(ToOwned::to_owned);
    assert_eq!(told(Request::get("/x")), None);
    assert_eq!(told(Request::upload().body(b"x")), None);
    let mine = Some("mine".to_owned());
    assert_eq!(told(Request::upload().body(&[0; 100])), mine);
    assert_eq!(told(Request::upload().chunks(&[0; 100])), mine);
    assert_eq!(told(Request::post(UPLOAD).token("bad").body(b"x")), mine);
    assert_eq!(told(Request::post("/_matrix/media/v3/%75pload").body(b"x")), mine);
    homeserver.stop_listening();
    assert_eq!(told(Request::get("/x")), mine);
    let admin = sidecar.api(&Request::get("/healthz"));
    assert!(is_ours(admin.header(NAME).unwrap()));
}
