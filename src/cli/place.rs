//! Place: where the books are, as it is typed before or after any command, or set in the
//! environment.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::books::Address;
use super::exit::Failure;
use crate::config;
use crate::quota::Invalid;
use crate::telemetry::Secret;

/// The variables that name a server, a store and a token.
const SERVER: &str = "METERGATE_SERVER";
const STORAGE: &str = "METERGATE_STORAGE";
const TOKEN: &str = "METERGATE_TOKEN";
/// The most that is read of a file that holds a token, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// Where the books are.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Where the books are kept: sqlite:FILE, postgresql://…, redis://… or memory:
    /// [default: $METERGATE_STORAGE, or sqlite:metergate.db]
    #[arg(long, global = true, value_name = "URL", display_order = 100)]
    storage: Option<String>,
    /// Ask a running server in place of a store: http://…, https://… or unix:/path, where its API
    /// listens [default: $METERGATE_SERVER]
    #[arg(long, global = true, value_name = "URL", display_order = 101)]
    server: Option<String>,
    /// What the server wants to be shown. Other users of this machine can see it here: rather
    /// write --token-file, or set $METERGATE_TOKEN
    #[arg(long, global = true, value_name = "T", display_order = 102)]
    token: Option<String>,
    /// A file that holds it
    #[arg(long, global = true, value_name = "F", display_order = 103)]
    token_file: Option<PathBuf>,
}

/// The one place that is meant.
#[derive(Debug)]
pub(super) enum Chosen {
    /// A store of this name; none is that of the environment, or the usual one.
    Store(Option<String>),
    /// A server.
    Server(Server),
}

/// A server, and what it is shown.
#[derive(Debug)]
pub(super) struct Server {
    /// Where it is.
    pub(super) address: Address,
    /// The token, and what it was named by.
    pub(super) token: Option<(Secret, String)>,
}

impl Place {
    /// Returns where the books are.
    pub(super) fn chosen(self) -> Result<Chosen, Failure> {
        let variable = config::variable(SERVER);
        let server = match (&self.storage, self.server.clone(), variable) {
            (Some(_), Some(_), _) => {
                return Err(Failure::bad_input(
                    "--storage and --server name two places: keep the one where the books are",
                ));
            }
            (Some(_), None, _) | (None, None, None) => None,
            (None, Some(typed), _) => Some(("--server", typed)),
            (None, None, Some(_)) if config::variable(STORAGE).is_some() => {
                return Err(Failure::bad_input(format!(
                    "{STORAGE} and {SERVER} name two places: write --storage or --server"
                )));
            }
            (None, None, Some(set)) => Some((SERVER, set)),
        };
        match server {
            None => self.without_token().map(Chosen::Store),
            Some((place, typed)) => {
                let address = typed.parse::<Address>();
                let wrong = |error: Invalid| Failure::bad_input(format!("{place}: {error}"));
                let address = address.map_err(wrong)?;
                Ok(Chosen::Server(Server { address, token: self.token()? }))
            }
        }
    }

    /// Returns the name of the store that `command` works on, which cannot work through a server.
    pub(super) fn store_for(self, command: &str) -> Result<Option<String>, Failure> {
        let by = match (&self.server, config::variable(SERVER)) {
            (Some(_), _) => "--server",
            (None, Some(_)) if self.storage.is_none() => SERVER,
            _ => return self.without_token(),
        };
        Err(Failure::bad_input(format!(
            "{command} works on a store, not through a server as {by} says: write --storage URL where the store can be reached"
        )))
    }

    /// Refuses a server for `command`, which is about no books; returns the store that is named.
    pub(super) fn no_server_for(self, command: &str) -> Result<Option<String>, Failure> {
        if self.server.is_some() {
            let text = format!("{command} asks no server: leave --server out");
            return Err(Failure::bad_input(text));
        }
        Ok(self.storage)
    }

    fn without_token(self) -> Result<Option<String>, Failure> {
        let flag = match (self.token, self.token_file) {
            (Some(_), _) => "--token",
            (None, Some(_)) => "--token-file",
            (None, None) => return Ok(self.storage),
        };
        let text = format!("{flag} is for a server: name it by --server URL, or leave {flag} out");
        Err(Failure::bad_input(text))
    }

    /// Returns the token, and what it was named by.
    fn token(self) -> Result<Option<(Secret, String)>, Failure> {
        let (said, by) = match (self.token, self.token_file, config::variable(TOKEN)) {
            (Some(_), Some(_), _) => {
                let text = "--token and --token-file say the same: keep one";
                return Err(Failure::bad_input(text));
            }
            (Some(typed), None, _) => (typed, "--token".to_owned()),
            (None, Some(file), _) => (said_in(&file)?, format!("--token-file {}", file.display())),
            (None, None, Some(set)) => (set, TOKEN.to_owned()),
            (None, None, None) => return Ok(None),
        };
        let said = said.trim();
        if said.is_empty() || said.bytes().any(|byte| !byte.is_ascii_graphic()) {
            let text = format!("{by}: a token has letters, digits and signs, and no spaces");
            return Err(Failure::bad_input(text));
        }
        Ok(Some((Secret::new(said), by)))
    }
}

fn said_in(file: &Path) -> Result<String, Failure> {
    let mut said = String::new();
    let read = File::open(file).and_then(|it| it.take(LARGEST_FILE).read_to_string(&mut said));
    match read {
        Ok(_) => Ok(said),
        Err(error) => {
            let file = file.display();
            Err(Failure::bad_input(format!("--token-file {file}: cannot be read: {error}")))
        }
    }
}
