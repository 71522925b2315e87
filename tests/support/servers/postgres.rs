//! Postgres: a PostgreSQL server.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::machine::{is_root, port, program, run, until};
use super::watched::Watched;

/// What Debian calls it.
const PACKAGE: &str = "postgresql";
/// Who it runs as where the tests run as root, which it refuses to.
const USER: &str = "postgres";
/// More than a hundred may come in, and what they share is in its folder.
const SETTINGS: [&str; 2] = ["max_connections=400", "dynamic_shared_memory_type=mmap"];

/// A server with a database of its own; ended when dropped.
pub(crate) struct Postgres {
    folder: TempDir,
    server: PathBuf,
    port: u16,
    options: Vec<String>,
    process: Option<Watched>,
}

impl Postgres {
    /// Starts one that is quick: what it acknowledges is not always on disk.
    pub(crate) fn start() -> Result<Self, String> {
        Self::start_with(&["fsync=off", "full_page_writes=off"])
    }

    /// Starts one with these options over its defaults, which keep what they acknowledge.
    pub(crate) fn start_with(options: &[&str]) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        // Not a link to it, so that what was installed with it is beside it.
        let server = program("postgres", PACKAGE)?.canonicalize();
        let mut postgres = Self {
            folder,
            server: server.map_err(|error| error.to_string())?,
            port: port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            process: None,
        };
        if is_root() {
            run(Command::new("chown").args([USER]).arg(postgres.folder.path()))?;
        }
        // Names in the order of a language: whoever counts on that of bytes has to say so.
        run(postgres
            .command(&postgres.server.with_file_name("initdb"))
            .arg("-D")
            .arg(postgres.data())
            .args([
                "-A",
                "trust",
                "-U",
                "metergate",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--locale-provider=icu",
                "--icu-locale=en",
                "--no-sync",
            ]))?;
        postgres.begin()?;
        Ok(postgres)
    }

    /// Returns the address of the schema `namespace` in it.
    pub(crate) fn url(&self, namespace: &str) -> String {
        format!("{}?schema={namespace}", self.base())
    }

    /// Returns its address.
    pub(crate) fn base(&self) -> String {
        format!("postgresql://metergate@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as an operator does, who does not wait for its clients.
    pub(crate) fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end("INT");
        }
    }

    /// Ends it in the middle of anything.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
            self.forget_memory();
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

    fn begin(&mut self) -> Result<(), String> {
        let log = self.folder.path().join("log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = self.command(&self.server);
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path());
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        for option in SETTINGS.into_iter().chain(self.options.iter().map(String::as_str)) {
            command.args(["-c", option]);
        }
        command.stdout(Stdio::null()).stderr(log);
        let mut process = Watched::start(&mut command, "QUIT", self.folder.path())?;
        let listens = || {
            let mut ready = Command::new(self.server.with_file_name("pg_isready"));
            let port = self.port.to_string();
            run(ready.args(["-q", "-h", "127.0.0.1", "-p", &port])).is_ok()
        };
        until(|| listens() || !process.runs())?;
        if !process.runs() {
            let said = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            return Err(format!("PostgreSQL does not start: {said}"));
        }
        self.process = Some(process);
        Ok(())
    }

    /// Gives back the memory that one that was killed shared with its children; it would find and
    /// take that itself if it were started again.
    fn forget_memory(&self) {
        let lock = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let memory = lock.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        if let Some(id) = memory {
            // Nobody may be left who has it.
            let _ = run(Command::new("ipcrm").args(["--shmem-id", id]));
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the call of `program` as somebody whom it lets run it.
    fn command(&self, program: &PathBuf) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Before its folder goes; what is in it nobody needs.
        if let Some(process) = self.process.take() {
            process.signal("CONT");
            process.end("QUIT");
        }
    }
}
