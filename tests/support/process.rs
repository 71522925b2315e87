//! The real binary, as an operator runs it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use super::wire::Stream;
use super::{Answer, Client, Homeserver, Request, eventually};

/// `metergate serve` with its books in a folder; killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    proxy: SocketAddr,
    admin: SocketAddr,
}

impl Process {
    /// Starts it before this homeserver; everyone may have so many media bytes.
    pub(crate) fn start(folder: &Path, homeserver: &Homeserver, limit: &str) -> Self {
        Self::start_with(folder, homeserver, limit, &[])
    }

    /// Starts it with these settings besides, as its environment names them.
    pub(crate) fn start_with(
        folder: &Path,
        homeserver: &Homeserver,
        limit: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_metergate"))
            .args([
                "serve",
                "--upstream",
                &homeserver.url,
                "--listen",
                "127.0.0.1:0",
                "--port",
                "0",
            ])
            .args(["--storage", "sqlite:quota.db", "--limit", &format!("media_bytes={limit}")])
            .env_clear()
            .env("METERGATE_LOG__LEVEL", "trace")
            .env("METERGATE_LOG__ACCESS", "true")
            .env("METERGATE_LIMITS__SHUTDOWN_GRACE", "20s")
            .envs(settings.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (written, lines) = (log.clone(), BufReader::new(child.stderr.take().unwrap()).lines());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut process = Self {
            child,
            log,
            proxy: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
        };
        eventually("it listens", || process.address("admin API listens").is_some());
        process.proxy = process.address("proxy listens").unwrap();
        process.admin = process.address("admin API listens").unwrap();
        process
    }

    /// Returns the address that the log tells with these words.
    fn address(&self, words: &str) -> Option<SocketAddr> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(words))?;
        line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok()
    }

    /// Returns everything it has said.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn client(&self) -> Client {
        Client::to(Stream::Tcp(TcpStream::connect(self.proxy).unwrap()))
    }

    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.client().ask(request)
    }

    /// Returns whether nobody can connect any more.
    pub(crate) fn is_closed(&self) -> bool {
        TcpStream::connect(self.proxy).is_err()
    }

    /// Returns what alice has used and reserved, as the admin API tells.
    pub(crate) fn figures(&self) -> (i64, i64) {
        let target = "/v1/usage?subject=@alice:example.org&resource=media_bytes";
        let stream = Stream::Tcp(TcpStream::connect(self.admin).unwrap());
        let told = Client::to(stream).ask(&Request::get(target)).json();
        (told["used"].as_i64().unwrap(), told["reserved"].as_i64().unwrap())
    }

    /// Tells it to end.
    pub(crate) fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn end(&mut self) -> ExitStatus {
        eventually("its end", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }

    /// Ends it as a power cut would end a process: at once, in the middle of anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
