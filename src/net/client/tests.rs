//! Requests to scripted upstreams over real sockets.

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::mpsc;
use tokio::time::advance;

use super::*;
use crate::net::address::Origin;
use crate::net::body::{Body, small};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An upstream on a free port, whose connections are answered one by one as a test says.
struct Upstream {
    listener: TcpListener,
    origin: Origin,
}

async fn upstream() -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    Upstream { listener, origin: format!("http://{address}").parse().unwrap() }
}

impl Upstream {
    async fn accept(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// Answers every request of every connection, and tells the number of each one's connection.
    fn answering(self) -> mpsc::UnboundedReceiver<usize> {
        let (tell, told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let mut stream = self.accept().await;
                let tell = tell.clone();
                tokio::spawn(async move {
                    while !head(&mut stream).await.is_empty() {
                        tell.send(number).unwrap();
                        stream.write_all(OK.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        told
    }
}

/// Reads one head; nothing, if the connection ends before.
async fn head(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

fn get(target: &str) -> Request<Body> {
    Request::builder().uri(target).body(Body::empty()).unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(small(response.into_body(), 1000).await.unwrap().to_vec()).unwrap()
}

/// Lets the tasks of finished exchanges notice.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn ask(client: &Client<Body>) -> String {
    let answer = text(client.request(get("/")).await.unwrap()).await;
    settle().await;
    answer
}

#[tokio::test]
async fn target_and_host_go_out_as_they_came() {
    let rows = [
        ("/", "GET / HTTP/1.1"),
        ("/a%2Fb//c/../d;x?y=%zz&&=+", "GET /a%2Fb//c/../d;x?y=%zz&&=+ HTTP/1.1"),
        ("/?", "GET /? HTTP/1.1"),
        ("*", "GET * HTTP/1.1"),
        ("http://elsewhere.example.org/x?y", "GET /x?y HTTP/1.1"),
        ("http://elsewhere.example.org", "GET / HTTP/1.1"),
    ];
    let upstream = upstream().await;
    let client = Client::fresh(upstream.origin.clone(), ClientSettings::default());
    for (target, line) in rows {
        for version in [Version::HTTP_11, Version::HTTP_10] {
            let mut request = get(target);
            *request.version_mut() = version;
            request.headers_mut().insert(HOST, HeaderValue::from_static("Example.org:443"));
            let exchange = tokio::spawn({
                let client = client.clone();
                async move { client.request(request).await.map(|_| ()) }
            });
            let mut stream = upstream.accept().await;
            assert_eq!(head(&mut stream).await, format!("{line}\r\nhost: Example.org:443\r\n\r\n"));
            stream.write_all(OK.as_bytes()).await.unwrap();
            exchange.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_request_without_host_names_the_upstream() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("homeserver.sock");
    let listener = UnixListener::bind(path).unwrap();
    let origin: Origin = format!("unix:{}", path.display()).parse().unwrap();
    let client = Client::fresh(origin, ClientSettings::default());
    let exchange = tokio::spawn(async move { text(client.request(get("/")).await.unwrap()).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(head(&mut stream).await, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(OK.as_bytes()).await.unwrap();
    assert_eq!(exchange.await.unwrap(), "ok");
}

#[tokio::test]
async fn kept_connections_are_used_again() {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    let mut connections = upstream.answering();
    for _ in 0..5 {
        assert_eq!(ask(&client).await, "ok");
        assert_eq!(connections.recv().await, Some(0));
    }
}

#[tokio::test]
async fn fresh_connections_are_used_once() {
    let upstream = upstream().await;
    let client = Client::fresh(upstream.origin.clone(), ClientSettings::default());
    let mut connections = upstream.answering();
    for number in 0..5 {
        assert_eq!(ask(&client).await, "ok");
        assert_eq!(connections.recv().await, Some(number));
    }
}

#[tokio::test]
async fn as_many_connections_are_kept_as_were_used_at_once() {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    let mut connections = upstream.answering();
    let mut seen = std::collections::BTreeSet::new();
    for _round in 0..3 {
        let exchanges = (0..100).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { ask(&client).await })
        });
        for exchange in exchanges.collect::<Vec<_>>() {
            assert_eq!(exchange.await.unwrap(), "ok");
            seen.insert(connections.recv().await.unwrap());
        }
        settle().await;
    }
    assert_eq!(seen.len(), 100);
}

#[tokio::test]
async fn a_connection_closed_meanwhile_costs_no_request() {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    tokio::spawn(async move {
        loop {
            let mut stream = upstream.accept().await;
            assert!(head(&mut stream).await.starts_with("POST "));
            // Closed without a word about it.
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    });
    for _ in 0..20 {
        let mut request = get("/").map(|_| Body::full("hello"));
        *request.method_mut() = Method::POST;
        assert_eq!(text(client.request(request).await.unwrap()).await, "ok");
    }
}

/// Has a client ask twice an upstream that closes its first connection when a second request is on
/// it; returns the second answer's status, or none.
async fn asked_twice(second: Request<Body>, closing: &'static str) -> Option<StatusCode> {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    tokio::spawn(async move {
        let mut first = upstream.accept().await;
        head(&mut first).await;
        first.write_all(OK.as_bytes()).await.unwrap();
        head(&mut first).await;
        first.write_all(closing.as_bytes()).await.unwrap();
        drop(first);
        upstream.answering().recv().await
    });
    assert_eq!(ask(&client).await, "ok");
    client.request(second).await.ok().map(|response| response.status())
}

#[tokio::test]
async fn what_only_asks_is_asked_again_when_a_kept_connection_broke_off() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let mut request = get("/");
        *request.method_mut() = method;
        assert_eq!(asked_twice(request, "").await, Some(StatusCode::OK));
    }
}

#[tokio::test]
async fn what_changes_something_or_was_answered_is_not_sent_again() {
    let mut post = get("/");
    *post.method_mut() = Method::POST;
    assert_eq!(asked_twice(post, "").await, None);
    assert_eq!(asked_twice(get("/").map(|_| Body::full("hello")), "").await, None);
    assert_eq!(asked_twice(get("/"), "garbage\r\n\r\n").await, None);
}

#[tokio::test]
async fn a_connection_is_closed_at_idle_timeout() {
    let upstream = upstream().await;
    let settings = ClientSettings::default();
    let client = Client::pooled(upstream.origin.clone(), settings.clone());
    let exchange = tokio::spawn(async move {
        assert_eq!(ask(&client).await, "ok");
        client
    });
    let mut stream = upstream.accept().await;
    head(&mut stream).await;
    stream.write_all(OK.as_bytes()).await.unwrap();
    let _client = exchange.await.unwrap();
    tokio::time::pause();
    advance(settings.idle_timeout).await;
    assert_eq!(head(&mut stream).await, "");
}

/// A request body that is whatever is sent to it.
struct Told(mpsc::Receiver<Result<Bytes, BoxError>>);

/// Nothing is ever sent to it.
impl Default for Told {
    fn default() -> Self {
        Self(mpsc::channel(1).1)
    }
}

impl http_body::Body for Told {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.get_mut().0.poll_recv(cx).map(|came| came.map(|data| data.map(Frame::data)))
    }
}

fn post() -> (mpsc::Sender<Result<Bytes, BoxError>>, Request<Told>) {
    let (tell, told) = mpsc::channel(1);
    (tell, Request::post("/").body(Told(told)).unwrap())
}

#[tokio::test]
async fn a_connection_whose_request_is_not_all_sent_is_not_used_again() {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    let (_unfinished, request) = post();
    for request in [request, post().1] {
        let client = client.clone();
        let exchange =
            tokio::spawn(async move { text(client.request(request).await.unwrap()).await });
        let mut stream = upstream.accept().await;
        assert!(head(&mut stream).await.starts_with("POST "));
        stream.write_all(OK.as_bytes()).await.unwrap();
        assert_eq!(exchange.await.unwrap(), "ok");
        settle().await;
    }
}

#[tokio::test]
async fn a_request_body_that_fails_is_not_the_upstreams_fault() {
    let upstream = upstream().await;
    let client = Client::fresh(upstream.origin.clone(), ClientSettings::default());
    let (tell, request) = post();
    let exchange = tokio::spawn(async move { client.request(request).await.unwrap_err() });
    let mut stream = upstream.accept().await;
    assert!(head(&mut stream).await.starts_with("POST "));
    tell.send(Ok(Bytes::from_static(b"half"))).await.unwrap();
    tell.send(Err("gone".into())).await.unwrap();
    assert!(matches!(exchange.await.unwrap(), ClientError::Body(_)));
    let mut rest = Vec::new();
    // Ends without the last chunk, or with a reset.
    let _reset = stream.read_to_end(&mut rest).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the half looks like the whole");
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection() {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    let exchange = tokio::spawn(async move { client.request(get("/")).await.map(|_| ()) });
    let mut stream = upstream.accept().await;
    head(&mut stream).await;
    exchange.abort();
    assert_eq!(head(&mut stream).await, "");
}

#[tokio::test]
async fn dropping_an_answer_closes_its_connection() {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    let exchange = tokio::spawn(async move {
        drop(client.request(get("/")).await.unwrap());
        client
    });
    let mut stream = upstream.accept().await;
    head(&mut stream).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
    let _client = exchange.await.unwrap();
    assert_eq!(head(&mut stream).await, "");
}

#[tokio::test]
async fn an_upgrade_becomes_a_tunnel() {
    let upstream = upstream().await;
    let client = Client::pooled(upstream.origin.clone(), ClientSettings::default());
    let exchange = tokio::spawn(async move {
        let mut request = get("/socket");
        request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        request.headers_mut().insert("upgrade", HeaderValue::from_static("chat"));
        let mut response = client.request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        let mut tunnel = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
        tunnel.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        tunnel.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"pong");
    });
    let mut stream = upstream.accept().await;
    head(&mut stream).await;
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
    stream.write_all(answer.as_bytes()).await.unwrap();
    let mut asked = [0; 4];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"ping");
    stream.write_all(b"pong").await.unwrap();
    exchange.await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_told_from_somebody_who_breaks_off() {
    let upstream = upstream().await;
    let origin = upstream.origin.clone();
    let client: Client<Body> = Client::pooled(origin.clone(), ClientSettings::default());
    for answer in
        ["", "HTTP/1.1 2", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n"]
    {
        let exchange = tokio::spawn({
            let client = client.clone();
            async move { client.request(get("/")).await.map(|_| ()).unwrap_err() }
        });
        let mut stream = upstream.accept().await;
        head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        drop(stream);
        assert!(matches!(exchange.await.unwrap(), ClientError::Broken(_)), "{answer:?}");
    }
    drop(upstream);
    let gone = [origin, "unix:/nonexistent/homeserver.sock".parse().unwrap()];
    for origin in gone {
        let client = Client::pooled(origin, ClientSettings::default());
        let error = client.request(get("/")).await.unwrap_err();
        assert!(matches!(error, ClientError::Connect(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn connecting_ends_at_connect_timeout() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // One connection fills its queue; the kernel does not answer the next.
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _first = std::net::TcpStream::connect(address).unwrap();
    let origin: Origin = format!("http://{address}").parse().unwrap();
    let client = Client::fresh(origin, ClientSettings::default());
    let begun = Instant::now();
    let error = client.request(get("/")).await.unwrap_err();
    assert!(matches!(error, ClientError::ConnectTimeout), "{error:?}");
    assert_eq!(begun.elapsed(), ClientSettings::default().connect_timeout);
}

#[tokio::test]
async fn a_tunnel_is_not_asked_for() {
    let upstream = upstream().await;
    let client = Client::fresh(upstream.origin.clone(), ClientSettings::default());
    let mut request = get("example.org:443");
    *request.method_mut() = Method::CONNECT;
    assert!(matches!(client.request(request).await.unwrap_err(), ClientError::Connect(_)));
}
