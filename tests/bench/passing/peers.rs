//! Peers: nginx and metergate as child processes on free ports of this machine.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Clock ticks a second, as /proc counts CPU time: the same on every Linux.
const TICKS: f64 = 100.0;

/// Where metergate keeps its books.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Memory,
}

/// A proxy that runs, until it is dropped.
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// None: it keeps none.
    pub(crate) store: Option<Store>,
    child: Child,
    _folder: TempDir,
}

/// All of them.
pub(crate) struct Peers(Vec<Peer>);

impl Peers {
    /// Starts nginx first, then metergate on each store, then another one `beside` it.
    pub(crate) fn start(origin: SocketAddr, beside: Option<&str>) -> Self {
        let ours = env!("CARGO_BIN_EXE_metergate");
        let mut peers = vec![
            nginx(origin),
            metergate("metergate", ours, Store::Sqlite, origin),
            metergate("metergate, memory", ours, Store::Memory, origin),
        ];
        if let Some(file) = beside {
            peers.push(metergate("beside", file, Store::Sqlite, origin));
            peers.push(metergate("beside, memory", file, Store::Memory, origin));
        }
        Self(peers)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Peer> {
        self.0.iter()
    }
}

fn nginx(origin: SocketAddr) -> Peer {
    let folder = folder();
    let address = free();
    let here = folder.path().display();
    let config = format!(
        "user root; worker_processes auto; daemon off; pid {here}/pid; error_log {here}/error.log;
        events {{ worker_connections 4096; }}
        http {{
            access_log off; client_max_body_size 0; keepalive_requests 1000000000;
            client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
            fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
            upstream origin {{ server {origin}; keepalive 256; keepalive_requests 1000000000; }}
            server {{
                listen {address} reuseport;
                location / {{
                    proxy_pass http://origin; proxy_http_version 1.1;
                    proxy_set_header Connection \"\"; proxy_set_header Host $host;
                    proxy_request_buffering off;
                }}
            }}
        }}"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, config).unwrap();
    let child = Command::new("nginx").arg("-c").arg(&file).stderr(Stdio::null()).spawn().unwrap();
    Peer { name: "nginx".to_owned(), address, store: None, child, _folder: folder }.ready()
}

fn metergate(name: &str, binary: &str, store: Store, origin: SocketAddr) -> Peer {
    let folder = folder();
    let address = free();
    let storage = match store {
        Store::Sqlite => format!("sqlite:{}", folder.path().join("quota.db").display()),
        Store::Memory => "memory:".to_owned(),
    };
    let child = Command::new(binary)
        .args(["serve", "--port", "0", "--limit", "media_bytes=1000TB/month"])
        .args(["--upstream", &format!("http://{origin}"), "--listen", &address.to_string()])
        .args(["--storage", &storage])
        .env("METERGATE_LOG__LEVEL", "warn")
        .spawn()
        .unwrap();
    Peer { name: name.to_owned(), address, store: Some(store), child, _folder: folder }.ready()
}

/// Returns a folder on the disk the build is on, not in memory: what is synced there counts.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Returns an address nobody listens at.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Peer {
    /// Waits until it listens.
    fn ready(self) -> Self {
        for _ in 0..500 {
            if TcpStream::connect(self.address).is_ok() {
                return self;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{} does not listen", self.name);
    }

    /// Returns the CPU time all its processes have used.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.processes().iter().map(|process| cpu_ticks(process)).sum::<f64>() / TICKS
    }

    /// Returns the memory all its processes have resident, in KiB.
    pub(crate) fn resident(&self) -> f64 {
        self.processes().iter().map(|process| resident(process)).sum()
    }

    /// Counts its system calls while `work` goes on; the most frequent come first.
    pub(crate) fn count_calls(&self, work: impl FnOnce()) -> Vec<(String, u32)> {
        let folder = folder();
        let file = folder.path().join("calls");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-U", "name,calls", "-o"]).arg(&file).stderr(Stdio::null());
        for process in self.processes() {
            strace.arg("-p").arg(process.file_name().unwrap());
        }
        let mut strace = strace.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        work();
        signal(&strace, "INT");
        strace.wait().unwrap();
        let text = fs::read_to_string(file).unwrap();
        let row = |line: &str| {
            let (name, count) = line.trim().split_once(' ')?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        };
        text.lines().filter_map(row).filter(|(name, _)| name != "total").collect()
    }

    /// Returns it and its children, as they stand below /proc.
    fn processes(&self) -> Vec<PathBuf> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let children = children.split_whitespace().map(str::to_owned);
        children.chain([id.to_string()]).map(|id| Path::new("/proc").join(id)).collect()
    }
}

fn cpu_ticks(process: &Path) -> f64 {
    let text = fs::read_to_string(process.join("stat")).unwrap();
    // Behind the name, which may hold anything: the third field is the first; 14 and 15 are wanted.
    let (_, fields) = text.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum()
}

fn resident(process: &Path) -> f64 {
    let text = fs::read_to_string(process.join("status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn signal(child: &Child, name: &str) {
    Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
}

/// Told gently, so that nginx takes its workers along.
impl Drop for Peer {
    fn drop(&mut self) {
        signal(&self.child, "TERM");
        drop(self.child.wait());
    }
}
