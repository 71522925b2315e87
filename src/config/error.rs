//! `ConfigError`: where, what is wrong, what would be right; all of it at once.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that is wrong with a configuration: one complaint a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct ConfigError(Vec<Complaint>);

/// One thing that is wrong, or looks like a slip.
///
/// Never repeats a token, nor an address that holds a password.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// Where it is said.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub text: String,
}

/// Where a setting is said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file as a whole.
    File(Arc<PathBuf>),
    /// A line of a file; the first is 1.
    Line(Arc<PathBuf>, usize),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl ConfigError {
    /// Returns the error made of `complaints`; in order of place.
    pub(super) fn of(mut complaints: Vec<Complaint>) -> Self {
        complaints.sort();
        complaints.dedup();
        Self(complaints)
    }

    /// Returns what is wrong: file, environment, flags; the file from top to bottom.
    #[must_use]
    pub fn complaints(&self) -> &[Complaint] {
        &self.0
    }
}

fn lines(complaints: &[Complaint]) -> String {
    let lines: Vec<_> = complaints.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Line(file, line) => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}
