//! Good files: the several ways to say one thing.

use std::time::Duration;

use metergate::config::Flags;
use metergate::notify::{Endpoint, Signer};
use metergate::quota::notice::Topic;
use metergate::quota::{Aggregate, Layer, Limit, Measure, OnOutage, Period};

use crate::outcome::{accepted, limit};

#[test]
fn a_list_takes_a_single_value_too() {
    let settings = accepted(
        "[server]\nlisten = \"unix:/run/m.sock\"\ntrusted_proxies = \"10.1.2.3/8\"\n[upstream]\nurl = \"unix:/run/h.sock\"\n\
         [policy]\nrules = { match = \"*\", group = \"a\" }\n[policy.capabilities]\nup = \"files\"\n[policy.groups.a]\nfiles = 7",
        &[],
        Flags::default(),
    );
    let proxy = settings.proxy.unwrap();
    assert_eq!(proxy.listen, ["unix:/run/m.sock".parse().unwrap()]);
    assert_eq!(proxy.trusted_proxies, ["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(settings.policy.rules.len(), 1);
    assert_eq!(settings.policy.capabilities["up"].resources(), ["files".parse().unwrap()]);
    assert_eq!(settings.policy.groups["a"].limits[&"files".parse().unwrap()], limit("7"));
}

#[test]
fn words_that_mean_what_is_done_anyway_are_accepted() {
    accepted(
        "[upstream]\nurl = \"http://h\"\nprotocol = \"http1\"\n[storage]\non_outage = \"closed\"\n\
         [policy.groups.a]\nb_bytes = { limit = \"1MB/day hard\", mode = \"hard\", per = \"subject\", admit = \"strict\" }\n\
         [policy.capabilities]\nup = { resources = \"b_bytes\", on_outage = \"closed\" }",
        &[],
        Flags::default(),
    );
}

#[test]
fn what_passes_while_the_store_is_out_is_said_for_all_or_for_one_action() {
    let text = "[storage]\non_outage = \"open\"\njournal = \"/var/lib/m/j\"\n\
         [policy.capabilities]\nup = { resources = \"files\", on_outage = \"closed\" }";
    let settings = accepted(text, &[], Flags::default());
    assert_eq!(settings.on_outage, OnOutage::Open);
    assert_eq!(settings.journal, Some("/var/lib/m/j".into()));
    assert_eq!(settings.policy.capabilities["up"].on_outage(), Some(OnOutage::Closed));
}

#[test]
fn the_journal_lies_beside_the_books_or_in_the_folder_of_the_service() {
    let journal = |url: &str, environment: &[(&str, &str)]| {
        let text = format!("[storage]\nurl = \"{url}\"");
        accepted(&text, environment, Flags::default()).journal
    };
    let state = [("STATE_DIRECTORY", "/var/lib/metergate:/var/lib/more")];
    assert_eq!(journal("sqlite:/srv/quota.db", &state), Some("/srv/quota.db.journal".into()));
    assert_eq!(journal("redis://h", &state), Some("/var/lib/metergate/metergate.journal".into()));
    assert_eq!(journal("redis://h", &[]), Some("metergate.journal".into()));
    assert_eq!(journal("memory:", &state), None);
}

#[test]
fn a_list_of_tables_is_several_limits() {
    let settings = accepted(
        "[policy]\ndefault_group = \"a\"\n[[policy.groups.a.media_bytes]]\nlimit = \"2GB\"\nperiod = \"day\"\n\
         [[policy.groups.a.media_bytes]]\nlimit = \"5GB\"",
        &[],
        Flags::default(),
    );
    let limits = &settings.policy.groups["a"].limits;
    assert_eq!(limits[&"media_bytes".parse().unwrap()], limit("2GB/day,5GB"));
}

#[test]
fn nothing_declared_is_an_empty_layer() {
    let settings = accepted(
        "[upstream]\nurl = \"http://h\"\n[policy]\nperiod = \"week\"",
        &[],
        Flags::default(),
    );
    let origin = settings.policy.origin.clone();
    assert!(origin.as_ref().is_some_and(|file| file.ends_with("/metergate.toml")), "{origin:?}");
    let expected = Layer { origin, period: Some(Period::Week), ..Layer::default() };
    assert_eq!(settings.policy, expected);
}

#[test]
fn a_table_says_all_that_a_text_can() {
    let settings = accepted(
        "[policy]\ndefault_group = \"a\"\n[policy.groups.a]\n\
         in_text_bytes = [\"2GB/rolling 30d soft ceiling 3GB grace 7d warn 50 90 trailing in Europe/Berlin\", \"1TB/month@15 per group warn none\"]\n\
         in_a_table_bytes = [\n\
         { limit = \"2GB\", period = \"rolling 30d\", mode = \"soft\", admit = \"trailing\", ceiling = \"3GB\", grace = \"7d\", warn = [90, 50], timezone = \"Europe/Berlin\" },\n\
         { limit = \"1TB/month@15\", per = \"group\", warn = \"none\" }]\n\
         in_both_bytes = [{ limit = \"2GB/rolling 30d soft ceiling 3GB\", mode = \"soft\", grace = \"7d\", admit = \"trailing\", warn = [50, 90], timezone = \"Europe/Berlin\" }, { limit = \"1TB/month@15 per group warn none\", per = \"group\" }]",
        &[],
        Flags::default(),
    );
    let limits = &settings.policy.groups["a"].limits;
    let of = |name: &str| &limits[&name.parse().unwrap()];
    assert_eq!(of("in_text_bytes"), of("in_a_table_bytes"));
    assert_eq!(of("in_text_bytes"), of("in_both_bytes"));
    assert_eq!(of("in_text_bytes").windows().len(), 2);
}

#[test]
fn limits_are_read_as_their_resource_is_counted() {
    let settings = accepted(
        "[policy]\ndefault_group = \"a\"\n[policy.groups.a]\npoints = { limit = 47, mode = \"soft\", ceiling = \"50.5 points\" }\ntraffic = \"5GB\"\n\
         [policy.groups.b]\nextends = \"a\"\n\
         [policy.resources]\npoints = { unit = \"points\", decimals = 1 }\ntraffic = { unit = \"bytes\", aggregate = \"last\" }\nuser_bytes = { aggregate = \"unique\" }",
        &[],
        Flags::default(),
    );
    let policy = &settings.policy;
    let limit = |name: &str| policy.groups["a"].limits[&name.parse().unwrap()].to_string();
    assert_eq!(limit("points"), "470 soft ceiling 505");
    assert_eq!(limit("traffic"), "5000000000");
    assert_eq!(policy.groups["b"].extends.as_deref(), Some("a"));
    let measure = |name: &str| &policy.resources[&name.parse().unwrap()];
    assert_eq!(*measure("traffic"), Measure { aggregate: Aggregate::Last, ..Measure::BYTES });
    assert_eq!(*measure("user_bytes"), Measure { aggregate: Aggregate::Unique, ..Measure::COUNT });
}

#[test]
fn every_period_is_read() {
    for period in [
        "minute",
        "quarter",
        "year",
        "month@15",
        "year@03-01",
        "30d@2026-01-01",
        "30d",
        "rolling 1 month",
    ] {
        let text = format!(
            "[policy]\nperiod = \"{period}\"\ndefault_group = \"a\"\n[policy.groups.a]\nfiles = [\"7/{period}\", {{ limit = 6, period = \"{period}\", mode = \"observe\" }}]"
        );
        let policy = accepted(&text, &[], Flags::default()).policy;
        assert_eq!(policy.period.unwrap().to_string(), period);
        let limit = &policy.groups["a"].limits[&"files".parse().unwrap()];
        let expected = format!("7/{period},6/{period} observe");
        assert_eq!(*limit, Limit::parse(&expected, &Measure::COUNT).unwrap());
    }
}

#[test]
fn whom_to_tell_is_read_with_its_secret_in_place_or_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let text = format!(
        "[storage]\nkeep_events = \"36d\"\n[[notify]]\nurl = \"http://h:9/a\"\nsecret_file = {:?}\non = \"over\"\n\
         [[notify]]\nurl = \"https://h/a\"\nsecret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZg==\"",
        file.to_str().unwrap()
    );
    let settings = accepted(&text, &[], Flags::default());
    assert_eq!(settings.keep_events, Duration::from_hours(36 * 24));
    let [first, second] = settings.notify.as_slice() else { panic!("{settings:?}") };
    assert_eq!(first.endpoint, "http://h:9/a".parse::<Endpoint>().unwrap());
    assert_eq!(first.topics, [Topic::Over].into());
    assert_eq!(first.signer, Signer::with("0123456789abcdef").unwrap());
    assert_eq!(second.signer, first.signer);
    assert_eq!(second.topics, Topic::ALL.into());
    let variables = [
        ("METERGATE_NOTIFY__URL", "https://h/b"),
        ("METERGATE_NOTIFY__SECRET", "0123456789abcdef"),
        ("METERGATE_NOTIFY__ON", "warn, over"),
    ];
    let settings = accepted("", &variables, Flags::default());
    assert_eq!(settings.notify[0].topics, [Topic::Warn, Topic::Over].into());
}
