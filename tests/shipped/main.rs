//! Shipped files: all of `config/` is read without a complaint; what is bad is refused at its line.
#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests, helpers included")]

mod accepted;
mod metered;
mod outcome;
mod page;
mod refused;
mod secrets;
mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use metergate::config::{self, Flags, Loaded, Settings, Sources};
use metergate::notify::Signer;
use metergate::proxy::{self, Count};
use metergate::quota::notice::Topic;
use metergate::quota::{Aggregate, Measure, Policy, Zone};

use self::outcome::limit;

/// Reads a shipped file, and nothing else.
fn shipped(name: &str) -> Loaded {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
    let sources = Sources { file: Some(file), ..Sources::default() };
    config::load(&sources).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_shipped_file_is_read_without_a_word() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for below in ["", "presets"] {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let name = Path::new(below).join(entry.file_name());
                let name = name.to_str().unwrap();
                assert_eq!(shipped(name).warnings, [], "{name}");
            }
        }
    }
}

#[test]
fn the_preset_for_downloads_meters_them_behind_any_other_file() {
    let read = |name: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
        fs::read_to_string(file).unwrap()
    };
    let limited = read("minimal.toml") + "egress_bytes = \"5GB/month\"\n";
    let text = limited + &read("presets/continuwuity-downloads.toml");
    let settings = outcome::accepted(&text, &[], Flags::default());
    let meters = settings.proxy.as_ref().unwrap().meters.clone();
    let server = "/example.org/aBc";
    for path in [
        "/_matrix/client/v1/media/download",
        "/_matrix/client/v1/media/thumbnail",
        "/_matrix/client/unstable/org.matrix.msc3916/media/download",
        "/_matrix/client/unstable/org.matrix.msc3916/media/thumbnail",
    ] {
        for rest in ["", "/cat.jpg"] {
            let path = format!("{path}{server}{rest}");
            assert!(meters.iter().any(|meter| meter.path.matches(&path)), "{path}");
        }
    }
    let egress = "egress_bytes".parse().unwrap();
    assert_eq!(settings.policy.groups["everyone"].limits[&egress], limit("5GB/month"));
    assert_eq!(settings.policy.capabilities["download_media"].resources(), [egress]);
}

#[test]
fn the_full_example_says_the_defaults() {
    let full = shipped("metergate.toml").settings;
    let upstream = "http://127.0.0.1:8008".parse().unwrap();
    let expected = Settings {
        proxy: Some(proxy::Settings::before(upstream)),
        policy: full.policy.clone(),
        ..Settings::default()
    };
    assert_eq!(full, expected);
    assert_eq!(full.policy.timezone, Some(Zone::default()));
    assert_eq!(full.policy.period, Some(Policy::default().period()));
}

#[test]
fn the_full_example_declares_what_it_describes() {
    let policy = shipped("metergate.toml").settings.policy;
    let media = "media_bytes".parse().unwrap();
    assert_eq!(policy.default_group.as_deref(), Some("free"));
    assert_eq!(policy.groups["free"].limits[&media], limit("500MB/month"));
    assert_eq!(policy.groups["free"].max_upload_bytes.unwrap().get(), 20_000_000);
    assert_eq!(policy.groups["patron"].limits[&media], limit("50GB/month,2GB/day soft"));
    assert_eq!(policy.groups["patron"].extends.as_deref(), Some("free"));
    assert_eq!(policy.groups["bridges"].limits[&media], limit("200GB/month"));
    assert_eq!(policy.capabilities["upload_media"].resources(), [media]);
    assert_eq!(policy.rules[0].group, "bridges");
}

/// Whoever takes the signs away before a block gets what it describes.
#[test]
fn what_the_full_example_does_not_turn_on_is_right_as_well() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/metergate.toml"))
            .unwrap();
    // A comment has a space behind its sign; of two ways to say a thing one stays.
    let turned_on = |line: &str| line.strip_prefix('#').map(|it| it.starts_with(|it| it != ' '));
    let (_, resources) = text.split_once("[policy.resources]").unwrap();
    let (resources, _) = resources.split_once("[policy.groups.free]").unwrap();
    let (_, more) = text.split_once("\n#[[meter]]").unwrap();
    let proxied = "[upstream]\nurl = \"http://h\"";
    let lines = format!("{proxied}\n[policy.resources]{resources}\n#[[meter]]{more}");
    let lines = lines.lines().filter(|line| !line.starts_with("#secret_file"));
    let lines = lines.map(|line| match turned_on(line) {
        Some(true) => &line[1..],
        _ => line,
    });
    let (lines, loaded) =
        outcome::outcome(&lines.collect::<Vec<_>>().join("\n"), &[], Flags::default());
    assert_eq!(lines, Vec::<String>::new());
    let settings = loaded.unwrap().settings;
    let seats = &settings.policy.resources[&"seats".parse().unwrap()];
    assert_eq!(*seats, Measure { aggregate: Aggregate::Max, ..Measure::COUNT });
    let proxy = settings.proxy.as_ref().unwrap();
    let [meter] = proxy.meters.as_slice() else { panic!("{proxy:?}") };
    assert_eq!((meter.count, meter.capability.as_str()), (Count::ResponseBody, "download_media"));
    assert!(meter.path.matches("/_matrix/client/v1/media/download/example.org/aBc"));
    let [target] = settings.notify.as_slice() else { panic!("{settings:?}") };
    assert_eq!(target.topics, Topic::ALL.into());
    assert_eq!(target.signer, Signer::with("not-a-secret-but-an-example").unwrap());
}

#[test]
fn the_full_example_has_every_key() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/metergate.toml"))
            .unwrap();
    let mut shown = BTreeSet::new();
    let mut section = String::new();
    for line in text.lines() {
        // A comment has a space behind its sign, a key that is not in force has none.
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with(' '))
        {
            shown.insert(format!("{section}.{key}"));
            for part in value.trim_matches(['{', '}', ' ']).split(", ") {
                let inner = part.split_once(" = ").map(|(inner, _)| inner.trim());
                shown.extend(inner.map(|inner| format!("{section}.{key}.{inner}")));
            }
        }
    }
    for key in config::keys() {
        // A name of one's own is `*` in a key's path.
        let like = |shown: &&String| {
            let both = || key.split('.').zip(shown.split('.'));
            let same = both().all(|(key, shown)| key == "*" || key == shown);
            same && key.split('.').count() <= shown.split('.').count()
        };
        assert!(shown.iter().any(|it| like(&it)), "{key} is not in config/metergate.toml");
    }
}

#[test]
fn the_minimal_file_is_a_complete_set_up() {
    let settings = shipped("minimal.toml").settings;
    assert!(settings.proxy.is_some());
    let group = settings.policy.default_group.unwrap();
    assert!(!settings.policy.groups[&group].limits.is_empty());
}
