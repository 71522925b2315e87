//! A running `metergate serve`: the real binary with a file of its own, its log read as it comes.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;

use crate::support::wire::Stream;
use crate::support::{Answer, Client, Request, eventually};

/// A process, killed when dropped.
pub(crate) struct Service {
    process: Child,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl Service {
    /// Starts it by this configuration; the books are in `quota.db` beside it, and every port
    /// is a free one.
    pub(crate) fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("metergate.toml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_metergate"));
        command.args(["serve", "--config", "metergate.toml", "--port", "0"]);
        command.args(["--storage", "sqlite:quota.db"]).env_clear().current_dir(folder.path());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let paper = log.clone();
        let reading = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *paper.lock().unwrap() += &(line + "\n");
            }
        });
        let service = Self { process, log, reading: Some(reading), folder };
        service.says("books are kept");
        service
    }

    /// Returns the file of its books.
    pub(crate) fn books(&self) -> PathBuf {
        self.folder.path().join("quota.db")
    }

    /// Writes another configuration, and tells it to reload.
    pub(crate) fn reload(&self, config: &str) {
        std::fs::write(self.folder.path().join("metergate.toml"), config).unwrap();
        self.signal("-HUP");
    }

    /// Returns its log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Returns how often its log has this text.
    pub(crate) fn told(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// Waits until its log has this text.
    pub(crate) fn says(&self, text: &str) {
        eventually(&format!("{text:?} in the log"), || self.told(text) > 0);
    }

    /// Connects to where it says that it listens.
    pub(crate) fn client(&self, door: &str) -> Client {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(door)).unwrap();
        let port = line.split("127.0.0.1:").nth(1).unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        let stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
        Client::to(Stream::Tcp(stream))
    }

    /// Asks the proxy.
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.client("proxy listens").ask(request)
    }

    /// Asks the admin API.
    pub(crate) fn api(&self, request: &Request) -> Answer {
        self.client("admin API listens").ask(request)
    }

    /// Ends it gently; returns its whole log.
    pub(crate) fn stop(mut self) -> String {
        self.signal("-TERM");
        assert!(self.process.wait().unwrap().success(), "{}", self.log());
        self.reading.take().unwrap().join().unwrap();
        self.log()
    }

    fn signal(&self, which: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([which, &id]).status().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
