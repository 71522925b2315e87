//! The command line: the real binary on a file of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what helps tests may fail them")]

mod beginning;
mod carrying;
mod deciding;
mod declaring;
mod doctoring;
mod explaining;
mod following;
mod ledger;
mod mistakes;
mod policy;
mod recording;
mod serving;
mod shell;
mod telling;
mod through;

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A directory with a database in it, gone when dropped.
struct Books(TempDir);

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Books {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Books with @alice in a group of 500 MB and 10000 requests.
    fn with_alice() -> Self {
        let books = Self::new();
        books.done("group set free media_bytes=500MB requests=10000");
        books.done("user set @alice --group free");
        books
    }

    fn storage(&self) -> String {
        format!("sqlite:{}", self.0.path().join("quota.db").display())
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_metergate"));
        command
            .args(words(line))
            .env_clear()
            .env("METERGATE_STORAGE", self.storage())
            .current_dir(self.0.path());
        command
    }

    fn run(&self, line: &str) -> Said {
        Said::of(self.command(line).output().unwrap())
    }

    /// Runs a command that must succeed; returns what it printed.
    fn done(&self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{line}: {said:?}");
        said.out
    }

    /// Runs a command that must end with `code` and one sentence, which is returned.
    fn refused(&self, line: &str, code: i32) -> String {
        let said = self.run(line);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{line}: {said:?}");
        let sentence = said.err.strip_prefix("error: ").and_then(|err| err.strip_suffix('\n'));
        let sentence = sentence.unwrap_or_else(|| panic!("{line}: {said:?}"));
        assert!(!sentence.contains('\n') && sentence.len() > 10, "{line}: {said:?}");
        sentence.to_owned()
    }

    /// Runs a command with --json; returns what it printed.
    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} --json")).out).unwrap()
    }

    /// Returns how much @alice used of `resource`.
    fn used(&self, resource: &str) -> i64 {
        self.json(&format!("usage @alice {resource}"))["used"].as_i64().unwrap()
    }
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Splits a line as a shell does that knows single quotes and comments.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap();
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars().chain(" ".chars()) {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted && word.is_empty() => {}
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words
}
