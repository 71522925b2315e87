//! Redis: one server, alone or a node of a cluster.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::machine::{port, program, until};
use super::watched::Watched;

/// What Debian calls it.
pub(super) const PACKAGE: &str = "redis-server";

/// A server with keys of its own; ended when dropped.
pub(crate) struct Redis {
    folder: TempDir,
    server: PathBuf,
    port: u16,
    options: Vec<String>,
    process: Option<Watched>,
}

impl Redis {
    /// Starts one that keeps nothing over its end.
    pub(crate) fn start() -> Result<Self, String> {
        Self::start_with(&["--save", ""])
    }

    /// Starts one that has what it acknowledges on disk.
    pub(crate) fn start_durable() -> Result<Self, String> {
        Self::start_with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts one with these options.
    pub(crate) fn start_with(options: &[&str]) -> Result<Self, String> {
        let mut redis = Self {
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
            server: program("redis-server", PACKAGE)?,
            port: port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            process: None,
        };
        redis.begin()?;
        Ok(redis)
    }

    /// Returns the address of the keys that begin with `namespace`.
    pub(crate) fn url(&self, namespace: &str) -> String {
        format!("{}?prefix={namespace}", self.base())
    }

    /// Returns its address.
    pub(crate) fn base(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end("TERM");
        }
    }

    /// Ends it in the middle of anything.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Lets it stand still: connections stay, and nothing is answered.
    pub(crate) fn pause(&self) {
        self.process.iter().for_each(|process| process.signal("STOP"));
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.process.iter().for_each(|process| process.signal("CONT"));
    }

    /// Starts it again where it was, with all it kept; ends it before, if it runs.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.begin().unwrap();
    }

    /// Returns what it answers to a `command` of one word, or nothing if it does not.
    pub(crate) fn says(&self, command: &str) -> String {
        let said = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(self.address())?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(format!("{command}\r\n").as_bytes())?;
            let mut answer = [0; 4096];
            let read = stream.read(&mut answer)?;
            Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
        };
        said().unwrap_or_default()
    }

    fn begin(&mut self) -> Result<(), String> {
        let mut command = Command::new(&self.server);
        let port = self.port.to_string();
        command.args(["--port", &port, "--bind", "127.0.0.1", "--logfile", "log"]);
        command.args(["--maxmemory-policy", "noeviction"]).args(&self.options);
        command.current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Watched::start(&mut command, "KILL", self.folder.path())?;
        // Where it has keys to read first, it answers LOADING until it has.
        until(|| self.says("PING").starts_with("+PONG") || !process.runs())?;
        if !process.runs() {
            let said = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            return Err(format!("Redis does not start: {said}"));
        }
        self.process = Some(process);
        Ok(())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Before its folder goes; what is in it nobody needs.
        self.kill();
    }
}
