//! What became of a command, as a number for scripts and as a sentence for people.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::app::AppError;
use crate::config::ConfigError;
use crate::engine::EngineError;
use crate::quota::{Invalid, Overflow};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or allowed.
    Done,
    /// Asked, and denied.
    Denied,
    /// What was typed or written makes no sense.
    BadInput,
    /// There is no such thing.
    NotFound,
    /// What was asked contradicts what is there.
    Conflict,
    /// The store, or the machine, does not answer.
    Unavailable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Denied => 1,
            Exit::BadInput => 2,
            Exit::NotFound => 3,
            Exit::Conflict => 4,
            Exit::Unavailable => 5,
        })
    }
}

/// Why a command was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The engine said no.
    Engine(EngineError),
    /// A server said no, or could not be asked.
    Server {
        /// What that means.
        exit: Exit,
        /// Why.
        sentence: String,
    },
    /// The configuration is wrong.
    Config(ConfigError),
    /// The proxy and its API do not start.
    Start(AppError),
    /// The machine does not give what the process itself needs.
    Machine(io::Error),
}

impl Failure {
    /// Returns the complaint `text` about what was typed.
    pub(super) fn bad_input(text: impl Into<String>) -> Self {
        Self::Engine(EngineError::BadInput(text.into()))
    }

    /// Returns how the command ends.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => match error {
                EngineError::BadInput(_) => Exit::BadInput,
                EngineError::NotFound(_) => Exit::NotFound,
                EngineError::Conflict(_) => Exit::Conflict,
                EngineError::Unavailable(_) => Exit::Unavailable,
            },
            Self::Server { exit, .. } => *exit,
            Self::Config(_) => Exit::BadInput,
            Self::Start(error) => match error {
                AppError::Engine(EngineError::BadInput(_)) => Exit::BadInput,
                AppError::Engine(EngineError::Conflict(_)) => Exit::Conflict,
                AppError::Listen { .. }
                | AppError::Store(_)
                | AppError::Engine(_)
                | AppError::Metrics(_)
                | AppError::Thread(_) => Exit::Unavailable,
            },
            Self::Machine(_) => Exit::Unavailable,
        }
    }

    /// Returns it as one sentence with all its causes; a configuration has one for each mistake.
    pub(super) fn sentences(&self) -> Vec<String> {
        match self {
            Self::Engine(error) => vec![with_causes(error)],
            Self::Server { sentence, .. } => vec![sentence.clone()],
            Self::Config(error) => error.complaints().iter().map(ToString::to_string).collect(),
            Self::Start(error) => vec![with_causes(error)],
            Self::Machine(error) => {
                vec![format!("the system does not let us go on: {}", with_causes(error))]
            }
        }
    }
}

/// Returns `error` and what caused it; a cause that says more of the same takes its place.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if said.last().is_some_and(|last| text.starts_with(last.as_str())) {
            said.pop();
        }
        if !said.contains(&text) {
            said.push(text);
        }
        next = cause.source();
    }
    said.join(": ")
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Engine(invalid.into())
    }
}

impl From<Overflow> for Failure {
    fn from(overflow: Overflow) -> Self {
        Self::Engine(overflow.into())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::Start(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_cause_is_told_once_and_to_the_end() {
        let disk = io::Error::other("disk full");
        let store = StoreError::unavailable("cannot write sqlite:/tmp/a.db", disk);
        assert_eq!(
            Failure::from(EngineError::from(store)).sentences(),
            ["store is unavailable: cannot write sqlite:/tmp/a.db: disk full"]
        );
    }
}
