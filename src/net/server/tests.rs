//! Connections served over pipes in memory, and over real sockets.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::*;
use crate::net::address::Address;
use crate::net::body::Body;
use crate::net::listener::Peer;
use crate::telemetry::metrics::Connections;

const HEAD: &str = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

/// Serves one connection over a pipe; the answer is what `service` makes of the request's path.
async fn client_of<F>(
    limits: Limits,
    shutdown: &Shutdown,
    service: impl Fn(String) -> F + Clone + Send + 'static,
) -> DuplexStream
where
    F: Future<Output = String> + Send + 'static,
{
    let service = move |_: Arc<Connection>, request: Request<Incoming>| {
        let answer = service(request.uri().path().to_owned());
        async { Response::new(Body::full(answer.await)) }
    };
    let entrance = Entrance { limits, ..Entrance::default() };
    let connections = Cap::new("connections", 1, counts());
    let room = connections.enter().await.unwrap();
    let serving = Serving { house: House::new(entrance, shutdown.clone(), connections), service };
    let (client, server) = duplex(1024 * 1024);
    serving.begin(server, Peer::Unix, room);
    client
}

async fn echo(path: String) -> String {
    path
}

async fn all_of(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// Reads one answer whose body ends in `~`.
async fn answer(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"~") {
        read.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_ends_at_head_timeout() {
    let begun = Instant::now();
    let client = client_of(Limits::default(), &Shutdown::new(), echo).await;
    assert_eq!(all_of(client).await, "");
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_head_ends_at_head_timeout() {
    let begun = Instant::now();
    let mut client = client_of(Limits::default(), &Shutdown::new(), echo).await;
    while client.write_all(b"G").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() <= Duration::from_secs(32));
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_ends_at_head_timeout_after_its_answer() {
    let slow = |_| async {
        sleep(Duration::from_secs(100)).await;
        "late.".to_owned()
    };
    let begun = Instant::now();
    let mut client = client_of(Limits::default(), &Shutdown::new(), slow).await;
    client.write_all(HEAD.as_bytes()).await.unwrap();
    assert!(all_of(client).await.ends_with("late."));
    assert_eq!(begun.elapsed().as_secs(), 130);
}

#[tokio::test(start_paused = true)]
async fn a_head_past_head_bytes_is_answered_431() {
    let limits = Limits { head_bytes: 10_000, ..Limits::default() };
    for (name, size) in [("whole", 10_001), ("endless", 20_000_000)] {
        let mut client = client_of(limits, &Shutdown::new(), echo).await;
        let head = format!("GET / HTTP/1.1\r\nHost: example.org\r\nX: {}", "x".repeat(size));
        // The rest finds no reader.
        let _rest = client.write_all(head.as_bytes()).await;
        assert!(all_of(client).await.starts_with("HTTP/1.1 431 "), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_headers_than_header_count_are_answered_431() {
    for (count, status) in [(50, "200"), (51, "431")] {
        let limits = Limits { header_count: 50, ..Limits::default() };
        let mut client = client_of(limits, &Shutdown::new(), echo).await;
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(count));
        client.write_all(head.as_bytes()).await.unwrap();
        assert!(all_of(client).await.starts_with(&format!("HTTP/1.1 {status} ")), "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_closes_what_is_idle_at_once() {
    let shutdown = Shutdown::new();
    let mut kept = client_of(Limits::default(), &shutdown, echo).await;
    kept.write_all(b"GET /~ HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200 "));
    let begun = Instant::now();
    assert!(shutdown.finish(Duration::from_secs(30)).await);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(all_of(kept).await, "");
}

#[tokio::test(start_paused = true)]
async fn shutdown_gives_a_new_connection_a_moment_for_its_first_request() {
    let shutdown = Shutdown::new();
    let silent = client_of(Limits::default(), &shutdown, echo).await;
    let mut slow = client_of(Limits::default(), &shutdown, echo).await;
    slow.write_all(b"GET /~").await.unwrap();
    tokio::task::yield_now().await;
    shutdown.stop();
    sleep(Duration::from_millis(500)).await;
    slow.write_all(b" HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(all_of(slow).await.starts_with("HTTP/1.1 200 "));
    let begun = Instant::now();
    assert_eq!(all_of(silent).await, "");
    assert!(begun.elapsed() <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_an_answer_end() {
    let shutdown = Shutdown::new();
    let go = Arc::new(Notify::new());
    let waiting = Arc::clone(&go);
    let service = move |_| {
        let go = Arc::clone(&waiting);
        async move {
            go.notified().await;
            "done".to_owned()
        }
    };
    let mut client = client_of(Limits::default(), &shutdown, service).await;
    client.write_all(HEAD.as_bytes()).await.unwrap();
    tokio::task::yield_now().await;
    shutdown.stop();
    tokio::task::yield_now().await;
    go.notify_one();
    let answer = all_of(client).await.to_lowercase();
    assert!(answer.contains("connection: close") && answer.ends_with("done"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_drops_its_answer() {
    let shutdown = Shutdown::new();
    let dropped = Arc::new(Notify::new());
    let guard = Arc::clone(&dropped);
    let service = move |_| {
        let guard = NotifyOnDrop(Arc::clone(&guard));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            String::new()
        }
    };
    let mut client = client_of(Limits::default(), &shutdown, service).await;
    client.write_all(HEAD.as_bytes()).await.unwrap();
    tokio::task::yield_now().await;
    drop(client);
    dropped.notified().await;
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn counts() -> Connections {
    crate::telemetry::Metrics::new().unwrap().public
}

/// Serves an address until shutdown, in this runtime, each share as a task.
fn serve_at(address: &str, shares: usize, room: usize, shutdown: &Shutdown) -> Address {
    let listeners = Listener::bind(&address.parse().unwrap(), shares).unwrap();
    let address = listeners[0].address().clone();
    let connections = Cap::new("connections", room, counts());
    for listener in listeners {
        let service = |connection: Arc<Connection>, _| async move {
            Response::new(Body::full(format!("{:?}~", connection.peer)))
        };
        let connections = connections.clone();
        let serving = serve(listener, Entrance::default(), connections, shutdown.clone(), service);
        tokio::spawn(serving);
    }
    address
}

async fn tcp(address: &Address) -> TcpStream {
    let Address::Tcp(address) = address else { panic!("no TCP address") };
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test]
async fn past_the_cap_new_connections_wait() {
    let address = serve_at("127.0.0.1:0", 2, 1, &Shutdown::new());
    let mut first = tcp(&address).await;
    first.write_all(HEAD.as_bytes()).await.unwrap();
    assert!(answer(&mut first).await.ends_with("Ip(127.0.0.1)~"));
    // More of them than there are shares, so that some wait in each.
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut stream = tcp(&address).await;
        stream.write_all(HEAD.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
    for stream in &waiting {
        assert!(stream.try_read(&mut [0; 1]).is_err(), "answered past the cap");
    }
    drop(first);
    let served = waiting
        .into_iter()
        .map(|mut stream| tokio::spawn(async move { answer(&mut stream).await.len() }));
    for task in served.collect::<Vec<_>>() {
        assert!(task.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn a_unix_peer_is_known_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("x.sock");
    let shutdown = Shutdown::new();
    serve_at(&format!("unix:{}", path.display()), 2, 10, &shutdown);
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(HEAD.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.ends_with("Unix~"));
}

#[tokio::test]
async fn when_shutdown_begins_nobody_listens() {
    let shutdown = Shutdown::new();
    let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0);
    let address = listener.address().clone();
    let service = |_, _| async { Response::new(Body::empty()) };
    let connections = Cap::new("connections", 1, counts());
    let serving = serve(listener, Entrance::default(), connections, shutdown.clone(), service);
    shutdown.stop();
    serving.await.unwrap();
    let Address::Tcp(address) = address else { panic!("no TCP address") };
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn trailers_and_bodies_without_length_reach_the_client() {
    // The one place where a body passes from socket to socket: an answer made of the request.
    let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0);
    let address = listener.address().clone();
    let service = |_, request: Request<Incoming>| async {
        let mut response = Response::new(Body::passing(request.into_body()));
        response.headers_mut().insert("trailer", http::HeaderValue::from_static("x-sum"));
        response
    };
    let connections = Cap::new("connections", 1, counts());
    tokio::spawn(serve(listener, Entrance::default(), connections, Shutdown::new(), service));
    let mut stream = tcp(&address).await;
    let head = "POST / HTTP/1.1\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let body = "3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n";
    stream.write_all(Bytes::from([head, body].concat()).as_ref()).await.unwrap();
    let answer = all_of(stream).await;
    assert!(answer.ends_with("6\r\nonetwo\r\n0\r\nx-sum: 6\r\n\r\n"), "{answer}");
}
