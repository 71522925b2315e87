//! Streams, heads and bodies, read by hand.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::PATIENCE;

/// A connection of either kind.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Makes the end of patience an error instead of a test that hangs.
    pub(crate) fn patient(self) -> Self {
        self.timeout(PATIENCE);
        self
    }

    pub(crate) fn timeout(&self, span: Duration) {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(span)).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
            }
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(span)).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
            }
        }
    }

    pub(crate) fn write_timeout(&self, span: Duration) {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(span)).unwrap(),
            Self::Unix(stream) => stream.set_write_timeout(Some(span)).unwrap(),
        }
    }

    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().unwrap()),
            Self::Unix(stream) => Self::Unix(stream.try_clone().unwrap()),
        }
    }

    pub(crate) fn shutdown(&self, how: Shutdown) {
        // One that is gone already needs no shutting.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }

    /// Closes it so that the other side is told of an error, not of an end.
    pub(crate) fn reset(self) {
        match self {
            Self::Tcp(stream) => {
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
            Self::Unix(_) => panic!("a Unix socket cannot be reset"),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection, and what was read of it too early.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: Stream,
    ahead: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream: stream.patient(), ahead: Vec::new() }
    }

    /// Reads a head, the empty line included; none at the end of the stream.
    pub(crate) fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.ahead, b"\r\n\r\n") {
                let rest = self.ahead.split_off(end + 4);
                return Ok(Some(Head::of(std::mem::replace(&mut self.ahead, rest))));
            }
            if self.more()? == 0 {
                let half = !self.ahead.is_empty();
                return if half { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            }
        }
    }

    /// Reads a line without its end.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.ahead, b"\r\n") {
                let rest = self.ahead.split_off(end + 2);
                let line = std::mem::replace(&mut self.ahead, rest);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.more()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads whatever is there, at most `most` bytes; nothing at the end of the stream.
    pub(crate) fn some(&mut self, most: usize) -> io::Result<Vec<u8>> {
        if self.ahead.is_empty() {
            self.more()?;
        }
        let rest = self.ahead.split_off(most.min(self.ahead.len()));
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    /// Reads exactly so many bytes.
    pub(crate) fn exactly(&mut self, size: usize) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        while read.len() < size {
            match self.some(size - read.len())? {
                none if none.is_empty() => return Err(ErrorKind::UnexpectedEof.into()),
                some => read.extend(some),
            }
        }
        Ok(read)
    }

    /// Reads to the end of the stream; a reset is an end too.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more().is_ok_and(|count| count > 0) {}
        std::mem::take(&mut self.ahead)
    }

    /// Waits until the other side has ended the stream, and throws away what comes before.
    pub(crate) fn wait_gone(&mut self) {
        self.rest();
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut buffer = vec![0; 64 * 1024];
        let count = loop {
            match self.stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.ahead.extend(&buffer[..count]);
        Ok(count)
    }
}

/// A request line or status line, with headers.
#[derive(Clone)]
pub(crate) struct Head {
    /// As it came, byte for byte.
    pub(crate) raw: Vec<u8>,
    /// The first line.
    pub(crate) start: String,
    /// The headers as they were written, in order.
    pub(crate) headers: Vec<(String, String)>,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.raw))
    }
}

impl Head {
    fn of(raw: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&raw).into_owned();
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap().to_owned();
        let headers = lines.filter(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_owned(), value.trim().to_owned())
        });
        let headers = headers.collect();
        Self { raw, start, headers }
    }

    /// Returns a word of the first line.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.start.split(' ').nth(index).unwrap_or_default()
    }

    /// Returns every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the one value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} is there {} times: {:?}", all.len(), self.start);
        all.first().copied()
    }

    /// Returns how a body after it is framed; `closes` where it lasts to the end of the stream otherwise.
    pub(crate) fn framing(&self, closes: bool) -> Framing {
        if !self.all("transfer-encoding").is_empty() {
            return Framing::Chunked(0);
        }
        match self.header("content-length") {
            Some(length) => Framing::Length(length.parse().unwrap()),
            None if closes => Framing::UntilClose,
            None => Framing::Length(0),
        }
    }
}

/// How a body is framed, and how much of it is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    /// What is left of the chunk.
    Chunked(usize),
    UntilClose,
    Ended,
}

/// A part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data(Vec<u8>),
    /// The end as it should be, with the trailers.
    End(Vec<String>),
    /// The stream ended before the body.
    Cut,
}

impl Framing {
    /// Reads the next part of the body.
    pub(crate) fn next(&mut self, wire: &mut Wire) -> io::Result<Piece> {
        match self.read(wire) {
            Err(error) if is_end(&error) => Ok(Piece::Cut),
            other => other,
        }
    }

    fn read(&mut self, wire: &mut Wire) -> io::Result<Piece> {
        match *self {
            Self::Length(0) | Self::Ended => {
                *self = Self::Ended;
                Ok(Piece::End(Vec::new()))
            }
            Self::Length(left) => {
                let data = some(wire, left)?;
                *self = Self::Length(left - data.len());
                Ok(Piece::Data(data))
            }
            Self::Chunked(0) => {
                let line = wire.line()?;
                let size = usize::from_str_radix(line.split(';').next().unwrap().trim(), 16);
                match size.unwrap_or_else(|_| panic!("no chunk size: {line:?}")) {
                    0 => {
                        *self = Self::Ended;
                        let mut trailers = Vec::new();
                        loop {
                            match wire.line()? {
                                end if end.is_empty() => return Ok(Piece::End(trailers)),
                                line => trailers.push(line),
                            }
                        }
                    }
                    size => {
                        *self = Self::Chunked(size);
                        self.read(wire)
                    }
                }
            }
            Self::Chunked(left) => {
                let data = some(wire, left)?;
                if data.len() == left {
                    assert_eq!(wire.exactly(2)?, b"\r\n");
                }
                *self = Self::Chunked(left - data.len());
                Ok(Piece::Data(data))
            }
            Self::UntilClose => match wire.some(64 * 1024)? {
                none if none.is_empty() => {
                    *self = Self::Ended;
                    Ok(Piece::End(Vec::new()))
                }
                data => Ok(Piece::Data(data)),
            },
        }
    }
}

fn some(wire: &mut Wire, most: usize) -> io::Result<Vec<u8>> {
    match wire.some(most)? {
        none if none.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
        data => Ok(data),
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

/// Returns where `part` begins in `whole`.
pub(crate) fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

/// Returns `data` as one chunk.
pub(crate) fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}
