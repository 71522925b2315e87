//! Redis servers for tests: each in a folder of its own, on free ports, ended when it is dropped.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to come up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that ends with this.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a server that keeps nothing on disk, with these arguments beside.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_on(free_port(), arguments)
    }

    /// Starts a server on `port`.
    pub(crate) fn start_on(port: u16, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--port", &port.to_string()]).arg("--dir").arg(folder.path());
        let child = run(command.args(arguments), folder.path());
        let server = Self { child, port, folder };
        server.wait();
        server
    }

    /// Returns the folder it works in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends one command in words, and returns what it says first.
    pub(crate) fn tell(&self, words: &str) -> String {
        tell(self.port, words)
    }

    fn wait(&self) {
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "redis-server does not come up: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command, folder: &Path) -> Child {
    let log = File::create(folder.join("log")).unwrap();
    let errors = log.try_clone().unwrap();
    command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("redis-server in PATH")
}

/// Returns a port that nobody listens on, nor 10000 above it, where a node of a Cluster listens.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let bus = port.checked_add(10_000);
        if bus.is_some_and(|bus| TcpListener::bind(("127.0.0.1", bus)).is_ok()) {
            return port;
        }
    }
}

/// Sends one command in words to a port, and returns what it says first.
pub(crate) fn tell(port: u16, words: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(format!("{words}\r\n").as_bytes()).unwrap();
    let mut answer = vec![0; 65_536];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Three nodes that share the slots.
#[derive(Debug)]
pub(crate) struct Cluster(Vec<Server>);

impl Cluster {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let node =
            |_| Server::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
        let nodes: Vec<_> = (0..3).map(node).collect();
        let hosts: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(&hosts)
            .arg("--cluster-yes")
            .output()
            .expect("redis-cli in PATH");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let cluster = Self(nodes);
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let begin = Instant::now();
        while !self.0.iter().all(|node| node.tell("CLUSTER INFO").contains("cluster_state:ok")) {
            assert!(begin.elapsed() < PATIENCE, "the cluster does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self.0.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }
}
