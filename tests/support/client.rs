//! A client that speaks in bytes.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::time::Duration;

use serde_json::Value;

use super::PATIENCE;
use super::wire::{Framing, Head, Piece, Stream, Wire, chunk};

/// Where files are uploaded to.
pub(crate) const UPLOAD: &str = "/_matrix/media/v3/upload";

/// What a request to the proxy is addressed to.
const HOST: &str = "Host: matrix.example.org";

/// One connection to metergate.
pub(crate) struct Client {
    pub(crate) wire: Wire,
}

impl Client {
    pub(crate) fn to(stream: Stream) -> Self {
        Self { wire: Wire::new(stream) }
    }

    /// Sends these bytes; a connection that does not take them is a failure.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes).unwrap();
    }

    /// Sends these bytes if they are taken.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes)
    }

    /// Sends a request and reads the answer.
    pub(crate) fn ask(&mut self, request: &Request) -> Answer {
        self.send(request.bytes());
        self.answer_to(&request.method)
    }

    /// Reads an answer and its body.
    pub(crate) fn answer(&mut self) -> Answer {
        self.answer_to("POST")
    }

    /// Reads an answer to a request with this method.
    pub(crate) fn answer_to(&mut self, method: &str) -> Answer {
        let mut answer = self.head(method);
        while answer.read(&mut self.wire) {}
        answer
    }

    /// Reads the head of an answer, and leaves its body.
    pub(crate) fn head(&mut self, method: &str) -> Answer {
        let head = self.wire.head().unwrap().expect("an answer, not the end of the stream");
        let status: u16 = head.word(1).parse().unwrap();
        let bodiless = method == "HEAD" || status < 200 || status == 204 || status == 304;
        let framing = if bodiless { Framing::Length(0) } else { head.framing(true) };
        Answer { status, head, framing, body: Vec::new(), trailers: Vec::new(), whole: false }
    }

    /// Says that nothing more will be sent, and goes on listening.
    pub(crate) fn finish(&self) {
        self.wire.stream.shutdown(Shutdown::Write);
    }

    /// Breaks the connection off with a reset.
    pub(crate) fn reset(self) {
        self.wire.stream.reset();
    }

    /// Returns whether the other side ends the connection, without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.wire.some(1) {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => {
                matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
            }
        }
    }

    /// Returns whether nothing comes for `span`.
    pub(crate) fn is_silent(&mut self, span: Duration) -> bool {
        self.wire.stream.timeout(span);
        let read = self.wire.some(1);
        self.wire.stream.timeout(PATIENCE);
        read.is_err_and(|it| matches!(it.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}

/// What a client was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    framing: Framing,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<String>,
    /// The body came to its end.
    pub(crate) whole: bool,
}

impl Answer {
    /// Reads a part of the body; false at its end.
    pub(crate) fn read(&mut self, wire: &mut Wire) -> bool {
        match self.framing.next(wire).unwrap() {
            Piece::Data(data) => {
                self.body.extend(data);
                return true;
            }
            Piece::End(trailers) => {
                self.trailers = trailers;
                self.whole = true;
            }
            Piece::Cut => {}
        }
        false
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {} {}", self.head.start, self.text()))
    }

    pub(crate) fn errcode(&self) -> String {
        self.json()["errcode"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts a refusal in Matrix' words.
    #[track_caller]
    pub(crate) fn is_refusal(&self, status: u16, errcode: &str) {
        assert_eq!((self.status, self.errcode().as_str()), (status, errcode), "{}", self.text());
        assert_eq!(self.header("access-control-allow-origin"), Some("*"));
        assert_eq!(self.header("content-type"), Some("application/json"));
    }
}

/// A request, as a client writes it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    target: String,
    lines: Vec<String>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let lines = vec![HOST.to_owned()];
        Self { method: method.to_owned(), target: target.to_owned(), lines, body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// An upload by alice; its body is to be named.
    pub(crate) fn upload() -> Self {
        Self::post(UPLOAD).token("alice")
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.line(&format!("Authorization: Bearer {token}"))
    }

    /// Adds a header, as it is written.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Addressed to this machine, if it was not said to whom.
    pub(crate) fn addressed_here(mut self) -> Self {
        for line in self.lines.iter_mut().filter(|line| *line == HOST) {
            "Host: localhost".clone_into(line);
        }
        self
    }

    /// Removes the headers that begin like this.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.lines.retain(|line| !line.starts_with(name));
        self
    }

    /// Says that so many bytes follow.
    pub(crate) fn length(self, length: usize) -> Self {
        self.line(&format!("Content-Length: {length}"))
    }

    /// Says that chunks follow.
    pub(crate) fn chunked(self) -> Self {
        self.line("Transfer-Encoding: chunked")
    }

    /// With this body, and its length.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self.length(body.len())
    }

    /// With this body as chunks of at most 64 KiB.
    pub(crate) fn chunks(mut self, body: &[u8]) -> Self {
        self.body = body.chunks(64 * 1024).map(chunk).collect::<Vec<_>>().concat();
        self.body.extend(b"0\r\n\r\n");
        self.chunked()
    }

    /// Returns the head alone.
    pub(crate) fn head(&self) -> Vec<u8> {
        let start = format!("{} {} HTTP/1.1", self.method, self.target);
        [&[start], self.lines.as_slice(), &[String::new(), String::new()]]
            .concat()
            .join("\r\n")
            .into()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }
}
