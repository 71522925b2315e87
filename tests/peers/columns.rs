//! Columns: metergate, nginx and HAProxy side by side, a line per case.

use std::process::ExitCode;

use crate::cases::{self, Case};
use crate::stand::{Kind, Stand};

/// Puts every case whose name has one of `words`, if there are any, to each; prints how it went;
/// fails if metergate failed one.
pub(crate) fn print(words: &[String]) -> ExitCode {
    for kind in Kind::ALL {
        if let Err(why) = kind.is_here() {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    }
    // One that does not even start says so here.
    for kind in Kind::ALL {
        drop(Stand::of(kind));
    }
    // What fails is told in the table.
    std::panic::set_hook(Box::new(|_| {}));
    let mut cases = cases::all();
    cases.retain(|case| words.is_empty() || words.iter().any(|word| label(case).contains(word)));
    let widest = cases.iter().map(|case| label(case).chars().count()).max().unwrap_or_default();
    let mut passed = [[0; Kind::ALL.len()]; 2];
    let title = Kind::ALL.map(|kind| format!("{:<10}", kind.name())).join(" ");
    println!("{:<widest$}  {title}", "");
    for case in &cases {
        let held = Kind::ALL.map(|kind| case.hold(kind));
        let marks = held.each_ref().map(|held| if held.is_ok() { "yes" } else { "NO" });
        println!("{:<widest$}  {}", label(case), marks.map(|mark| format!("{mark:<10}")).join(" "));
        let passed = &mut passed[usize::from(case.is_http2())];
        for ((kind, held), passed) in Kind::ALL.iter().zip(&held).zip(passed) {
            match held {
                Ok(()) => *passed += 1,
                Err(why) => println!("    {}: {}", kind.name(), on_one_line(why)),
            }
        }
    }
    let mut is_passed = true;
    for (protocol, passed) in ["HTTP/1.1", "HTTP/2"].into_iter().zip(passed) {
        let of = cases.iter().filter(|case| case.is_http2() == (protocol == "HTTP/2")).count();
        let sums = passed.map(|passed| format!("{:<10}", format!("{passed}/{of}")));
        println!("{protocol:<widest$}  {}", sums.join(" "));
        is_passed &= passed[0] == of;
    }
    if is_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn label(case: &Case) -> String {
    format!("{:<10} {}", case.about, case.name)
}

fn on_one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(140).collect()
}
