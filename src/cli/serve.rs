//! serve: run until told to stop.

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;

/// Stand in front of a homeserver, and serve the API
///
/// Flags come before the environment, that before the file. Without --upstream it serves the
/// quota API alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate serve --upstream http://127.0.0.1:8008
  metergate serve --upstream http://127.0.0.1:8008 --limit media_bytes=500MB/month
  metergate serve --config /etc/metergate/metergate.toml
  metergate serve --port 8400 --token s3cret")]
pub(super) struct Serve {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect; may be given several times [default: 127.0.0.1:8010]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// The homeserver
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// The port of the API [default: 8400]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// What callers of the API must know
    #[arg(long, value_name = "T", conflicts_with = "token_file")]
    token: Option<String>,
    /// A file that holds it
    #[arg(long, value_name = "F")]
    token_file: Option<PathBuf>,
    /// A limit of everyone, such as media_bytes=500MB/month; may be given several times
    #[arg(long = "limit", value_name = "RESOURCE=LIMIT")]
    limits: Vec<String>,
}

impl Serve {
    /// Serves until told to stop.
    pub(super) fn run(self, storage: Option<String>) -> Result<(), Failure> {
        let _ = (self, storage);
        Err(Failure::bad_input("cannot serve yet"))
    }
}
