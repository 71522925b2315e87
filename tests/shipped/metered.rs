//! `[[meter]]`: what is accepted, and what is refused with a word on what would be right.

use metergate::config::{Flags, Settings};
use metergate::proxy::Count;

use crate::outcome::{accepted, complaints};

/// An entry in which everything is right.
const RIGHT: [(&str, &str); 5] = [
    ("methods", "[\"GET\"]"),
    ("path", "\"/download/**\""),
    ("capability", "\"download_media\""),
    ("resource", "\"egress_bytes\""),
    ("count", "\"response_body\""),
];

/// The entry, with other values for these keys; none leaves a key out.
fn entry(others: &[(&str, Option<&str>)]) -> String {
    let said = RIGHT.map(|(key, value)| {
        let other = others.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        other.unwrap_or(Some(value)).map(|value| format!("{key} = {value}\n")).unwrap_or_default()
    });
    format!("[[meter]]\n{}", said.concat())
}

fn read(text: &str) -> Settings {
    accepted(&format!("{text}[upstream]\nurl = \"http://h\"\n"), &[], Flags::default())
}

#[test]
fn an_entry_declares_its_capability_and_several_share_it() {
    let counted = entry(&[
        ("methods", Some("[\"PUT\", \"POST\"]")),
        ("path", Some("\"/send/*\"")),
        ("capability", Some("\"messages\"")),
        ("resource", Some("\"messages\"")),
        ("count", Some("\"one\"")),
    ]);
    let thumbnails = entry(&[("methods", Some("\"GET\"")), ("path", Some("\"/thumbnail/**\""))]);
    let settings = read(&[entry(&[]), counted, thumbnails].concat());
    let capabilities = &settings.policy.capabilities;
    let drawn = |name: &str| capabilities[name].resources()[0].as_str().to_owned();
    assert_eq!(drawn("download_media"), "egress_bytes");
    assert_eq!(drawn("messages"), "messages");
    assert_eq!(capabilities.len(), 2);
    let meters = settings.proxy.unwrap().meters;
    let counts: Vec<_> = meters.iter().map(|meter| meter.count).collect();
    assert_eq!(counts, [Count::ResponseBody, Count::One, Count::ResponseBody]);
    assert_eq!(meters[1].methods, ["PUT", "POST"]);
}

#[test]
fn a_capability_of_the_file_is_taken_as_it_is() {
    let text = entry(&[])
        + "[policy.capabilities]\ndownload_media = { resources = [\"files\", \"egress_bytes\"], on_outage = \"open\" }\n";
    let settings = read(&text);
    let capability = &settings.policy.capabilities["download_media"];
    assert_eq!(capability.resources().len(), 2);
    assert!(capability.on_outage().is_some());
    // So is the one that is built in.
    let built_in =
        [("capability", Some("\"upload_media\"")), ("resource", Some("\"media_bytes\""))];
    assert!(read(&entry(&built_in)).policy.capabilities.is_empty());
}

#[test]
fn each_bad_entry_is_refused_at_its_line() {
    for (others, line, expected) in [
        (
            ("methods", Some("\"get\"")),
            2,
            "methods: \"get\" is no method: write it in capital letters, like \"GET\"",
        ),
        (
            ("methods", Some("[\"GET\", \"CONNECT\"]")),
            2,
            "methods: \"CONNECT\" is never metered: leave it out",
        ),
        (
            ("methods", Some("\"OPTIONS\"")),
            2,
            "methods: \"OPTIONS\" is never metered: leave it out",
        ),
        (("methods", Some("[]")), 2, "methods: needs a method, like \"GET\""),
        (
            ("methods", Some("[\"GET\", \"GET\"]")),
            2,
            "methods: GET stands there twice: once is enough",
        ),
        (("methods", None), 1, "needs methods, like methods = [\"GET\"]"),
        (("path", None), 1, "needs path, like path = \"/_matrix/client/v1/media/download/**\""),
        (
            ("path", Some("\"download\"")),
            3,
            "path: \"download\" does not begin with a slash: write \"/_matrix/…\"",
        ),
        (
            ("path", Some("\"/a?b\"")),
            3,
            "path: \"/a?b\" has a query or fragment: leave it out, only paths are compared",
        ),
        (
            ("path", Some("\"/a/**/b\"")),
            3,
            "path: \"/a/**/b\" has a star within a segment: * is one whole segment, ** at the end any rest",
        ),
        (
            ("path", Some("\"/_metergate/quota\"")),
            3,
            "path: /_metergate/quota meets \"/_metergate\", which is never metered: leave it out, or name a narrower path",
        ),
        (("capability", None), 1, "needs capability, like capability = \"download_media\""),
        (
            ("capability", Some("\"a b\"")),
            4,
            "capability: \"a b\" is not the name of a capability: 1 to 64 letters, digits, \"_\", \"-\" and \".\"",
        ),
        (
            ("capability", Some("\"upload_media\"")),
            5,
            "resource: upload_media draws on media_bytes, not on egress_bytes: name one of these, or another capability",
        ),
        (("resource", None), 1, "needs resource, like resource = \"egress_bytes\""),
        (
            ("resource", Some("\"downloads\"")),
            5,
            "resource: downloads does not count bytes: name one that does, like \"egress_bytes\", or count = \"one\"",
        ),
        (("count", None), 1, "needs count, like count = \"response_body\""),
        (
            ("count", Some("\"one\"")),
            5,
            "resource: egress_bytes counts bytes, not requests: name another, like \"requests\", or count a body",
        ),
        (
            ("count", Some("\"response\"")),
            6,
            "count: \"response\" is none of request_body, response_body, one (did you mean \"response_body\"?)",
        ),
    ] {
        let text = entry(&[others]);
        let space = if line == 1 { "[meter] needs" } else { "[meter]" };
        let expected = expected.strip_prefix("needs").unwrap_or(expected).trim_start();
        assert_eq!(complaints(&text), [format!("metergate.toml:{line}: {space} {expected}")]);
    }
}

#[test]
fn what_meets_uploads_is_refused_by_methods_that_change_something() {
    for (methods, path, method) in [
        ("[\"GET\", \"POST\"]", "\"/_matrix/media/v3/upload\"", "POST"),
        ("\"PUT\"", "\"/_matrix/**\"", "PUT"),
        ("\"POST\"", "\"/_matrix/media/v1/create\"", "POST"),
    ] {
        let said = complaints(&entry(&[("methods", Some(methods)), ("path", Some(path))]));
        let path = path.trim_matches('"');
        let expected = format!(
            "metergate.toml:3: [meter] path: {path} meets {method} of uploads, which are metered already: leave {method} out, or name a narrower path"
        );
        assert_eq!(said, [expected]);
    }
    read(&entry(&[("path", Some("\"/_matrix/media/v3/upload\""))]));
}

#[test]
fn two_entries_for_one_thing_are_refused() {
    let twice = entry(&[("methods", Some("[\"HEAD\", \"GET\"]"))]);
    assert_eq!(
        complaints(&(entry(&[]) + &twice)),
        [
            "metergate.toml:9: [meter] path: GET /download/** is metered by an entry before this one: keep one"
        ]
    );
    read(&(entry(&[]) + &entry(&[("methods", Some("\"HEAD\""))])));
    let other =
        entry(&[("path", Some("\"/thumbnail/**\"")), ("resource", Some("\"other_bytes\""))]);
    assert_eq!(
        complaints(&(entry(&[]) + &other)),
        [
            "metergate.toml:11: [meter] resource: download_media draws on egress_bytes, not on other_bytes: name one of these, or another capability"
        ]
    );
}

#[test]
fn what_costs_one_costs_no_byte() {
    let ones = entry(&[("resource", Some("\"requests\"")), ("count", Some("\"one\""))]);
    let declared = "[policy.capabilities]\ndownload_media = [\"requests\", \"egress_bytes\"]\n";
    assert_eq!(
        complaints(&(ones + declared)),
        [
            "metergate.toml:4: [meter] capability: download_media draws on egress_bytes, too, and one has no bytes: name another capability"
        ]
    );
}

#[test]
fn only_sums_are_metered() {
    let text = entry(&[]) + "[policy.resources]\negress_bytes = { aggregate = \"max\" }\n";
    assert_eq!(
        complaints(&text),
        ["metergate.toml:5: [meter] resource: egress_bytes is a max: only sums are metered"]
    );
    let unknown = entry(&[]) + "paht = \"/x\"\n";
    let said = complaints(&unknown);
    assert!(said[0].starts_with("metergate.toml:7: [meter] paht is not a setting"), "{said:?}");
}
