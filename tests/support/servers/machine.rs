//! The machine: its free ports, its programs, and how long is waited for them.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often something is looked for, 20 ms apart: 60 seconds.
const LOOKS: usize = 3000;

/// Where Debian keeps the programs of PostgreSQL, a folder per version.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Returns a port that is free, and has one 10,000 above it that is: where nodes of a cluster speak
/// to each other.
pub(crate) fn port() -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let found = std::iter::repeat_with(|| {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    });
    found.take(LOOKS).find(|port| port.checked_add(10_000).is_some_and(free)).unwrap()
}

/// Waits until `condition` holds.
pub(crate) fn until(mut condition: impl FnMut() -> bool) -> Result<(), String> {
    for _ in 0..LOOKS {
        if condition() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("it never happened".to_owned())
}

/// Returns where `program` is; if it is not installed, that `package` has it.
pub(crate) fn program(program: &str, package: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir(POSTGRES).into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let folders = std::env::split_paths(&path).chain(versions.into_iter().rev());
    let mut files = folders.map(|folder| folder.join(program));
    files.find(|file| file.is_file()).ok_or_else(|| {
        format!("{program} is not installed: run tests/run, or apt-get install {package}")
    })
}

/// Runs `command` to its end; returns what it said if it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {said}{complaint}", command.get_program().display()))
}

/// Returns whether the tests run as root, which not every server agrees to.
pub(crate) fn is_root() -> bool {
    run(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
