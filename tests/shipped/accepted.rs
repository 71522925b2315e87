//! Good files: the several ways to say one thing.

use metergate::config::Flags;
use metergate::quota::{Layer, Period};

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
    let expected = Layer { period: Some(Period::Week), ..Layer::default() };
    assert_eq!(settings.policy, expected);
}
