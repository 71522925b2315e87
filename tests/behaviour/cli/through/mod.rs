//! Through a server: every command says and does what it does on a store.

mod equally;
mod reaching;
mod script;

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use metergate::clock::{Clock, System, Timestamp};
use metergate::quota::Zone;
use tempfile::TempDir;

use super::{Said, words};
use crate::support::process::Process;

const TOKEN: &str = "a-token-that-is-long-enough";

/// What a file declares to both.
const POLICY: &str = r#"
[policy]
timezone = "Europe/Berlin"
[policy.resources]
filed_points = { unit = "points", decimals = 1 }
[policy.groups.filed]
media_bytes = ["1GB/day", "3GB/week soft"]
filed_points = "2.5/month"
[policy.capabilities]
filed_action = { resources = ["filed_things"], on_outage = "open" }
[[policy.rules]]
match = "@filed_*"
group = "filed"
"#;

/// Two folders with equal books: commands work on those of one themselves, and on those of the
/// other through the server that runs there.
struct Twins {
    here: TempDir,
    there: TempDir,
    server: Process,
}

/// Where a command is told to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Here,
    There,
}

impl Twins {
    fn new() -> Self {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let config = format!("[admin]\ntoken = \"{TOKEN}\"\n{POLICY}");
        // What the file declares is in the books from here on.
        Process::configured(here.path(), &config).stop();
        let server = Process::configured(there.path(), &config);
        Self { here, there, server }
    }

    /// Writes a file into both folders.
    fn file(&self, name: &str, text: &str) {
        for folder in [&self.here, &self.there] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
    }

    fn command(&self, side: Side, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_metergate"));
        command.args(words(line)).env_clear().stdin(Stdio::null());
        match side {
            Side::Here => {
                command.env("METERGATE_STORAGE", "sqlite:quota.db").current_dir(self.here.path())
            }
            Side::There => command
                .env("METERGATE_SERVER", format!("http://{}", self.server.admin_address()))
                .env("METERGATE_TOKEN", TOKEN)
                .current_dir(self.there.path()),
        };
        command
    }

    /// Runs a command on both sides at once.
    fn run(&self, line: &str) -> (Said, Said) {
        let mut there = self.command(Side::There, line);
        let there = there.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let here: Output = self.command(Side::Here, line).output().unwrap();
        (Said::of(here), Said::of(there.wait_with_output().unwrap()))
    }

    /// Runs a command on both sides; returns how they differ, if they do.
    fn compare(&self, line: &str) -> Option<String> {
        let (here, there) = self.run(line);
        let now = System.now();
        let said = |said: Said, folder: &TempDir| {
            let still = |text: &str| still(text, now).replace(folder.path().to_str().unwrap(), ".");
            (said.code, still(&said.out), still(&said.err))
        };
        let (here, there) = (said(here, &self.here), said(there, &self.there));
        (here != there).then(|| format!("{line}\n  here:  {here:?}\n  there: {there:?}"))
    }

    /// Runs commands on both sides, which must say the same.
    fn are_equal<'a>(&self, lines: impl IntoIterator<Item = &'a str>) {
        let differences: Vec<_> = lines.into_iter().filter_map(|line| self.compare(line)).collect();
        assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    }
}

/// Returns `text` with whatever depends on when it was said taken out: moments that are about
/// `now`, or a week or thirty days later, seconds to wait, and names made up.
fn still(text: &str, now: Timestamp) -> String {
    const DAY: Duration = Duration::from_hours(24);
    let mut text = text.to_owned();
    for later in [Duration::ZERO, 7 * DAY, 30 * DAY] {
        for minutes in 0..4 {
            let moment = now.after(later).before(Duration::from_mins(minutes));
            for zone in ["UTC", "Europe/Berlin", "Europe/Paris"] {
                let zone: Zone = zone.parse().unwrap();
                text = text.replace(&zone.tell(moment), "NOW");
            }
            // To the minute: 2026-06-18T12:00:
            let minute = moment.to_string()[..17].to_owned();
            while let Some(start) = text.find(&minute) {
                let end = start + text[start..].find('Z').unwrap();
                text.replace_range(start..=end, "NOW");
            }
        }
    }
    let is_hexadecimal = |c: char| c.is_ascii_hexdigit();
    for (before, inside) in [("\"retry_after\":", is_hexadecimal), ("forgotten-", is_hexadecimal)] {
        let parts: Vec<_> = text.split(before).collect();
        let cut = parts
            .iter()
            .enumerate()
            .map(|(index, part)| if index == 0 { part } else { part.trim_start_matches(inside) });
        text = cut.collect::<Vec<_>>().join(&format!("{before}X"));
    }
    text
}
