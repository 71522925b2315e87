//! Every route, its odd spellings, and what only looks like one.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode_byte, utf8_percent_encode};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{select, subsequence};

use super::*;

fn of(method: &str, target: &str) -> Endpoint {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    Endpoint::of(&method, &target.parse().unwrap())
}

/// Methods that change something, as far as anybody knows.
const CHANGING: [&str; 6] = ["POST", "PUT", "PATCH", "DELETE", "post", "BREW"];

#[test]
fn uploads_are_uploads_by_any_changing_method() {
    let paths = [
        "/_matrix/media/r0/upload",
        "/_matrix/media/v1/upload",
        "/_matrix/media/v3/upload",
        "/_matrix/media/v3/upload?filename=cat.png",
        "/_matrix/media/v3/upload?",
        "/_matrix/media/v3/upload#fragment",
        "/_matrix/media/r0/upload/example.org/AbC123",
        "/_matrix/media/v1/upload/example.org/AbC123",
        "/_matrix/media/v3/upload/example.org/AbC123",
        "/_matrix/media/v3/upload/example.org%3A8448/AbC-_1",
        "/_matrix/media/v3/upload/example.org:8448/%2e%2e",
        "/_matrix/media/v3/upload/../upload",
        "/_matrix/media/unstable/fi.mau.msc2246/upload",
        "/_matrix/media/unstable/fi.mau.msc2246/upload/example.org/AbC123",
        "/_matrix/client/v1/media/upload",
        "/_matrix/client/v1/media/upload/example.org/AbC123",
        "/_matrix/client/unstable/org.matrix.msc3911/media/upload",
    ];
    for path in paths {
        for method in CHANGING {
            assert_eq!(of(method, path), Endpoint::Upload, "{method} {path}");
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(of(method, path), Endpoint::Other, "{method} {path}");
        }
    }
}

#[test]
fn creating_is_told_from_uploading() {
    let paths = [
        "/_matrix/media/v1/create",
        "/_matrix/media/v1/create?x",
        "/_matrix/media/unstable/fi.mau.msc2246/create",
    ];
    for path in paths {
        assert_eq!(of("POST", path), Endpoint::Create, "{path}");
        assert_eq!(of("GET", path), Endpoint::Other, "{path}");
    }
}

fn assert_rows(rows: &[(&str, &str, Endpoint)]) {
    for (method, target, endpoint) in rows {
        assert_eq!(of(method, target), *endpoint, "{method} {target}");
    }
}

#[test]
fn what_tells_about_limits_is_known_by_method_and_path() {
    assert_rows(&[
        ("GET", "/_matrix/client/v1/media/config", Endpoint::MediaConfig),
        ("GET", "/_matrix/media/v3/config?x", Endpoint::MediaConfig),
        ("GET", "/_matrix/media/v1/config", Endpoint::MediaConfig),
        ("GET", "/_matrix/media/r0/config", Endpoint::MediaConfig),
        ("GET", "/_matrix/client/unstable/org.matrix.msc3916/media/config", Endpoint::MediaConfig),
        ("HEAD", "/_matrix/media/v3/config", Endpoint::Other),
        ("OPTIONS", "/_matrix/media/v3/config", Endpoint::Other),
        ("POST", "/_matrix/media/v3/config", Endpoint::Other),
        ("GET", "/_matrix/media/v3/config/", Endpoint::Other),
        ("GET", "/_matrix/media/unstable/org.matrix.msc4034/usage", Endpoint::MediaUsage),
        ("OPTIONS", "/_matrix/media/unstable/org.matrix.msc4034/usage", Endpoint::Other),
        ("GET", "/_metergate/v1/quota", Endpoint::Own),
        ("GET", "/_metergate/quota", Endpoint::Own),
        ("OPTIONS", "/_metergate/v1/quota", Endpoint::Own),
        ("POST", "/_metergate/anything", Endpoint::Own),
        ("GET", "/_metergate", Endpoint::Own),
        ("GET", "/_metergate/", Endpoint::Own),
        ("GET", "/_metergates", Endpoint::Other),
    ]);
}

#[test]
fn what_ends_sessions_is_known_by_method_and_path() {
    assert_rows(&[
        ("POST", "/_matrix/client/v3/logout", Endpoint::SessionsEnd),
        ("POST", "/_matrix/client/r0/logout", Endpoint::SessionsEnd),
        ("POST", "/_matrix/client/v3/logout/all", Endpoint::SessionsEnd),
        ("POST", "/_matrix/client/v3/account/password", Endpoint::SessionsEnd),
        ("POST", "/_matrix/client/unstable/account/deactivate", Endpoint::SessionsEnd),
        ("POST", "/_matrix/client/v3/delete_devices", Endpoint::SessionsEnd),
        ("POST", "http://example.org/_matrix/client/v3/logout", Endpoint::SessionsEnd),
        ("DELETE", "/_matrix/client/v3/devices/ABCDEF", Endpoint::SessionsEnd),
        ("DELETE", "/_matrix/client/v1/devices/a%2Fb", Endpoint::SessionsEnd),
        ("DELETE", "/_matrix/client/v3/devices/", Endpoint::Other),
        ("PUT", "/_matrix/client/v3/devices/ABCDEF", Endpoint::Other),
        ("GET", "/_matrix/client/v3/logout", Endpoint::Other),
    ]);
}

const DISGUISED: &[&str] = &[
    // Encoded, once and twice.
    "/_matrix/media/v3/%75pload",
    "/_matrix/media/v3/%2575pload",
    "/_matrix/media/v3/uploa%64",
    "/%5Fmatrix/media/v3/upload",
    "/%255fmatrix/media/v3/upload",
    "/_matrix%2Fmedia%2Fv3%2Fupload",
    "/_matrix%2fmedia/v3/upload",
    "/_matrix/media/v3%252Fupload",
    "/_matrix/media/%763/upload",
    // Slashes.
    "//_matrix/media/v3/upload",
    "/_matrix//media/v3/upload",
    "/_matrix/media/v3//upload",
    "/_matrix/media/v3/upload/",
    "/_matrix/media/v3/upload//",
    "/_matrix/media/v3/upload//id",
    "/_matrix/media/v3/upload%2f",
    "/_matrix/media/v3/upload/example.org/id/",
    "/_matrix/media/v3\\upload",
    "/_matrix\\media\\v3\\upload",
    "/_matrix/media/v3/%5Cupload",
    "/_matrix/media/v3%255Cupload",
    // Dots.
    "/./_matrix/media/v3/upload",
    "/_matrix/media/./v3/upload",
    "/_matrix/media/v3/./upload",
    "/_matrix/media/v3/upload/.",
    "/_matrix/media/v3/x/../upload",
    "/x/../_matrix/media/v3/upload",
    "/_matrix/media/v3/%2e/upload",
    "/_matrix/media/v3/x/%2e%2e/upload",
    "/_matrix/media/v3/x/.%2e/upload",
    "/_matrix/media/v3/x/%252e%252e/upload",
    "/_matrix/media/v3/x/..;/upload",
    "/_matrix/client/../media/v3/upload",
    "/../_matrix/media/v3/upload",
    "/_matrix/media/v3/x\\..\\upload",
    // Parameters.
    "/_matrix/media/v3/upload;x",
    "/_matrix/media/v3/upload;x=y",
    "/_matrix/media;x/v3/upload",
    "/_matrix;/media;/v3;/upload;",
    "/_matrix/media/v3/upload%3Bx",
    // Control characters and spaces.
    "/_matrix/media/v3/upload%20",
    "/_matrix/media/v3/%20upload",
    "/_matrix/media/v3/upload%00",
    "/_matrix/media/v3/upload%0d%0a",
    "/_matrix/media/v3/up%09load",
    "/_matrix/media/v3/upload%2520",
    "/_matrix/media/v3/upload%7f",
    // Case.
    "/_matrix/media/v3/UPLOAD",
    "/_matrix/media/v3/Upload",
    "/_MATRIX/MEDIA/V3/UPLOAD",
    "/_matrix/media/R0/upload",
    // Encoded ends of the path.
    "/_matrix/media/v3/upload%3F",
    "/_matrix/media/v3/upload%3Fx=y",
    "/_matrix/media/v3/upload%23x",
    "/_matrix/media/v3/upload%253Fx",
    // Absolute.
    "http://example.org/_matrix/media/v3/upload",
    "https://example.org/_matrix/media/v3/upload",
    "http://example.org/_matrix/media/v3/UPLOAD",
    "http://example.org/_matrix/media/v1/create",
    // With a server and an id, and other routes.
    "/_matrix/media/v3/%75pload/example.org/id",
    "/_matrix/media/v3/%75pload/example.org/a%252Fb",
    "/_matrix/media/v3/%75pload/example.org/a%253Fb",
    "/_matrix/media/v3/%75pload/%2e%2e/id",
    "/_matrix/media/v1/Create",
    "/_matrix/media/unstable/fi.mau.MSC2246/upload",
    "/_matrix/client/v1/media/%75pload",
    // One reading of these climbs out of the way, another does not.
    "/_matrix/x%3f/../media/v3/upload",
    "/_matrix/x%3f/%2e%2e/media/v3/upload",
    "/_matrix//../media/v3/upload",
    "/_matrix/%20/../media/v3/upload",
    "/_matrix/a%5cb/../media/v3/upload",
    "/_matrix/x%253f/../media/v3/upload",
    "/_matrix/client/v3/devices/..%2f..%2f..%2fmedia/v3/upload",
];

#[test]
fn odd_spellings_of_an_upload_are_disguised() {
    for target in DISGUISED {
        for method in CHANGING {
            assert_eq!(of(method, target), Endpoint::Disguised, "{method} {target}");
        }
        assert_eq!(of("GET", target), Endpoint::Other, "GET {target}");
    }
}

#[test]
fn what_only_mentions_uploads_passes() {
    let targets = [
        "*",
        "/",
        "/upload",
        "/_matrix/client/v3/keys/upload",
        "/_matrix/client/v3/keys/device_signing/upload",
        "/_matrix/client/v3/rooms/%21r%3Aexample.org/send/m.room.message/upload",
        "/_matrix/client/v3/rooms/!R:example.org/state/x/%2F_matrix%2Fmedia%2Fv3%2Fupload",
        "/_matrix/client/v3/rooms/!R:example.org/state/x/media%2Fv3%2Fupload",
        "/_matrix/client/v3/rooms/!R:example.org/state/x/..",
        "/_matrix/media/v3/uploads",
        "/_matrix/media/v3/upload2",
        "/_matrix/media/v3/upload/example.org",
        "/_matrix/media/v3/upload/example.org/id/more",
        "/_matrix/media/v3/download/example.org/upload",
        "/_matrix/media/v4/upload",
        "/_matrix/media/upload",
        "/_matrix/media/v3/x/upload",
        "/x/_matrix/media/v3/upload",
        "/_matrix/media/unstable/com.beeper.msc3870/upload/example.org/id/complete",
        "/_matrix/client/v3/profile/@A:example.org/avatar_url?x=/_matrix/media/v3/upload",
        "/_matrix/media/v3/u%70loads",
        "/_matrix/media/v3%3F/upload",
        "http://example.org/_matrix/client/v3/sync",
    ];
    for target in targets {
        for method in CHANGING {
            assert_eq!(of(method, target), Endpoint::Other, "{method} {target}");
        }
    }
}

/// Spells a path so that a gateway which decodes once or twice and tidies up reads it as it was.
fn disguises() -> impl Strategy<Value = String> {
    let letter = |byte: u8| {
        let once = percent_encode_byte(byte).to_owned();
        let twice = once.replace('%', "%25");
        let plain = char::from(byte).to_string();
        let upper = plain.to_ascii_uppercase();
        select(vec![plain.clone(), plain, upper, once, twice])
    };
    let joint = select(vec![
        "/",
        "//",
        "/./",
        "/x/../",
        "/x;y/..;z/",
        "%2F",
        "%252f",
        "\\",
        "%5c",
        "/%20/",
        "/%2e/",
        "/%2e/%09/",
        ";x=y/",
        "%00/",
        "/x/%252e%252E/",
    ]);
    let end = select(vec!["", "/", "//", ";x", "%3fx", "%23", "%20", "/.", "%2f%00", "?x=y"]);
    let path = select(vec![
        "/_matrix/media/v3/upload",
        "/_matrix/media/r0/upload",
        "/_matrix/media/v1/create",
        "/_matrix/media/unstable/fi.mau.msc2246/upload",
        "/_matrix/client/v1/media/upload",
    ]);
    (path, end).prop_flat_map(move |(path, end)| {
        let pieces: Vec<_> = path
            .bytes()
            .map(|byte| {
                if byte == b'/' {
                    joint.clone().prop_map(str::to_owned).boxed()
                } else {
                    letter(byte).boxed()
                }
            })
            .collect();
        (pieces, Just(end)).prop_map(|(pieces, end)| pieces.concat() + end)
    })
}

proptest! {
    #[test]
    fn no_disguise_passes(spelled in disguises()) {
        // A target begins with a slash; what begins otherwise is no request line.
        let target: Result<Uri, _> = format!("/{spelled}").parse();
        if let Ok(target) = target {
            let found = Endpoint::of(&Method::POST, &target);
            assert!(
                matches!(found, Endpoint::Disguised | Endpoint::Upload | Endpoint::Create),
                "{target} is {found:?}",
            );
        }
    }

    #[test]
    fn no_target_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), lead in prop_oneof![
        Just(""), Just("/"), Just("/_matrix/media/v3/upload"), Just("/_matrix/media/v3/%"), Just("/..%2f"),
    ]) {
        let target = [lead.as_bytes(), &bytes].concat();
        if let Ok(target) = Uri::try_from(target) {
            let _changing = Endpoint::of(&Method::POST, &target);
            let _reading = Endpoint::of(&Method::GET, &target);
        }
        let odd = utf8_percent_encode(&String::from_utf8_lossy(&bytes), NON_ALPHANUMERIC).to_string();
        let _encoded = Endpoint::of(&Method::PUT, &format!("/{odd}").parse().unwrap());
    }

    #[test]
    fn encoding_changes_nothing(
        segments in subsequence(vec!["_matrix", "media", "x", "v3", "upload"], 0..=5),
        rounds in 1_usize..=2,
    ) {
        let plain: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
        let mut encoded: String = plain.bytes().map(percent_encode_byte).collect();
        if rounds == 2 {
            encoded = encoded.replace('%', "%25");
        }
        let hidden = of("POST", &format!("/{encoded}"));
        match of("POST", &format!("/{}", plain.trim_start_matches('/'))) {
            Endpoint::Upload => assert_eq!(hidden, Endpoint::Disguised),
            other => assert_eq!(hidden, other),
        }
    }
}
