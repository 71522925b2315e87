//! `config check`: read the file, print every complaint, start nothing.

use std::path::PathBuf;

use clap::Subcommand;

use super::answer::Answer;
use super::exit::Failure;

/// Check a configuration file
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Read a file and print all that is wrong with it
    #[command(after_help = "Examples:
  metergate config check /etc/metergate/metergate.toml")]
    Check {
        /// The file
        file: PathBuf,
    },
}

impl ConfigCommand {
    /// Runs it.
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let Self::Check { file } = self;
        Err(Failure::bad_input(format!("cannot check {} yet", file.display())))
    }
}
