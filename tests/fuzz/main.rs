//! Fuzzing: inputs made by changing small files, and held against plain models of what must come of
//! them. What comes of the same seed is the same on every run.
//!
//! ```text
//! cargo test --test fuzz                                            the bounded run of tests/run
//! cargo test --release --test fuzz -- --cases 1000000               a longer one, of every target
//! cargo test --release --test fuzz -- --cases 1000000 --seed 7 paths
//! cargo test --test fuzz -- --replay target/fuzz/paths-0123456789abcdef
//! ```
//!
//! An input that fails is cut down and written below `target/fuzz`; the failure names it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and a mistake on its command line is told to people"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests need more of it")]
mod support;

mod drive;
mod mutate;
mod strict;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use drive::{Drive, Target};

fn main() -> ExitCode {
    drive::count_panics();
    let mut words: Vec<_> = std::env::args().collect();
    let (cases, seed, replay) = (
        flag(&mut words, "--cases").map(|word| number("--cases", &word)),
        flag(&mut words, "--seed").map_or(1, |word| number("--seed", &word)),
        flag(&mut words, "--replay").map(PathBuf::from),
    );
    let trials =
        targets::ALL.iter().filter(|target| replay.as_ref().is_none_or(|it| owns(target, it)));
    let trials: Vec<_> = trials
        .map(|target| {
            let drive =
                Drive { cases: cases.unwrap_or(target.cases), seed, replay: replay.clone() };
            Trial::test(target.name, move || Ok(drive.run(target)?))
        })
        .collect();
    if trials.is_empty() {
        eprintln!(
            "no target has such an input: its file is to be named as it was written, TARGET-…"
        );
        return ExitCode::from(2);
    }
    libtest_mimic::run(&Arguments::from_iter(words), trials).exit_code()
}

/// Takes a flag and its value out of the command line.
fn flag(words: &mut Vec<String>, name: &str) -> Option<String> {
    let at = words.iter().position(|word| word == name)?;
    words.remove(at);
    (at < words.len()).then(|| words.remove(at))
}

fn number(name: &str, word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{name} needs a whole number, not {word:?}"))
}

/// Returns whether an input in this file was one of the target's, by the name of file or folder.
fn owns(target: &Target, file: &std::path::Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = file.parent().and_then(|it| it.file_name()).unwrap_or_default();
    name.starts_with(&format!("{}-", target.name)) || *folder == *target.name
}
