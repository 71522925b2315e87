//! A homeserver that does what a test tells it, and remembers exactly what reached it.
//!
//! Untold, it knows the user `@NAME:example.org` by the token `NAME`, stores uploads, and answers
//! everything else `{}`.

use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::wire::{Framing, Head, Piece, Stream, Wire};
use super::{eventually, within};

/// Where homeservers tell who asks.
pub(crate) const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

type Handler = dyn Fn(&mut Exchange) + Send + Sync;

/// A running homeserver; stops when dropped, or when [stopped](Homeserver::stop).
pub(crate) struct Homeserver {
    shared: Arc<Shared>,
    /// As an upstream's URL.
    pub(crate) url: String,
    /// Keeps the port from everyone else, also when nobody listens any more.
    _port: Option<Socket>,
}

#[derive(Default)]
struct Shared {
    /// The newest last.
    script: Mutex<Vec<(String, Arc<Handler>)>>,
    seen: Mutex<Vec<Arc<Mutex<Seen>>>>,
    streams: Mutex<Vec<Stream>>,
    accepted: AtomicUsize,
    stopping: AtomicBool,
    failed: AtomicBool,
}

impl Shared {
    fn script_for(&self, target: &str) -> Arc<Handler> {
        let script = self.script.lock().unwrap();
        let newest = script.iter().rev().find(|(prefix, _)| target.starts_with(prefix));
        // Targets that are no paths are read away like any other.
        newest.or(script.first()).map(|(_, script)| script.clone()).unwrap()
    }
}

/// What reached the homeserver of one request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    /// Which connection it came over, counted from 1.
    pub(crate) connection: usize,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<String>,
    pub(crate) ended: Ended,
}

/// How a request's body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    NotYet,
    Whole,
    Cut,
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.head.word(0)
    }

    pub(crate) fn target(&self) -> &str {
        self.head.word(1)
    }
}

enum Door {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Homeserver {
    pub(crate) fn start() -> Self {
        Self::on_port(0)
    }

    /// Starts one where another has been, or will be.
    pub(crate) fn on_port(port: u16) -> Self {
        let keeper = socket(port);
        let address = keeper.local_addr().unwrap().as_socket().unwrap();
        let listener = socket(address.port());
        listener.listen(128).unwrap();
        Self::open(Door::Tcp(listener.into()), format!("http://{address}"), Some(keeper))
    }

    pub(crate) fn on_socket(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        Self::open(Door::Unix(listener, path.to_owned()), format!("unix:{}", path.display()), None)
    }

    fn open(door: Door, url: String, port: Option<Socket>) -> Self {
        let shared = Arc::<Shared>::default();
        let homeserver = Self { shared: shared.clone(), url, _port: port };
        homeserver.on("/", |exchange| {
            exchange.read_body();
            exchange.answer(200, "{}");
        });
        homeserver.on(WHOAMI, tell_who);
        for prefix in ["/_matrix/media/", "/_matrix/client/v1/media/"] {
            homeserver.on(prefix, |exchange| {
                if exchange.read_body() {
                    exchange.answer(200, r#"{"content_uri":"mxc://example.org/abc"}"#);
                }
            });
        }
        std::thread::spawn(move || accept(&door, &shared));
        homeserver
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// From now on, `script` is what happens to targets that begin with `prefix`.
    pub(crate) fn on(&self, prefix: &str, script: impl Fn(&mut Exchange) + Send + Sync + 'static) {
        self.shared.script.lock().unwrap().push((prefix.to_owned(), Arc::new(script)));
    }

    /// From now on, this is the answer to uploads, once they are read.
    pub(crate) fn answer_uploads(&self, status: u16, body: &'static str) {
        self.on("/_matrix/media/", move |exchange| {
            if exchange.read_body() {
                exchange.answer(status, body);
            }
        });
    }

    /// Returns every request to targets that begin with `prefix`, as far as it has come.
    pub(crate) fn seen(&self, prefix: &str) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        let seen = seen.iter().map(|one| one.lock().unwrap().clone());
        seen.filter(|one| one.target().starts_with(prefix)).collect()
    }

    /// Returns everything that is not a question of metergate's own.
    pub(crate) fn forwarded(&self) -> Vec<Seen> {
        let mut seen = self.seen("");
        seen.retain(|one| !one.target().starts_with(WHOAMI));
        seen
    }

    /// Returns the one request that is not a question of metergate's own, as far as it has come.
    pub(crate) fn only(&self) -> Seen {
        let mut forwarded = self.forwarded();
        assert_eq!(forwarded.len(), 1, "{forwarded:#?}");
        forwarded.remove(0)
    }

    /// Waits until the one request is there, with so many bytes of its body; returns it.
    pub(crate) fn has(&self, size: usize) -> Seen {
        eventually(&format!("{size} bytes reach the homeserver"), || {
            self.forwarded().iter().any(|one| one.body.len() >= size)
        });
        self.only()
    }

    /// Waits until the one request has ended like this; returns it.
    pub(crate) fn ended(&self, ended: Ended) -> Seen {
        eventually(&format!("a request that ended {ended:?}"), || {
            self.forwarded().iter().any(|one| one.ended == ended)
        });
        self.only()
    }

    /// Asserts that no request becomes whole: what came of them is cut. Some may not even come.
    #[track_caller]
    pub(crate) fn keeps_nothing(&self) {
        let is_whole = || self.forwarded().iter().any(|one| one.ended == Ended::Whole);
        assert!(!within(Duration::from_millis(100), is_whole));
        let is_cut = || self.forwarded().iter().all(|one| one.ended == Ended::Cut);
        eventually("all are cut", is_cut);
    }

    /// Returns how many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Stops as a crash would: every connection breaks, and nobody listens any more.
    pub(crate) fn stop(&self) {
        if self.shared.stopping.swap(true, Ordering::SeqCst) {
            return;
        }
        // Wakes the listener.
        drop(match self.url.strip_prefix("unix:") {
            Some(path) => std::os::unix::net::UnixStream::connect(path).map(Stream::Unix),
            None => std::net::TcpStream::connect(("127.0.0.1", self.port())).map(Stream::Tcp),
        });
        self.break_connections();
    }

    /// Closes every connection there is.
    pub(crate) fn break_connections(&self) {
        for stream in self.shared.streams.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both);
        }
    }

    /// Stops, and returns once nobody can connect.
    pub(crate) fn stop_listening(&self) {
        self.stop();
        let port = self.port();
        eventually("nobody listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

impl Drop for Homeserver {
    fn drop(&mut self) {
        self.stop();
        let failed = self.shared.failed.load(Ordering::SeqCst);
        assert!(!failed || std::thread::panicking(), "the homeserver's script failed");
    }
}

/// Returns a socket that has this port, or any free one, together with others of ours.
fn socket(port: u16) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    socket
}

fn accept(door: &Door, shared: &Arc<Shared>) {
    loop {
        let stream = match door {
            Door::Tcp(listener) => Stream::Tcp(listener.accept().unwrap().0),
            Door::Unix(listener, _) => Stream::Unix(listener.accept().unwrap().0),
        };
        if shared.stopping.load(Ordering::SeqCst) {
            if let Door::Unix(_, path) = door {
                let _ = std::fs::remove_file(path);
            }
            return;
        }
        let number = shared.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        shared.streams.lock().unwrap().push(stream.another());
        let shared = shared.clone();
        std::thread::spawn(move || {
            let talk = AssertUnwindSafe(|| talk(Wire::new(stream), number, &shared));
            // A connection that broke is no failure; an assertion is.
            if catch_unwind(talk).is_err() {
                shared.failed.store(true, Ordering::SeqCst);
            }
        });
    }
}

/// Serves one connection until it closes.
fn talk(mut wire: Wire, connection: usize, shared: &Shared) {
    while let Ok(Some(head)) = wire.head() {
        let framing = head.framing(false);
        let seen = Seen {
            head: head.clone(),
            connection,
            body: Vec::new(),
            trailers: Vec::new(),
            ended: Ended::NotYet,
        };
        let seen = Arc::new(Mutex::new(seen));
        shared.seen.lock().unwrap().push(seen.clone());
        let mut exchange = Exchange { head, wire, framing, seen, closing: false };
        let target = exchange.head.word(1).to_owned();
        shared.script_for(&target)(&mut exchange);
        if exchange.closing || exchange.seen.lock().unwrap().ended != Ended::Whole {
            exchange.close();
            return;
        }
        wire = exchange.wire;
    }
}

fn tell_who(exchange: &mut Exchange) {
    exchange.read_body();
    let target = exchange.head.word(1).to_owned();
    let acting_as = target.split(['?', '&']).find_map(|part| part.strip_prefix("user_id="));
    let shown = exchange.head.header("authorization").and_then(|it| it.split_once(' '));
    let shown = shown.map(|(_, token)| token.to_owned());
    match (shown, acting_as) {
        (Some(token), _) if token.starts_with("bad") => {
            exchange.answer(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Unknown access token"}"#);
        }
        (Some(_), Some(user)) => exchange.answer(200, &format!(r#"{{"user_id":"{user}"}}"#)),
        (Some(name), None) => {
            exchange.answer(200, &format!(r#"{{"user_id":"@{name}:example.org"}}"#));
        }
        (None, _) => {
            exchange.answer(401, r#"{"errcode":"M_MISSING_TOKEN","error":"Missing access token"}"#);
        }
    }
}

/// One request, in the hands of a script.
pub(crate) struct Exchange {
    pub(crate) head: Head,
    pub(crate) wire: Wire,
    framing: Framing,
    seen: Arc<Mutex<Seen>>,
    closing: bool,
}

impl Exchange {
    /// Reads the body to its end; returns whether it came whole.
    pub(crate) fn read_body(&mut self) -> bool {
        while self.read_piece() {}
        self.seen.lock().unwrap().ended == Ended::Whole
    }

    /// Reads until at least `size` bytes of the body are there; returns whether that came to be.
    pub(crate) fn read(&mut self, size: usize) -> bool {
        while self.count() < size {
            if !self.read_piece() {
                return false;
            }
        }
        true
    }

    /// Returns how many bytes of the body have been read.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().body.len()
    }

    fn read_piece(&mut self) -> bool {
        let piece = self.framing.next(&mut self.wire).unwrap_or(Piece::Cut);
        let mut seen = self.seen.lock().unwrap();
        match piece {
            Piece::Data(data) => seen.body.extend(data),
            Piece::End(trailers) => {
                seen.trailers = trailers;
                seen.ended = Ended::Whole;
            }
            Piece::Cut => seen.ended = Ended::Cut,
        }
        seen.ended == Ended::NotYet
    }

    /// Answers with JSON.
    pub(crate) fn answer(&mut self, status: u16, body: &str) {
        let length = body.len();
        self.send(format!(
            "HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
    }

    /// Sends these bytes; somebody who has gone does not get them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.closing |= self.wire.send(bytes).is_err();
    }

    /// Says nothing until the other side is gone.
    pub(crate) fn hang(&mut self) {
        while self.read_piece() {}
        self.wire.wait_gone();
        self.closing = true;
    }

    /// Closes the connection.
    pub(crate) fn close(&mut self) {
        self.wire.stream.shutdown(Shutdown::Both);
        self.closing = true;
    }
}
