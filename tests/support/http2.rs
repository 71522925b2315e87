//! A client that speaks HTTP/2, in the clear or over TLS.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Method, Request, Response};
use metergate::net::Address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::{PATIENCE, eventually};

/// The authority of every request that names no other.
pub(crate) const AUTHORITY: &str = "matrix.example.org";

/// One connection.
pub(crate) struct Http2 {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
    /// How the connection ended, once it has.
    end: Arc<Mutex<Option<End>>>,
}

/// Gently, or why not.
type End = Result<(), Option<Reason>>;

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
    /// Why the stream was reset before the end of the answer.
    pub(crate) reset: Option<Reason>,
}

impl Told {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn errcode(&self) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json["errcode"].as_str().unwrap_or_default().to_owned()
    }
}

/// A request whose body is being sent.
pub(crate) struct Sending {
    pub(crate) answer: ResponseFuture,
    pub(crate) body: SendStream<Bytes>,
}

/// Returns a request with alice's token.
pub(crate) fn request(method: &str, target: &str) -> http::request::Builder {
    let uri = format!("http://{AUTHORITY}{target}");
    Request::builder().method(method).uri(uri).header("authorization", "Bearer alice")
}

/// Returns a runtime that drives connections while a test does something else.
pub(crate) fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

impl Http2 {
    /// Connects with prior knowledge.
    pub(crate) fn to(address: &Address) -> Self {
        let runtime = runtime();
        let Address::Tcp(address) = *address else { panic!("not TCP") };
        let stream = runtime.block_on(TcpStream::connect(address)).unwrap();
        Self::over(runtime, stream)
    }

    /// Speaks over a stream that belongs to `runtime`.
    pub(crate) fn over(
        runtime: Runtime,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        let (sender, connection) = runtime.block_on(h2::client::handshake(stream)).unwrap();
        let end = Arc::new(Mutex::new(None));
        let ended = Arc::clone(&end);
        runtime.spawn(async move {
            let end = connection.await.map_err(|error| error.reason());
            *ended.lock().unwrap() = Some(end);
        });
        Self { runtime, sender, end }
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { timeout(PATIENCE, work).await }).unwrap()
    }

    /// Begins a request; `whole` if it has no body.
    pub(crate) fn begin(&mut self, request: Request<()>, whole: bool) -> Sending {
        let mut sender = self.wait(self.sender.clone().ready()).unwrap();
        let (answer, body) = sender.send_request(request, whole).unwrap();
        Sending { answer, body }
    }

    /// Begins a request without a body, unless the connection has ended.
    pub(crate) fn try_begin(&mut self, request: Request<()>) -> Option<Sending> {
        let mut sender = self.wait(self.sender.clone().ready()).ok()?;
        let (answer, body) = sender.send_request(request, true).ok()?;
        Some(Sending { answer, body })
    }

    /// Sends a piece of a body as the other side takes it; false if it takes no more.
    pub(crate) fn send(&self, body: &mut SendStream<Bytes>, data: &[u8], end: bool) -> bool {
        let mut left = Bytes::copy_from_slice(data);
        let sent = async {
            while !left.is_empty() {
                body.reserve_capacity(left.len());
                match std::future::poll_fn(|cx| body.poll_capacity(cx)).await {
                    Some(Ok(0)) => {}
                    Some(Ok(room)) => {
                        let piece = left.split_to(room.min(left.len()));
                        let last = end && left.is_empty();
                        if body.send_data(piece, last).is_err() {
                            return false;
                        }
                    }
                    _ => return false,
                }
            }
            true
        };
        self.wait(sent)
    }

    /// Reads an answer to its end.
    pub(crate) fn answer(&self, answer: ResponseFuture) -> Told {
        let read = async {
            match answer.await {
                Ok(response) => read(response, Duration::ZERO).await,
                Err(error) => Told {
                    status: 0,
                    headers: HeaderMap::new(),
                    body: Vec::new(),
                    trailers: None,
                    reset: Some(error.reason().unwrap_or(Reason::NO_ERROR)),
                },
            }
        };
        self.wait(read)
    }

    /// Reads the first piece of an answer's body, and gives the rest up.
    pub(crate) fn first_piece(&self, answer: ResponseFuture) -> Bytes {
        let read = async {
            let mut stream = answer.await.unwrap().into_body();
            stream.data().await.unwrap().unwrap()
        };
        self.wait(read)
    }

    /// Waits for the end of an answer without reading any of its body.
    pub(crate) fn unread(&self, answer: ResponseFuture) -> Told {
        let wait = async {
            let (head, mut stream) = answer.await.unwrap().into_parts();
            let mut held = 0;
            let reset = loop {
                // What comes is never said to be read, so no more may come.
                match stream.data().await {
                    Some(Ok(data)) => held += data.len(),
                    Some(Err(error)) => break error.reason(),
                    None => break None,
                }
            };
            let (status, body) = (head.status.as_u16(), vec![0; held]);
            Told { status, headers: head.headers, body, trailers: None, reset }
        };
        self.wait(wait)
    }

    /// Reads an answer with a pause before each part is said to be read.
    pub(crate) fn slowly(&self, answer: ResponseFuture, pause: Duration) -> Told {
        self.wait(async { read(answer.await.unwrap(), pause).await })
    }

    /// Returns how many requests at a time the other side allows.
    pub(crate) fn most_at_a_time(&self) -> usize {
        self.sender.current_max_send_streams()
    }

    /// Asks without a body.
    pub(crate) fn ask(&mut self, request: Request<()>) -> Told {
        let sending = self.begin(request, true);
        self.answer(sending.answer)
    }

    pub(crate) fn get(&mut self, target: &str) -> Told {
        self.ask(request(Method::GET.as_str(), target).body(()).unwrap())
    }

    /// Asks with a body, whose length is told or not.
    pub(crate) fn upload(&mut self, body: &[u8], tell_length: bool) -> Told {
        let mut head = request("POST", super::client::UPLOAD);
        if tell_length {
            head = head.header("content-length", body.len());
        }
        let mut sending = self.begin(head.body(()).unwrap(), false);
        if body.is_empty() {
            sending.body.send_data(Bytes::new(), true).unwrap();
        }
        self.send(&mut sending.body, body, true);
        self.answer(sending.answer)
    }

    /// Waits until the connection has ended; returns whether gently, or why not.
    pub(crate) fn end(&self) -> End {
        eventually("the connection ends", || self.end.lock().unwrap().is_some());
        self.end.lock().unwrap().unwrap()
    }

    /// Returns whether the connection has ended within `span`.
    pub(crate) fn ends_within(&self, span: Duration) -> bool {
        super::within(span, || self.end.lock().unwrap().is_some())
    }
}

async fn read(response: Response<RecvStream>, pause: Duration) -> Told {
    let (head, mut stream) = response.into_parts();
    let (mut body, mut reset, mut trailers) = (Vec::new(), None, None);
    while let Some(data) = stream.data().await {
        match data {
            Ok(data) => {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                stream.flow_control().release_capacity(data.len()).unwrap();
                body.extend_from_slice(&data);
            }
            Err(error) => {
                reset = Some(error.reason().unwrap_or(Reason::NO_ERROR));
                break;
            }
        }
    }
    if reset.is_none() {
        trailers = stream.trailers().await.unwrap_or_default();
    }
    Told { status: head.status.as_u16(), headers: head.headers, body, trailers, reset }
}
