//! File, environment and flags: which counts before which.

use std::collections::BTreeMap;

use metergate::config::{self, Flags, Settings, Sources};

use crate::outcome::{accepted, limit, outcome};

#[test]
fn no_source_at_all_is_the_quota_api_alone() {
    let loaded = config::load(&Sources::default()).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.settings.proxy, None);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_flag_counts_before_the_environment_and_that_before_the_file() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://file\"\n[storage]\nurl = \"sqlite:file.db\"";
    let environment = [
        ("METERGATE_UPSTREAM__URL", "http://environment"),
        ("METERGATE_STORAGE", "sqlite:environment.db"),
        ("METERGATE_LIMITS__CONNECTIONS", "7"),
        ("METERGATE_LOG__ACCESS", "true"),
        ("METERGATE_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("METERGATE_POLICY__TIMEZONE", "Europe/Berlin"),
        ("METERGATE_POLICY__GROUPS__FREE__MEDIA_BYTES", "1GB/month,1MB/day"),
        ("METERGATE_POLICY__DEFAULT_GROUP", "free"),
        // The command line's, and somebody else's.
        ("METERGATE_CONFIG", "x"),
        ("METERGATE_SERVER", "http://h"),
        ("METERGATE_TOKEN", "t"),
        ("METERGATE_PORT_8010_TCP_ADDR", "10.0.0.1"),
        ("PATH", "/bin"),
    ];
    let flags = Flags {
        listen: vec!["127.0.0.1:2".to_owned(), "127.0.0.1:3".to_owned()],
        storage: Some("memory:".to_owned()),
        port: Some(9),
        ..Flags::default()
    };
    let settings = accepted(file, &environment, flags);
    let proxy = settings.proxy.unwrap();
    assert_eq!(proxy.listen, ["127.0.0.1:2", "127.0.0.1:3"].map(|it| it.parse().unwrap()));
    assert_eq!(proxy.upstream, "http://environment".parse().unwrap());
    assert_eq!(proxy.trusted_proxies, ["10.0.0.0/8", "::1/128"].map(|it| it.parse().unwrap()));
    assert_eq!(proxy.limits.connections, 7);
    assert!(proxy.access_log);
    assert_eq!(settings.storage.to_string(), "memory:");
    assert_eq!(settings.admin.listen, "127.0.0.1:9".parse().unwrap());
    assert_eq!(settings.policy.timezone, Some("Europe/Berlin".parse().unwrap()));
    let limits = &settings.policy.groups["free"].limits;
    assert_eq!(limits[&"media_bytes".parse().unwrap()], limit("1GB/month,1MB/day"));
}

#[test]
fn limits_on_the_command_line_are_the_default_group() {
    let flags = |limits: &[&str]| Flags {
        upstream: Some("http://127.0.0.1:8008".to_owned()),
        limit: limits.iter().map(ToString::to_string).collect(),
        ..Flags::default()
    };
    let some = flags(&["media_bytes=500MB/month", "media_bytes=50MB/day", "max_upload_bytes=20MB"]);
    let settings = accepted("", &[], some.clone());
    let group = &settings.policy.groups[settings.policy.default_group.as_deref().unwrap()];
    assert_eq!(
        group.limits,
        BTreeMap::from([("media_bytes".parse().unwrap(), limit("500MB/month,50MB/day"))])
    );
    assert_eq!(group.max_upload_bytes.unwrap().get(), 20_000_000);

    let (lines, loaded) = outcome("[policy]\ndefault_group = \"free\"", &[], some.clone());
    assert_eq!(loaded, None);
    assert_eq!(
        lines,
        [
            "--limit: makes the default group, and metergate.toml:2 has one already: keep one of the two"
        ]
    );

    let environment = [("METERGATE_POLICY__DEFAULT_GROUP", "free")];
    assert_eq!(outcome("", &environment, some).1, None);

    let (lines, _) = outcome("", &[], flags(&["500MB"]));
    assert_eq!(
        lines,
        ["--limit: \"500MB\" is not a limit: write RESOURCE=LIMIT, like media_bytes=500MB/month"]
    );
    let (lines, _) = outcome("", &[], flags(&["media_bytes=500M"]));
    assert_eq!(
        lines,
        [
            "--limit: [policy.groups.default] media_bytes: \"500M\" is ambiguous: write MB (thousands) or MiB (1024s)"
        ]
    );
}

#[test]
fn a_mistyped_variable_is_refused_by_name() {
    let variables = [
        ("METERGATE_LIMITS__HEAD_TIMEOUTS", "1s"),
        ("METERGATE_LIMIT__HEAD_TIMEOUT", "1s"),
        ("METERGATE_LIMITS__CONNECTIONS", "many"),
        ("METERGATE_POLICY__RULES", "@a"),
        ("METERGATE_STORAGE", "nowhere"),
    ];
    let (lines, loaded) = outcome("", &variables, Flags::default());
    assert_eq!(loaded, None);
    assert_eq!(
        lines,
        [
            "METERGATE_LIMITS__CONNECTIONS: [limits] connections: needs a whole number from 1 to 10000000",
            "METERGATE_LIMITS__HEAD_TIMEOUTS: [limits] head_timeouts is not a setting (did you mean \"head_timeout\"?)",
            "METERGATE_LIMIT__HEAD_TIMEOUT: [limit] is not a section (did you mean \"limits\"?)",
            "METERGATE_POLICY__RULES: [policy.rules] is a section with keys of its own, not text",
            "METERGATE_STORAGE: [storage] url: storage is not known: write sqlite:FILE, memory:, postgresql://…, redis://…, rediss://… or redis+cluster://…",
        ]
    );
    let near = [("METERGATE_SERVER_LISTEN", "127.0.0.1:1")];
    let (lines, loaded) = outcome("", &near, Flags::default());
    assert!(loaded.is_some());
    assert_eq!(lines, ["METERGATE_SERVER_LISTEN: is not read: write METERGATE_SERVER__LISTEN"]);
    let twice = [("METERGATE_STORAGE", "memory:"), ("METERGATE_STORAGE__URL", "memory:")];
    let (lines, _) = outcome("", &twice, Flags::default());
    assert_eq!(
        lines,
        ["METERGATE_STORAGE__URL: says something that another variable says too: keep one"]
    );
}

#[test]
fn a_port_goes_with_an_ip_address() {
    let port = |port| Flags { port: Some(port), ..Flags::default() };
    let settings = accepted("[admin]\nlisten = \"[::1]:1\"", &[], port(2));
    assert_eq!(settings.admin.listen, "[::1]:2".parse().unwrap());
    let (lines, _) = outcome("[admin]\nlisten = \"unix:/run/a.sock\"", &[], port(2));
    assert_eq!(
        lines,
        ["--port: [admin] listen is a Unix socket, which has no port: leave --port out"]
    );
    let (lines, _) = outcome("[upstream]\nurl = \"http://h\"", &[], port(8010));
    assert_eq!(
        lines,
        [
            "--port: [server] listen and [admin] listen meet at 127.0.0.1:8010: choose another address for one of them"
        ]
    );
}
