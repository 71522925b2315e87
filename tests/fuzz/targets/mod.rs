//! Targets: who reads what comes from outside, and what must come of it.

mod config;
mod credentials;
mod heralds;
mod origin;
mod paths;
mod requests;
mod words;

use crate::drive::Target;

pub(crate) const ALL: [Target; 5] = [
    Target {
        name: "requests",
        files: &[],
        cases: 6_000,
        words: requests::WORDS,
        judge: || Box::new(requests::Requests::start()),
    },
    Target {
        name: "heralds",
        files: &[],
        cases: 3_000,
        words: heralds::WORDS,
        judge: || Box::new(heralds::Heralds::start()),
    },
    Target {
        name: "paths",
        files: &[],
        cases: 6_000,
        words: paths::WORDS,
        judge: || Box::new(paths::Paths),
    },
    Target {
        name: "words",
        files: &[],
        cases: 10_000,
        words: words::WORDS,
        judge: || Box::new(words::Words),
    },
    Target {
        name: "config",
        files: &["config/metergate.toml", "config/minimal.toml"],
        cases: 4_000,
        words: config::WORDS,
        judge: || Box::new(config::Config::new()),
    },
];
