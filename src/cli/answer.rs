//! Answer: what a command found, in words for people and in JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::exit::Exit;

/// What a command says when it is done.
#[derive(Debug)]
pub(super) struct Answer {
    words: String,
    json: String,
    /// How the command ends.
    pub(super) exit: Exit,
}

/// What a command that changes something says to programs.
#[derive(Debug, Serialize)]
pub(super) struct Done<T> {
    done: bool,
    #[serde(flatten)]
    what: T,
}

impl<T> Done<T> {
    /// Says that `what` is now so.
    pub(super) const fn now(what: T) -> Self {
        Self { done: true, what }
    }
}

impl Answer {
    /// Returns the answer that is `words` to people and `json` to programs.
    ///
    /// # Errors
    /// If `json` cannot be written as JSON.
    pub(super) fn new(words: impl Into<String>, json: &impl Serialize) -> io::Result<Self> {
        Ok(Self { words: words.into(), json: serde_json::to_string(json)?, exit: Exit::Done })
    }

    /// Returns the answer of one who has nothing to say.
    pub(super) const fn silent(exit: Exit) -> Self {
        Self { words: String::new(), json: String::new(), exit }
    }

    /// Returns the same answer with another end.
    pub(super) fn ending(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Writes it to standard output. A reader that has gone away is no error.
    pub(super) fn say(&self, json: bool) -> io::Result<()> {
        let text = if json { &self.json } else { &self.words };
        if !text.is_empty() {
            write_out(&format!("{text}\n"))?;
        }
        Ok(())
    }
}

/// Writes `text` to standard output, at once; returns false if the reader has gone away.
pub(super) fn write_out(text: &str) -> io::Result<bool> {
    write_out_bytes(text.as_bytes())
}

/// Writes `piece` of a text to standard output, at once; returns false if the reader has gone
/// away.
pub(super) fn write_out_bytes(piece: &[u8]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(piece).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        said => said.map(|()| true),
    }
}

/// Writes one line to standard error: `error: …`, `warning: …`. If nobody can be told, nobody is.
pub(super) fn complain(kind: &str, sentence: &str) {
    let _ = writeln!(io::stderr(), "{kind}: {sentence}");
}
