//! `config check`: read the file, print every complaint, start nothing.

use std::path::PathBuf;

use clap::Subcommand;

use serde_json::json;

use super::answer::{self, Answer};
use super::exit::Failure;
use crate::config::{self, Loaded, Sources};

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
    /// Reads the file alone: what environment and flags would say does not count here.
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let Self::Check { file } = self;
        let sources = Sources { file: Some(file.clone()), ..Sources::default() };
        let Loaded { warnings, .. } = config::load(&sources)?;
        for warning in &warnings {
            answer::complain("warning", &warning.to_string());
        }
        let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        let told = json!({ "file": file, "fine": true, "warnings": warnings });
        Ok(Answer::new(format!("{} is fine", file.display()), &told)?)
    }
}
