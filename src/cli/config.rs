//! `config check`: read the file, print every complaint, start nothing.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::answer::{self, Answer};
use super::exit::{Exit, Failure};
use crate::config::{self, Complaint, Loaded, Sources};

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
        let (complaints, warnings) = match config::load(&sources) {
            Ok(Loaded { warnings, .. }) => (Vec::new(), warnings),
            Err(wrong) => (wrong.complaints().to_vec(), Vec::new()),
        };
        let told = Told {
            file: &file,
            fine: complaints.is_empty(),
            complaints: told("error", &complaints),
            warnings: told("warning", &warnings),
        };
        if told.fine {
            Ok(Answer::new(format!("{} is fine", file.display()), &told)?)
        } else {
            Ok(Answer::new("", &told)?.ending(Exit::BadInput))
        }
    }
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Told<'a> {
    file: &'a Path,
    fine: bool,
    complaints: Vec<String>,
    warnings: Vec<String>,
}

/// Tells people of each; returns them for programs.
fn told(kind: &str, complaints: &[Complaint]) -> Vec<String> {
    let texts: Vec<_> = complaints.iter().map(ToString::to_string).collect();
    for text in &texts {
        answer::complain(kind, text);
    }
    texts
}
