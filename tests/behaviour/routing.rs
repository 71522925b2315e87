//! What is an upload, and what only looks like one.

use crate::support::{Homeserver, Request, Sidecar, bytes};

/// Spellings of `/_matrix/media/v3/upload` that some gateway would tidy up into it.
const ODD: [&str; 56] = [
    // Encoded.
    "/_matrix/media/v3/%75pload",
    "/_matrix/media/v3/uploa%64",
    "/_matrix/media/v3/uploa%2564",
    "/%5fmatrix/media/v3/upload",
    "/_matrix%2Fmedia/v3/upload",
    "/_matrix%2fmedia%2fv3%2fupload",
    "/_matrix%252Fmedia/v3/upload",
    "/_matrix/media/v3%2Fupload",
    "/_matrix/media/v3/upload%2F",
    "/_matrix/media/v3/upload/%2e",
    "/_matrix/media/v3/upload%00",
    "/_matrix/media/v3/upload%20",
    "/_matrix/media/v3/upload%0d%0a",
    "/_matrix/media/v3/%20upload",
    "/_matrix/media/v3/upload%09",
    "/_matrix/media/v3/upload%3Fx",
    "/_matrix/media/v3/upload%23x",
    "/_matrix/media/v3/upload%3B",
    "/%2e/_matrix/media/v3/upload",
    // Doubled, trailing.
    "//_matrix/media/v3/upload",
    "/_matrix//media/v3/upload",
    "/_matrix/media//v3/upload",
    "/_matrix/media/v3//upload",
    "/_matrix/media/v3/upload/",
    "/_matrix/media/v3/upload//",
    "///_matrix///media///v3///upload///",
    // Dots.
    "/./_matrix/media/v3/upload",
    "/_matrix/./media/v3/upload",
    "/_matrix/media/v3/./upload",
    "/_matrix/media/v3/upload/.",
    "/x/../_matrix/media/v3/upload",
    "/_matrix/x/../media/v3/upload",
    "/_matrix/media/v3/x/../upload",
    "/_matrix/media/v3/upload/x/..",
    "/_matrix/media/r0/../v3/upload",
    "/_matrix/media/v3/%2e%2e/v3/upload",
    "/_matrix/media/v3/x/%2e%2e/upload",
    "/_matrix/media/v3/x/%252e%252e/upload",
    "/_matrix/media/v3/x%2f..%2fupload",
    "/_matrix/media/v3/..;/v3/upload",
    // Backslashes.
    "\\_matrix\\media\\v3\\upload",
    "/_matrix\\media/v3/upload",
    "/_matrix/media/v3\\upload",
    "/_matrix/media/v3%5Cupload",
    "/_matrix/media/v3/x\\..\\upload",
    // Parameters.
    "/_matrix/media/v3/upload;x",
    "/_matrix/media/v3/upload;x=1",
    "/_matrix/media/v3;x/upload",
    "/;x/_matrix/media/v3/upload",
    // Case.
    "/_MATRIX/media/v3/upload",
    "/_matrix/Media/v3/upload",
    "/_matrix/media/V3/upload",
    "/_matrix/media/v3/UPLOAD",
    // Scheme, authority, fragment.
    "http://matrix.example.org/_matrix/media/v3/upload",
    "HTTP://other.example.org/_matrix/media/v3/%75pload",
    "http://matrix.example.org//_matrix/media/v3/upload",
];

#[test]
fn an_odd_spelling_of_an_upload_is_never_an_upload_that_costs_nothing() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    for target in ODD {
        for (method, end) in [("POST", ""), ("PUT", "/example.org/abc"), ("post", "")] {
            let target = match target.strip_suffix("upload") {
                Some(_) => format!("{target}{end}"),
                None => target.to_owned(),
            };
            let request = Request::new(method, &target).token("alice").body(&bytes(10));
            let answer = sidecar.ask(&request);
            let word = (answer.status, answer.text());
            // What is no request at all is told so without a word.
            let refused = word.0 == 400 || word.1.contains("M_UNRECOGNIZED");
            let metered = word.0 == 429 && word.1.contains("M_LIMIT_EXCEEDED");
            assert!(refused || metered, "{method} {target}: {word:?}");
            assert!(homeserver.forwarded().is_empty(), "{method} {target}");
        }
    }
    sidecar.comes_to(0);
}

#[test]
fn a_fragment_is_no_way_around() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    for target in ["/_matrix/media/v3/upload#x", "/_matrix/media/v3/upload?a#b", "/x#/../y"] {
        sidecar.ask(&Request::post(target).token("alice").body(b"x"));
    }
    for seen in homeserver.forwarded() {
        assert!(!seen.target().contains('#') && !seen.target().contains("upload"), "{seen:?}");
    }
}

#[test]
fn every_media_route_has_odd_spellings() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    for route in [
        "/_matrix/media/r0/upload",
        "/_matrix/media/v1/upload",
        "/_matrix/media/v1/create",
        "/_matrix/media/unstable/fi.mau.msc2246/upload",
        "/_matrix/media/unstable/fi.mau.msc2246/create",
        "/_matrix/client/v1/media/upload",
    ] {
        for odd in
            [format!("/{route}"), format!("{route}/"), format!("{route};x"), route.to_uppercase()]
        {
            let answer = sidecar.ask(&Request::post(&odd).token("alice").body(b"x"));
            answer.is_refusal(404, "M_UNRECOGNIZED");
        }
    }
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn headers_that_name_another_method_or_path_change_nothing() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    for line in [
        "X-HTTP-Method-Override: GET",
        "X-Method-Override: OPTIONS",
        "X-Original-URL: /_matrix/client/v3/sync",
        "X-Rewrite-URL: /",
        "X-Forwarded-Prefix: /x",
    ] {
        let answer = sidecar.ask(&Request::upload().line(line).body(b"x"));
        answer.is_refusal(429, "M_LIMIT_EXCEEDED");
    }
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn path_and_query_reach_the_homeserver_byte_for_byte() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let targets = [
        "/",
        "/_matrix/client/v3/rooms/%21a%3Aexample.org/state/m.room.name/",
        "/_matrix/client/v3/profile/@al%69ce:example.org",
        "/_matrix/key/v2/server/%2F..%2f",
        "//two//slashes//",
        "/a/./b/../c",
        "/%zz/%/%2",
        "/x?",
        "/x??y=?&&=",
        "/x?a=%zz&b=%2F%2f+%20",
        "/x?filter={[|]}^`",
        "/UPPER/lower;p=1;q",
        "/x?access_token=alice",
        "/_matrix/media/v3/uploads",
        "/_matrix/media/v3/upload2/a/b",
        "/_matrix/media/v3/download/example.org/upload",
        "/_matrix/media/v4/upload",
        "/x/_matrix/media/v3/upload",
        "/~!$&'()*+,;=:@-._",
        "/\u{e4}\u{1f408}",
    ];
    for target in targets {
        for method in ["GET", "POST"] {
            let answer = sidecar.ask(&Request::new(method, target).body(b""));
            assert_eq!(answer.status, 200, "{method} {target}: {}", answer.text());
        }
    }
    let seen = homeserver.forwarded();
    let seen: Vec<_> = seen.iter().map(|seen| seen.head.start.clone()).collect();
    let sent = targets
        .iter()
        .flat_map(|target| ["GET", "POST"].map(|method| format!("{method} {target} HTTP/1.1")));
    assert_eq!(seen, sent.collect::<Vec<_>>());
    assert!(homeserver.seen("/_matrix/client/v3/account/whoami").is_empty());
}

#[test]
fn the_query_of_an_upload_reaches_the_homeserver_byte_for_byte() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let target = "/_matrix/media/v3/upload?filename=a%2Fb%zz+c;x&&y={";
    assert_eq!(sidecar.ask(&Request::post(target).token("alice").body(b"x")).status, 200);
    assert_eq!(homeserver.only().target(), target);
}

#[test]
fn what_is_under_metergate_is_ours() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for target in ["/_metergate", "/_metergate/", "/_metergate/v2/x"] {
        sidecar.ask(&Request::get(target)).is_refusal(404, "M_UNRECOGNIZED");
    }
    assert!(homeserver.forwarded().is_empty());
    assert_eq!(sidecar.ask(&Request::get("/_metergates")).status, 200);
}

/// Where clients ask how large an upload may be.
const CONFIG: [&str; 4] = [
    "/_matrix/client/v1/media/config",
    "/_matrix/media/v3/config",
    "/_matrix/media/r0/config",
    "/_matrix/media/v1/config",
];

#[test]
fn a_client_is_told_the_largest_upload_that_can_ever_fit() {
    let homeserver = Homeserver::start();
    homeserver.on("/_matrix/", |exchange| {
        exchange.answer(200, r#"{"m.upload.size":50000000,"other":[1]}"#);
    });
    homeserver.on("/_matrix/client/v3/", |exchange| {
        exchange.answer(200, r#"{"user_id":"@alice:example.org"}"#);
    });
    let told = |sidecar: &Sidecar, target| {
        let answer = sidecar.ask(&Request::get(target).token("alice"));
        assert_eq!((answer.status, &answer.json()["other"][0]), (200, &1.into()));
        answer.json()["m.upload.size"].as_i64().unwrap()
    };
    let by_size = Sidecar::before(&homeserver).limit("1GB/month").largest(20_000_000).start();
    let by_window = Sidecar::before(&homeserver).limit("1GB/month,9MB/day").start();
    let free = Sidecar::before(&homeserver).start();
    by_window.record(8_999_999);
    for target in CONFIG {
        assert_eq!(told(&by_size, target), 20_000_000);
        assert_eq!(told(&by_window, target), 9_000_000, "never what is left");
        assert_eq!(told(&free, target), 50_000_000);
    }
}

#[test]
fn a_media_config_that_is_none_passes_unchanged() {
    let rows = [
        (200, "{}"),
        (200, "[]"),
        (200, "<html>"),
        (200, r#"{ "m.upload.size" : null }"#),
        (404, r#"{"errcode":"M_UNRECOGNIZED"}"#),
        (500, r#"{"m.upload.size":50000000}"#),
    ];
    for (status, body) in rows {
        let homeserver = Homeserver::start();
        homeserver.on("/_matrix/media/", move |exchange| exchange.answer(status, body));
        let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
        let answer = sidecar.ask(&Request::get("/_matrix/media/v3/config").token("alice"));
        assert_eq!((answer.status, answer.text().as_str()), (status, body));
    }
}

#[test]
fn a_stranger_is_told_what_the_homeserver_tells_strangers() {
    let homeserver = Homeserver::start();
    homeserver.on("/_matrix/media/", |exchange| exchange.answer(200, r#"{"m.upload.size":7}"#));
    let sidecar = Sidecar::before(&homeserver).limit("1/month").start();
    for request in [
        Request::get("/_matrix/media/v3/config"),
        Request::get("/_matrix/media/v3/config").token("bad"),
    ] {
        assert_eq!(sidecar.ask(&request).text(), r#"{"m.upload.size":7}"#);
    }
}
