//! The hard cases of proxying, as raw bytes over HTTP/1.1 and as raw frames over HTTP/2: metergate
//! passes every one of them.
//!
//! `cargo test --test peers` holds metergate to them. `cargo test --test peers -- --side-by-side`
//! also starts nginx and HAProxy, puts the same bytes to them, and prints the three columns; a word
//! after that, such as `h2`, names the cases to be put.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and its table is for people"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests need more of it")]
mod support;

mod cases;
mod columns;
mod frames;
mod stand;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use cases::Case;
use stand::Kind;

fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args().collect();
    let count = words.len();
    words.retain(|word| word != "--side-by-side");
    if words.len() < count {
        return columns::print(&words[1..]);
    }
    let trials = cases::all().into_iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_iter(words), trials).exit_code()
}

/// Returns `case` as a test of metergate.
fn trial(case: Case) -> Trial {
    let (name, case) = (format!("{}::{}", case.about, case.name.replace(' ', "_")), Arc::new(case));
    Trial::test(name, move || Ok(case.hold(Kind::Metergate)?))
}
