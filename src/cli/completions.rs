//! completions: the script by which a shell completes what is typed.

use clap::{Args, Command};
use clap_complete::Shell;
use serde::Serialize;

use super::answer::Answer;
use super::exit::Failure;

/// Print the script that lets a shell complete commands and flags
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate completions bash > /usr/share/bash-completion/completions/metergate
  metergate completions zsh > /usr/share/zsh/site-functions/_metergate
  metergate completions fish > ~/.config/fish/completions/metergate.fish")]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Script<'a> {
    shell: String,
    script: &'a str,
}

impl Completions {
    /// Writes the script for `command`, which is all of them; touches no store.
    pub(super) fn run(self, mut command: Command) -> Result<Answer, Failure> {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        let script = String::from_utf8_lossy(&script);
        let script = script.trim_end();
        Ok(Answer::new(script, &Script { shell: self.shell.to_string(), script })?)
    }
}
