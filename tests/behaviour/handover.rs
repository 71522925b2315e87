//! Sockets that are passed in, what the service manager is told, and one process after another.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use metergate::net::Address;

use crate::support::http2::Http2;
use crate::support::process::Process;
use crate::support::wire::Stream;
use crate::support::{Client, Homeserver, Request, bytes, eventually};

fn config(homeserver: &Homeserver) -> String {
    format!(
        "[server]\nlisten = \"systemd\"\n[upstream]\nurl = \"{}\"\n[log]\nlevel = \"debug\"\n",
        homeserver.url
    )
}

fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn passed(folder: &Path, config: &str, socket: &TcpListener, notify: Option<&Path>) -> Process {
    Process::passed(folder, config, OwnedFd::from(socket.try_clone().unwrap()), notify)
}

fn ask(address: SocketAddr, request: &Request) -> u16 {
    Client::to(Stream::Tcp(TcpStream::connect(address).unwrap())).ask(request).status
}

#[test]
fn a_socket_that_is_passed_is_served_and_stays_open_after() {
    let folder = tempfile::tempdir().unwrap();
    let homeserver = Homeserver::start();
    let (socket, address) = listening();
    let service = passed(folder.path(), &config(&homeserver), &socket, None);
    service.says(&format!("proxy listens address={address}"));
    for _ in 0..20 {
        assert_eq!(ask(address, &Request::get("/x")), 200);
    }
    assert_eq!(Http2::to(&Address::Tcp(address)).get("/x").status, 200);
    service.stop();
    // Whoever comes now waits for the next process.
    let mut client = Client::to(Stream::Tcp(TcpStream::connect(address).unwrap()));
    client.send(Request::get("/y").bytes());
    let service = passed(folder.path(), &config(&homeserver), &socket, None);
    assert_eq!(client.answer().status, 200);
    service.stop();
}

#[test]
fn a_unix_socket_that_is_passed_keeps_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let homeserver = Homeserver::start();
    let path = folder.path().join("passed.sock");
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let service = Process::passed(folder.path(), &config(&homeserver), OwnedFd::from(socket), None);
    let stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    assert_eq!(Client::to(Stream::Unix(stream)).ask(&Request::get("/x")).status, 200);
    service.stop();
    assert!(path.exists());
}

#[test]
fn the_service_manager_is_told_each_step() {
    let folder = tempfile::tempdir().unwrap();
    let homeserver = Homeserver::start();
    let (socket, _) = listening();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let told = || {
        let mut said = [0; 1024];
        let length = manager.recv(&mut said).unwrap();
        String::from_utf8_lossy(&said[..length]).into_owned()
    };
    let notify = folder.path().join("notify");
    let service = passed(folder.path(), &config(&homeserver), &socket, Some(&notify));
    assert_eq!(told(), "READY=1\n");
    service.reload(&config(&homeserver));
    let reloading = told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(told(), "READY=1\n");
    service.terminate();
    assert_eq!(told(), "STOPPING=1\n");
}

/// One process after another on the same socket, again and again, while clients come and go: every
/// request is answered.
#[test]
fn a_restart_under_load_loses_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let homeserver = Homeserver::start();
    homeserver.on("/slow", |exchange| {
        exchange.read_body();
        std::thread::sleep(Duration::from_millis(50));
        exchange.answer(200, "{}");
    });
    let (socket, address) = listening();
    let mut service = passed(folder.path(), &config(&homeserver), &socket, None);
    let ended = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let load: Vec<_> = (0..4)
        .map(|number| {
            let (ended, answered) = (ended.clone(), answered.clone());
            std::thread::spawn(move || {
                let requests = [
                    Request::get("/x"),
                    Request::get("/slow"),
                    Request::upload().body(&bytes(40_000)),
                    Request::upload().chunks(&bytes(40_000)),
                ];
                let request = requests[number].clone().line("Connection: close");
                while !ended.load(Ordering::SeqCst) {
                    assert_eq!(ask(address, &request), 200);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let before = answered.load(Ordering::SeqCst);
        eventually("the load goes on", || answered.load(Ordering::SeqCst) > before + 20);
        service.stop();
        service = passed(folder.path(), &config(&homeserver), &socket, None);
    }
    let before = answered.load(Ordering::SeqCst);
    eventually("the load goes on", || answered.load(Ordering::SeqCst) > before + 20);
    ended.store(true, Ordering::SeqCst);
    for thread in load {
        thread.join().unwrap();
    }
    service.stop();
}

#[test]
fn without_a_socket_it_says_what_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let homeserver = Homeserver::start();
    std::fs::write(folder.path().join("metergate.toml"), config(&homeserver)).unwrap();
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_metergate"))
        .args(["serve", "--config", "metergate.toml", "--port", "0", "--storage", "memory:"])
        .env_clear()
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success());
    assert!(said.contains("systemd passed no socket: start metergate.socket"), "{said}");
}
