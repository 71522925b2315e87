//! Watched: a process that ends when the tests do, even when they are killed.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::machine::{run, until};

/// Once nobody is left who could write to it: ends `$1` by the signal `$2`, or at last without
/// asking, and removes `$3`. A line lets it go.
const WATCH: &str = r#"
read -r line && exit
kill -CONT "$1"; kill -"$2" "$1"
for look in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 0.3; done
kill -KILL "$1"; rm -rf "$3""#;

/// A process, and a shell that waits beside it for the end of the tests.
pub(crate) struct Watched {
    child: Child,
    watch: Child,
    /// Closed by the system when the tests end.
    leash: ChildStdin,
}

impl Watched {
    /// Starts `command`. If nobody is left to do so, it is ended by the signal `last`, and `folder`
    /// removed.
    pub(crate) fn start(command: &mut Command, last: &str, folder: &Path) -> Result<Self, String> {
        // In a group of its own, so that an interrupt from the terminal ends the tests first.
        let child = command.stdin(Stdio::null()).process_group(0).spawn();
        let child =
            child.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let mut watch = Command::new("sh")
            .args(["-c", WATCH, "watch", &child.id().to_string(), last])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        let leash = watch.stdin.take().unwrap();
        Ok(Self { child, watch, leash })
    }

    /// Returns whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it and its children the signal `name`.
    pub(crate) fn signal(&self, name: &str) {
        for id in [self.child.id()].into_iter().chain(self.children()) {
            send(name, id);
        }
    }

    /// Tells it alone to end, by the signal `name`, and waits until it has.
    pub(crate) fn end(mut self, name: &str) {
        send(name, self.child.id());
        until(|| !self.runs()).unwrap();
    }

    /// Ends it and its children in the middle of anything.
    pub(crate) fn kill(self) {
        // It first, so that it starts no others.
        let children = self.children();
        send("KILL", self.child.id());
        for id in children {
            send("KILL", id);
        }
    }

    /// Returns the processes it has started, which PostgreSQL has one of for each connection.
    fn children(&self) -> Vec<u32> {
        let tasks = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = std::fs::read_to_string(tasks).unwrap_or_default();
        children.split_whitespace().filter_map(|id| id.parse().ok()).collect()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.runs() {
            send("KILL", self.child.id());
        }
        // It may have ended.
        let _ = self.child.wait();
        let _ = self.leash.write_all(b"go\n");
        let _ = self.watch.wait();
    }
}

fn send(name: &str, id: u32) {
    // One that has ended by itself needs no signal.
    let _ = run(Command::new("kill").args([&format!("-{name}"), &id.to_string()]));
}
