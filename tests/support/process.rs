//! The real binary, as an operator runs it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::wire::Stream;
use super::{Answer, Client, Homeserver, Request, eventually};

/// Its configuration, in its folder.
pub(crate) const CONFIG: &str = "metergate.toml";

/// `metergate serve` with its books in a folder; killed when dropped.
pub(crate) struct Process {
    child: Child,
    folder: PathBuf,
    log: Arc<Mutex<String>>,
    /// Ends when the log does.
    reading: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it before this homeserver; everyone may have so many media bytes.
    pub(crate) fn start(folder: &Path, homeserver: &Homeserver, limit: &str) -> Self {
        let limit = format!("media_bytes={limit}");
        let arguments =
            ["--upstream", &homeserver.url, "--listen", "127.0.0.1:0", "--limit", &limit];
        let environment = [
            ("METERGATE_LOG__LEVEL", "trace"),
            ("METERGATE_LOG__ACCESS", "true"),
            ("METERGATE_LIMITS__SHUTDOWN_GRACE", "20s"),
        ];
        Self::spawn(folder, &arguments, &environment)
    }

    /// Starts it by this configuration.
    pub(crate) fn configured(folder: &Path, config: &str) -> Self {
        std::fs::write(folder.join(CONFIG), config).unwrap();
        Self::spawn(folder, &["--config", CONFIG], &[])
    }

    /// Starts it by this configuration with a socket, as a service manager does that is told at
    /// `notify` how it goes on.
    pub(crate) fn passed(
        folder: &Path,
        config: &str,
        socket: OwnedFd,
        notify: Option<&Path>,
    ) -> Self {
        std::fs::write(folder.join(CONFIG), config).unwrap();
        let mut command = Command::new("/bin/sh");
        // The first socket has the number 3.
        let moved = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";
        command.args(["-c", moved, env!("CARGO_BIN_EXE_metergate")]).stdin(Stdio::from(socket));
        let notify = notify.map(|it| ("NOTIFY_SOCKET", it.to_str().unwrap()));
        let environment: Vec<_> = notify.into_iter().collect();
        Self::run(command, folder, &["--config", CONFIG], &environment)
    }

    fn spawn(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_metergate"));
        command.stdin(Stdio::null());
        Self::run(command, folder, arguments, environment)
    }

    fn run(
        mut command: Command,
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = command
            .args(["serve", "--port", "0", "--storage", "sqlite:quota.db"])
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (written, lines) = (log.clone(), BufReader::new(child.stderr.take().unwrap()).lines());
        let reading = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *written.lock().unwrap() += &(line + "\n");
            }
        });
        let process = Self { child, folder: folder.to_owned(), log, reading: Some(reading) };
        process.says("books are kept");
        process
    }

    /// Lets it have so many open files, sockets among them.
    pub(crate) fn limit_files(&self, most: usize) {
        let id = self.child.id().to_string();
        let limit = format!("--nofile={most}:{most}");
        assert!(Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap().success());
    }

    /// Returns the file of its books.
    pub(crate) fn books(&self) -> PathBuf {
        self.folder.join("quota.db")
    }

    /// Returns everything it has said.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Returns how often it has said this.
    pub(crate) fn told(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// Waits until it has said this.
    pub(crate) fn says(&self, text: &str) {
        eventually(&format!("{text:?} in the log"), || self.told(text) > 0);
    }

    /// Returns the address that the log tells with these words, in text or in JSON.
    fn address(&self, words: &str) -> SocketAddr {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(words)).unwrap();
        let port = line.split("127.0.0.1:").nth(1).unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        ([127, 0, 0, 1], port.parse().unwrap()).into()
    }

    fn proxy(&self) -> SocketAddr {
        self.address("proxy listens")
    }

    /// Returns the port of the proxy.
    pub(crate) fn port(&self) -> u16 {
        self.proxy().port()
    }

    pub(crate) fn client(&self) -> Client {
        Client::to(Stream::Tcp(TcpStream::connect(self.proxy()).unwrap()))
    }

    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.client().ask(request)
    }

    /// Returns where the admin API listens.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.address("admin API listens")
    }

    /// Connects to the admin API.
    pub(crate) fn admin(&self) -> Client {
        let stream = TcpStream::connect(self.admin_address()).unwrap();
        Client::to(Stream::Tcp(stream))
    }

    /// Asks the admin API.
    pub(crate) fn api(&self, request: &Request) -> Answer {
        self.admin().ask(&request.clone().addressed_here())
    }

    /// Returns whether nobody can connect any more.
    pub(crate) fn is_closed(&self) -> bool {
        TcpStream::connect(self.proxy()).is_err()
    }

    /// Returns what alice has used and reserved, as the admin API tells.
    pub(crate) fn figures(&self) -> (i64, i64) {
        self.figures_of("media_bytes")
    }

    /// Returns what alice has used and reserved of `resource`.
    pub(crate) fn figures_of(&self, resource: &str) -> (i64, i64) {
        let target = format!("/v1/usage?subject=@alice:example.org&resource={resource}");
        let told = self.api(&Request::get(&target)).json();
        (told["used"].as_i64().unwrap(), told["reserved"].as_i64().unwrap())
    }

    /// Writes another configuration, and tells it to reload.
    pub(crate) fn reload(&self, config: &str) {
        std::fs::write(self.folder.join(CONFIG), config).unwrap();
        self.signal("-HUP");
    }

    /// Tells it to end.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, which: &str) {
        let told = Command::new("kill").args([which, &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn end(&mut self) -> ExitStatus {
        eventually("its end", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }

    /// Ends it gently; returns everything it has said.
    pub(crate) fn stop(mut self) -> String {
        self.terminate();
        let ended = self.end();
        self.reading.take().unwrap().join().unwrap();
        assert!(ended.success(), "{}", self.log());
        self.log()
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
