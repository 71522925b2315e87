//! Bad files: each is refused at its line, and all that is wrong at once.

use std::fs;
use std::path::{Path, PathBuf};

use metergate::config::{self, Flags, Sources};

use crate::outcome::{complaints, outcome};

/// One bad file a row, and the one complaint about it.
const REFUSED: &[(&str, &str)] = &[
    // What is not there.
    (
        "[limits]\nhead_tmeout = \"1s\"",
        "metergate.toml:2: [limits] head_tmeout is not a setting (did you mean \"head_timeout\"?)",
    ),
    (
        "[limts]\nhead_timeout = \"1s\"",
        "metergate.toml:1: [limts] is not a section (did you mean \"limits\"?)",
    ),
    (
        "listen = \"127.0.0.1:1\"",
        "metergate.toml:1: listen is not a setting (it belongs to [admin])",
    ),
    (
        "[server]\ntoken_file = \"x\"",
        "metergate.toml:2: [server] token_file is not a setting (it belongs to [admin])",
    ),
    ("[server]\nzzz = 1", "metergate.toml:2: [server] zzz is not a setting"),
    (
        "[[policy.rules]]\nmach = \"*\"\nmatch = \"*\"\ngroup = \"a\"",
        "metergate.toml:2: [policy.rules] mach is not a setting (did you mean \"match\"?)",
    ),
    (
        "[policy.groups.a]\nmedia_bytes = { limit = 1, periode = \"day\" }",
        "metergate.toml:2: [policy.groups.a.media_bytes] periode is not a setting (did you mean \"period\"?)",
    ),
    // What is of the wrong type.
    (
        "[limits]\nhead_timeout = 30",
        "metergate.toml:2: [limits] head_timeout: needs a duration in quotes, like \"60s\", not a number",
    ),
    (
        "[limits]\nhead_timeout = \"30\"",
        "metergate.toml:2: [limits] head_timeout: \"30\" is not a duration: write a whole number and ms, s, m, h or d, like 60s",
    ),
    (
        "[limits]\nhead_bytes = 1.5",
        "metergate.toml:2: [limits] head_bytes: needs a size in quotes, like \"64KiB\", not a fraction",
    ),
    (
        "[limits]\nhead_bytes = \"64K\"",
        "metergate.toml:2: [limits] head_bytes: \"64K\" is ambiguous: write KB (thousands) or KiB (1024s)",
    ),
    (
        "[limits]\nconnections = \"many\"",
        "metergate.toml:2: [limits] connections: needs a whole number, not text",
    ),
    (
        "[limits]\nuploads_per_subject = \"many\"",
        "metergate.toml:2: [limits] uploads_per_subject: needs a whole number or \"unlimited\"",
    ),
    (
        "[limits]\nhttp2_streams = 0",
        "metergate.toml:2: [limits] http2_streams: needs a whole number from 1 to 10000",
    ),
    (
        "[limits]\nresponse_head_timeout = \"0s\"",
        "metergate.toml:2: [limits] response_head_timeout: must not be zero",
    ),
    ("[log]\naccess = \"yes\"", "metergate.toml:2: [log] access: needs true or false, not text"),
    (
        "[log]\nlevel = \"inof\"",
        "metergate.toml:2: [log] level: \"inof\" is none of error, warn, info, debug, trace (did you mean \"info\"?)",
    ),
    (
        "[server]\nlisten = [\"127.0.0.1:1\",\n 8010]",
        "metergate.toml:3: [server] listen: needs text in quotes, not a number",
    ),
    (
        "[server]\nlisten = \"localhost:8010\"",
        "metergate.toml:2: [server] listen: `localhost:8010` is not an address: write it as 127.0.0.1:8010, [::1]:8010, unix:/path or systemd",
    ),
    (
        "[server]\nlisten = []",
        "metergate.toml:2: [server] listen: needs an address, like \"127.0.0.1:8010\"",
    ),
    (
        "[server]\ntrusted_proxies = \"nginx\"",
        "metergate.toml:2: [server] trusted_proxies: \"nginx\" is not an IP address or network: write 127.0.0.1, ::1 or 10.0.0.0/8",
    ),
    (
        "[server]\ninstance = \"a b\"",
        "metergate.toml:2: [server] instance: \"a b\" is not the name of a server instance: 1 to 64 letters, digits, \"_\", \"-\" and \".\"",
    ),
    (
        "server = \"127.0.0.1:1\"",
        "metergate.toml:1: [server] is a section with keys of its own, not text",
    ),
    (
        "[[auth]]\ntimeout = \"1s\"",
        "metergate.toml:1: [auth] is a section with keys of its own, not a list",
    ),
    // What makes no sense.
    (
        "[limits]\nbody_idle_timeout = \"0s\"",
        "metergate.toml:2: [limits] body_idle_timeout: must not be zero",
    ),
    (
        "[limits]\nhead_bytes = \"4KiB\"",
        "metergate.toml:2: [limits] head_bytes: must be from 8KiB to 1MiB: browsers send heads of several KiB",
    ),
    (
        "[limits]\nconnections = 0",
        "metergate.toml:2: [limits] connections: needs a whole number from 1 to 10000000",
    ),
    (
        "[limits]\ndrain_bytes = -1",
        "metergate.toml:2: [limits] drain_bytes: must not be below zero",
    ),
    ("[auth]\ntimeout = \"0s\"", "metergate.toml:2: [auth] timeout: must not be zero"),
    ("[storage]\ntimeout = \"0ms\"", "metergate.toml:2: [storage] timeout: must not be zero"),
    (
        "[reject]\nretry_after_max = \"500ms\"",
        "metergate.toml:2: [reject] retry_after_max: must be at least 1s",
    ),
    (
        "[reject]\nerrcode = \"M_LIMIT_EXCEDED\"",
        "metergate.toml:2: [reject] errcode: \"M_LIMIT_EXCEDED\" is none of M_LIMIT_EXCEEDED, M_USER_LIMIT_EXCEEDED, M_FORBIDDEN (did you mean \"M_LIMIT_EXCEEDED\"?)",
    ),
    (
        "[reject]\ninfo_uri = \"example.org\"",
        "metergate.toml:2: [reject] info_uri: needs the address of a web page, like \"https://example.org/quota\"",
    ),
    (
        "[upstream]\nprotocol = \"http1\"",
        "metergate.toml:1: [upstream] needs url, like url = \"http://127.0.0.1:8008\"",
    ),
    (
        "[upstream]\nurl = \"127.0.0.1:8008\"",
        "metergate.toml:2: [upstream] url: `127.0.0.1:8008` is not an upstream: write it as http://host:port, https://host:port or unix:/path",
    ),
    (
        "[policy]\ntimezone = \"Berlin\"",
        "metergate.toml:2: [policy] timezone: \"Berlin\" is not a time zone: write an IANA name like Europe/Berlin or UTC",
    ),
    (
        "[policy]\nperiod = \"mnth\"",
        "metergate.toml:2: [policy] period: \"mnth\" is not a period: write minute, hour, day, week, month, quarter, year, never, month@15, year@03-01, 30d@2026-01-01, 30d, rolling 30d, rolling 1 month (did you mean \"month\"?)",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = \"500M\"",
        "metergate.toml:2: [policy.groups.free] media_bytes: \"500M\" is ambiguous: write MB (thousands) or MiB (1024s)",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = []",
        "metergate.toml:2: [policy.groups.free] media_bytes: needs a limit, like \"500MB/month\"",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = -1",
        "metergate.toml:2: [policy.groups.free] media_bytes: a limit is not below zero: write 0 for nothing, or unlimited",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = true",
        "metergate.toml:2: [policy.groups.free] media_bytes: needs a limit, like \"500MB/month\", not true or false",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = [\"1MB/day\", \"2MB/day\"]",
        "metergate.toml:2: [policy.groups.free] media_bytes: two limits for the same day: keep one",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = [\"1MB/day\",\n \"unlimited\"]",
        "metergate.toml:3: [policy.groups.free] media_bytes: \"unlimited\" stands beside other limits",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { period = \"day\" }",
        "metergate.toml:2: [policy.groups.free.media_bytes] needs limit, like limit = \"500MB\"",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = \"1MB/day\", period = \"day\" }",
        "metergate.toml:2: [policy.groups.free] media_bytes: names a period, and so does limit: keep one",
    ),
    (
        "[policy.groups.free]\n\"media bytes\" = 1",
        "metergate.toml:2: [policy.groups.free] media bytes: \"media bytes\" is not the name of a resource: 1 to 64 letters, digits, \"_\", \"-\" and \".\"",
    ),
    (
        "[policy.groups]\nfree = \"500MB\"",
        "metergate.toml:2: [policy.groups.free] is a section with keys of its own, not text",
    ),
    (
        "[policy.capabilities]\nupload_media = []",
        "metergate.toml:2: [policy.capabilities] upload_media: draws on no resource: write one, like \"media_bytes\"",
    ),
    (
        "[policy.capabilities]\nupload_media = [\"media_bytes\", \"media_bytes\"]",
        "metergate.toml:2: [policy.capabilities] upload_media: names media_bytes twice: once is enough",
    ),
    (
        "[[policy.rules]]\nmatch = \"@a b\"\ngroup = \"a\"",
        "metergate.toml:2: [policy.rules] match: a rule is a name with * and ?, without spaces: write @*:example.org, or * for everyone",
    ),
    (
        "[[policy.rules]]\nmatch = \"*\"",
        "metergate.toml:1: [policy.rules] needs group, like group = \"bridges\"",
    ),
    // What contradicts itself.
    (
        "[reject]\nerrcode = \"M_USER_LIMIT_EXCEEDED\"",
        "metergate.toml:2: [reject] errcode: M_USER_LIMIT_EXCEEDED needs info_uri, the page that tells users what to do",
    ),
    (
        "[admin]\nlisten = \"0.0.0.0:8400\"",
        "metergate.toml:2: [admin] listen: 0.0.0.0:8400 can be reached from other machines: set token or token_file, or listen on 127.0.0.1",
    ),
    (
        "[server]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:1\"]",
        "metergate.toml:2: [server] listen: says 127.0.0.1:1 twice: keep one",
    ),
    (
        "[server]\nlisten = \"127.0.0.1:8008\"\n[upstream]\nurl = \"http://localhost:8008\"",
        "metergate.toml:4: [upstream] url: 127.0.0.1:8008 is where metergate itself listens: write the address of the homeserver",
    ),
    (
        "[server]\nlisten = \"0.0.0.0:8008\"\n[upstream]\nurl = \"http://127.0.0.1:8008\"",
        "metergate.toml:4: [upstream] url: 0.0.0.0:8008 is where metergate itself listens: write the address of the homeserver",
    ),
    (
        "[upstream]\nurl = \"http://127.0.0.1:8400\"",
        "metergate.toml:2: [upstream] url: 127.0.0.1:8400 is where metergate itself listens: write the address of the homeserver",
    ),
    (
        "[server]\nlisten = \"0.0.0.0:8400\"\n[upstream]\nurl = \"http://h:1\"",
        "metergate.toml:2: [server] listen and [admin] listen meet at 127.0.0.1:8400: choose another address for one of them",
    ),
    (
        "[upstream]\nurl = \"http://h:1\"\n[admin]\nlisten = \"127.0.0.1:8010\"",
        "metergate.toml:4: [server] listen and [admin] listen meet at 127.0.0.1:8010: choose another address for one of them",
    ),
    // Limits that contradict themselves.
    (
        "[policy.groups.free]\nmedia_bytes = \"1MB/day sofft\"",
        "metergate.toml:2: [policy.groups.free] media_bytes: \"sofft\" says nothing about a limit: write soft, observe, per group, ceiling 3GB, grace 7d … (did you mean \"soft\"?)",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = 1, mode = \"sofft\" }",
        "metergate.toml:2: [policy.groups.free.media_bytes] mode: \"sofft\" is not a mode: write hard, soft or observe (did you mean \"soft\"?)",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = \"1MB/day ceiling 2MB\"",
        "metergate.toml:2: [policy.groups.free] media_bytes: a hard limit has no ceiling and no grace: make it soft, or leave them out",
    ),
    (
        "[[policy.groups.free.media_bytes]]\nlimit = \"1MB/day\"\ngrace = \"1d\"",
        "metergate.toml:3: [policy.groups.free] media_bytes: a hard limit has no ceiling and no grace: make it soft, or leave them out",
    ),
    (
        "[[policy.groups.free.media_bytes]]\nlimit = \"5MB\"\nmode = \"soft\"\nceiling = \"4MB\"",
        "metergate.toml:4: [policy.groups.free] media_bytes: the ceiling lies below the limit: it is where a soft limit denies",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = 1, mode = \"soft\", ceiling = -1 }",
        "metergate.toml:2: [policy.groups.free.media_bytes] ceiling: must not be below zero",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = 1, mode = \"soft\", ceiling = true }",
        "metergate.toml:2: [policy.groups.free.media_bytes] ceiling: needs an amount, like \"3GB\", not true or false",
    ),
    (
        "[[policy.groups.free.media_bytes]]\nmode = \"observe\"\nlimit = \"5MB soft\"",
        "metergate.toml:3: [policy.groups.free] media_bytes: names a mode, and so does limit: keep one",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = \"5MB hard\", mode = \"soft\" }",
        "metergate.toml:2: [policy.groups.free] media_bytes: names a mode, and so does limit: keep one",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = \"5MB per group\", per = \"server\" }",
        "metergate.toml:2: [policy.groups.free] media_bytes: names a per, and so does limit: keep one",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = \"unlimited\", mode = \"soft\" }",
        "metergate.toml:2: [policy.groups.free] media_bytes: \"unlimited\" stands beside what only a limit has: leave one of them out",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = 1, warn = [80, 0] }",
        "metergate.toml:2: [policy.groups.free.media_bytes] warn: needs a whole number from 1 to 1000",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = 1, warn = [80, 80] }",
        "metergate.toml:2: [policy.groups.free.media_bytes] warn: warns twice at 80 percent: once is enough",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = 1, warn = [\"none\", 80] }",
        "metergate.toml:2: [policy.groups.free.media_bytes] warn: \"none\" stands beside percentages: keep one",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = { limit = 1, timezone = \"Mars\" }",
        "metergate.toml:2: [policy.groups.free.media_bytes] timezone: \"Mars\" is not a time zone: write an IANA name like Europe/Berlin or UTC",
    ),
    (
        "[policy.groups.free]\nmedia_bytes = [\"1MB/day\", { limit = \"2MB\", period = \"day\", warn = 5 }]",
        "metergate.toml:2: [policy.groups.free] media_bytes: two limits for the same day: keep one",
    ),
    // Resources and groups that make no sense.
    (
        "[policy.resources]\nseats = \"max\"",
        "metergate.toml:2: [policy.resources.seats] is a section with keys of its own, not text",
    ),
    (
        "[policy.resources]\nseats = { aggregate = \"mx\" }",
        "metergate.toml:2: [policy.resources.seats] aggregate: \"mx\" is not an aggregate: write sum, max, last or unique (did you mean \"max\"?)",
    ),
    (
        "[policy.resources]\nseats = { decimals = 7 }",
        "metergate.toml:2: [policy.resources.seats] decimals: needs a whole number from 0 to 6",
    ),
    (
        "[policy.resources]\nmedia_bytes = { decimals = 1 }",
        "metergate.toml:2: [policy.resources] media_bytes: bytes have no decimals: leave them out",
    ),
    (
        "[policy.resources]\nseats = { aggregate = \"unique\", unit = \"bytes\" }",
        "metergate.toml:2: [policy.resources] seats: unique counts members, which are neither bytes nor parts: leave unit and decimals out",
    ),
    (
        "[policy.resources]\nextends = { aggregate = \"max\" }",
        "metergate.toml:2: [policy.resources] extends: \"extends\" is a setting of a group, not a resource",
    ),
    (
        "[policy.resources]\npoints = { decimals = 1 }\n[policy.groups.a]\npoints = \"0.05\"",
        "metergate.toml:4: [policy.groups.a] points: \"0.05\" has more than one decimal",
    ),
    (
        "[policy.groups.a]\nextends = \"b\"\n[policy.groups.b]\nextends = \"a\"",
        "metergate.toml:2: [policy.groups.a] extends: groups extend each other in a circle: a → b → a",
    ),
    (
        "[policy.groups.a]\nextends = \"a\"",
        "metergate.toml:2: [policy.groups.a] extends: groups extend each other in a circle: a → a",
    ),
    (
        "[storage]\nkeep_events = \"35d\"",
        "metergate.toml:2: [storage] keep_events: must be at least 36d",
    ),
    // Who cannot be told.
    (
        "[[notify]]\nsecret = \"0123456789abcdef\"",
        "metergate.toml:1: [notify] needs url, like url = \"https://example.org/metergate\"",
    ),
    (
        "[[notify]]\nurl = \"https://h\"",
        "metergate.toml:1: [notify] needs secret, like secret = \"whsec_…\", or secret_file",
    ),
    (
        "[[notify]]\nurl = \"ftp://h\"\nsecret = \"0123456789abcdef\"",
        "metergate.toml:2: [notify] url: needs a web address, like \"https://example.org/metergate\"",
    ),
    (
        "[[notify]]\nurl = \"https://h\"\nsecret = \"0123456789abcdef\"\non = [\"warn\",\n \"ower\"]",
        "metergate.toml:5: [notify] on: \"ower\" is none of warn, over, recovered, charge_over (did you mean \"over\"?)",
    ),
    (
        "[[notify]]\nurl = \"https://h\"\nsecret = \"0123456789abcdef\"\non = []",
        "metergate.toml:4: [notify] on: needs a topic, like \"over\", or leave it out for all",
    ),
    (
        "[[notify]]\nurl = \"https://h\"\nsecret = \"0123456789abcdef\"\n[[notify]]\nurl = \"https://h:443/\"\nsecret = \"0123456789abcdef\"",
        "metergate.toml:5: [notify] url: is told already: join the two",
    ),
    (
        "[[notify]]\nurl = \"https://h\"\nsecrets = \"0123456789abcdef\"\nsecret = \"0123456789abcdef\"",
        "metergate.toml:3: [notify] secrets is not a setting (did you mean \"secret\"?)",
    ),
    (
        "[policy.capabilities]\nup = { resources = \"files\", on_outage = \"opne\" }",
        "metergate.toml:2: [policy.capabilities.up] on_outage: \"opne\" is none of closed, open (did you mean \"open\"?)",
    ),
    (
        "[storage]\non_outage = \"leased\"",
        "metergate.toml:2: [storage] on_outage: \"leased\" is none of closed, open (did you mean \"closed\"?)",
    ),
    (
        "[storage]\njournal = \"\"",
        "metergate.toml:2: [storage] journal: needs a file, like \"/var/lib/metergate/metergate.journal\"",
    ),
    (
        "[server.tls]\ncert = \"/nowhere\"",
        "metergate.toml:1: [server.tls] needs key, like key = \"/etc/metergate/privkey.pem\"",
    ),
    (
        "[server.tls]\ncert = \"/nowhere\"\nkey = \"/nowhere\"",
        "metergate.toml:2: [server.tls] cert: /nowhere cannot be read: No such file or directory (os error 2)",
    ),
    (
        "[server.tls]\ncert = \"/dev/null\"\nkey = \"/nowhere\"",
        "metergate.toml:2: [server.tls] cert: /dev/null holds no certificate: write a PEM file, which has lines BEGIN CERTIFICATE",
    ),
    (
        "[server.tls]\ncert = [\"/a\", \"/b\"]\nkey = \"/c\"",
        "metergate.toml:3: [server.tls] key: needs as many files as cert has, in the same order",
    ),
    // What this version does not have.
    (
        "[admin]\nlisten = \"systemd\"",
        "metergate.toml:2: [admin] listen: systemd passes the proxy's sockets only: write an address, like \"127.0.0.1:8400\"",
    ),
    (
        "[server]\nproxy_protocol = \"v2\"",
        "metergate.toml:2: [server] proxy_protocol: needs true or false, not text",
    ),
    (
        "[upstream]\nurl = \"https://h\"\nprotocol = \"h2c\"",
        "metergate.toml:3: [upstream] protocol: h2c is HTTP/2 in the clear: write \"http1\" to speak https, or leave it out",
    ),
    (
        "[upstream]\nurl = \"http://h:1\"\nprotocol = \"h2\"",
        "metergate.toml:3: [upstream] protocol: \"h2\" is none of http1, h2c (did you mean \"h2c\"?)",
    ),
    (
        "[upstream]\nurl = \"http://h:1\"\nca = \"/a\"",
        "metergate.toml:3: [upstream] ca: /a cannot be read: No such file or directory (os error 2)",
    ),
    (
        "[upstream]\nurl = \"https://h\"\nca = \"/dev/null\"",
        "metergate.toml:3: [upstream] ca: /dev/null holds no certificate: write a PEM file, which has lines BEGIN CERTIFICATE",
    ),
    (
        "[storage]\nurl = \"mysql://h/quota\"",
        "metergate.toml:2: [storage] url: storage is not known: write sqlite:FILE, memory:, postgresql://…, redis://…, rediss://… or redis+cluster://…",
    ),
    (
        "[storage]\nurl = \"redis://a,b\"",
        "metergate.toml:2: [storage] url: the address of the store cannot be used: it names several servers: write redis+cluster://…",
    ),
    (
        "[storage]\nurl = \"postgresql://me@h/quota?sslmode=perhaps\"",
        "metergate.toml:2: [storage] url: the address of the database cannot be used: sslmode is not known: write disable, prefer, require, verify-ca or verify-full",
    ),
    // What is no TOML.
    (
        "[server]\nlisten = \"127.0.0.1:1",
        "metergate.toml:2: is not TOML here: invalid basic string, expected `\"`",
    ),
    (
        "[log]\nlevel = \"info\"\nlevel = \"warn\"",
        "metergate.toml:3: is not TOML here: duplicate key",
    ),
];

#[test]
fn each_bad_file_is_refused_at_its_line() {
    for (text, expected) in REFUSED {
        assert_eq!(complaints(text), [*expected], "{text}");
    }
}

#[test]
fn all_complaints_come_at_once_from_top_to_bottom() {
    let text = "
[policy]
default_group = 7
[limits]
head_timeout = 30
drain_bytes = \"64M\"
conections = 5
[server]
listen = [\"nowhere\", \"127.0.0.1:1\", 9]
";
    let lines = complaints(text);
    let places: Vec<_> = lines.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "metergate.toml:3",
            "metergate.toml:5",
            "metergate.toml:6",
            "metergate.toml:7",
            "metergate.toml:9",
            "metergate.toml:9"
        ],
        "{lines:#?}"
    );
}

#[test]
fn file_environment_and_flags_are_complained_about_together() {
    let flags = Flags { limit: vec!["500MB".to_owned()], ..Flags::default() };
    let environment = [("METERGATE_LOG__LEVEL", "loud")];
    let (lines, _) = outcome("[log]\nformat = \"xml\"", &environment, flags);
    assert_eq!(
        lines,
        [
            "metergate.toml:2: [log] format: \"xml\" is none of text, json",
            "METERGATE_LOG__LEVEL: [log] level: \"loud\" is none of error, warn, info, debug, trace",
            "--limit: \"500MB\" is not a limit: write RESOURCE=LIMIT, like media_bytes=500MB/month",
        ]
    );
}

#[test]
fn a_file_that_is_not_there_says_so() {
    let sources =
        Sources { file: Some(PathBuf::from("/nowhere/metergate.toml")), ..Sources::default() };
    let error = config::load(&sources).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/metergate.toml: cannot be read: "), "{error}");
}

#[test]
fn what_looks_like_a_slip_is_warned_about() {
    let rows: [(&str, &[&str]); 9] = [
        (
            "[policy]\ndefault_group = \"a\"\n[policy.groups.a]\nextends = \"fre\"\n[policy.groups.free]\nmedia_bytes = 1",
            &[
                "metergate.toml:4: [policy.groups.a] extends: group \"fre\" is not declared here: without it in the store nothing is taken from it (did you mean \"free\"?)",
            ],
        ),
        (
            "[[notify]]\nurl = \"https://h\"\nsecret = \"s3cret\"",
            &[
                "metergate.toml:3: [notify] secret: the secret is short: write at least 16 characters",
            ],
        ),
        (
            "[policy]\ndefault_group = \"a\"\n[policy.groups.a]\nmedai_bytes = \"1MB\"",
            &[
                "metergate.toml:4: [policy.groups.a] medai_bytes: nothing draws on it (did you mean \"media_bytes\"?)",
            ],
        ),
        (
            "[policy]\ndefault_group = \"a\"\n[policy.groups.a]\nstorage_bytes = \"1MB\"\nrequests = 3",
            &[],
        ),
        (
            "[policy.groups.free]\nmedia_bytes = 1",
            &[
                "metergate.toml:1: [policy] groups: there is no default_group and no rule for everyone: who matches no rule has no limit",
            ],
        ),
        (
            "[[policy.rules]]\nmatch = \"*\"\ngroup = \"free\"\n[policy.groups.free]\nmedia_bytes = 1",
            &[],
        ),
        (
            "[policy]\ndefault_group = \"fre\"\n[policy.groups.free]\nmedia_bytes = 1",
            &[
                "metergate.toml:2: [policy] default_group: group \"fre\" is not declared here: without it in the store nobody is limited by it (did you mean \"free\"?)",
            ],
        ),
        (
            "[[policy.rules]]\nmatch = \"@a*\"\ngroup = \"bots\"",
            &[
                "metergate.toml:3: [policy.rules] group: group \"bots\" is not declared here: without it in the store nobody is limited by it",
            ],
        ),
        (
            "[server]\nlisten = \"127.0.0.1:1\"",
            &[
                "metergate.toml:2: [server] listen: nothing is proxied without [upstream] url: only the quota API runs",
            ],
        ),
    ];
    for (text, expected) in rows {
        let (warnings, loaded) = outcome(text, &[], Flags::default());
        assert!(loaded.is_some(), "{warnings:?}");
        assert_eq!(warnings, expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]{}=.,\"'#a-c0-9_ \\n-]{0,80}") {
        outcome(&text, &[], Flags::default());
    }

    #[test]
    fn no_damage_to_a_file_makes_the_reader_panic(from in 0_usize..8000, length in 0_usize..60, put in "[\\[\\]{}=\"0-9a\\n]{0,4}") {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/metergate.toml");
        let mut text: Vec<char> = fs::read_to_string(file).unwrap().chars().collect();
        let from = from.min(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, put.chars());
        outcome(&text.into_iter().collect::<String>(), &[], Flags::default());
    }
}
