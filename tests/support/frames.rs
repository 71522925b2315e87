//! A client that speaks HTTP/2 frame by frame (RFC 9113 §4.1), to see their order and their codes.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::PATIENCE;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Kinds of frames.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

pub(crate) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn ends_stream(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    /// Returns the code of a `RST_STREAM`.
    pub(crate) fn code(&self) -> u32 {
        number(&self.payload)
    }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap()) & 0x7fff_ffff
}

/// One connection.
pub(crate) struct Frames {
    stream: TcpStream,
    /// What may be sent on the connection, and on the stream that sends.
    pub(crate) room: (usize, usize),
    /// Every frame that came but settings, pings and windows.
    pub(crate) came: Vec<Frame>,
    sending: u32,
    initial: usize,
    closed: bool,
}

impl Frames {
    pub(crate) fn to(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(PREFACE).unwrap();
        let room = (65_535, 65_535);
        let came = Vec::new();
        let mut this = Self { stream, room, came, sending: 0, initial: 65_535, closed: false };
        this.send(SETTINGS, 0, 0, &[]);
        // Theirs tell how much may be sent.
        this.read();
        this
    }

    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        // One that is closed is seen by reading.
        let _ = self.stream.write_all(&[&head, payload].concat());
    }

    /// Begins a request with alice's token; more headers may follow.
    pub(crate) fn begin(
        &mut self,
        stream: u32,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        whole: bool,
    ) {
        let first = [
            (":method", method),
            (":scheme", "http"),
            (":authority", "matrix.example.org"),
            (":path", path),
            ("authorization", "Bearer alice"),
        ];
        let mut block = Vec::new();
        for (name, value) in first.iter().chain(more) {
            // Literals that are not indexed, their texts as they are (RFC 7541 §6.2.2).
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        self.sending = stream;
        self.room.1 = self.initial;
        let end = if whole { END_STREAM } else { 0 };
        self.send(HEADERS, END_HEADERS | end, stream, &block);
    }

    /// Sends as much of a body as there is room for, at most `most`; returns how much.
    pub(crate) fn data(&mut self, most: usize) -> usize {
        let size = most.min(self.room.0).min(self.room.1).min(16_384);
        if size > 0 {
            self.send(DATA, 0, self.sending, &vec![b'x'; size]);
            self.room = (self.room.0 - size, self.room.1 - size);
        }
        size
    }

    /// Reads one frame; answers what has to be answered. Returns whether there was one.
    pub(crate) fn read(&mut self) -> bool {
        let mut head = [0; 9];
        if self.stream.read_exact(&mut head).is_err() {
            self.closed = true;
            return false;
        }
        let length = number(&[0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).unwrap();
        let frame = Frame { kind: head[3], flags: head[4], stream: number(&head[5..]), payload };
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                for setting in frame.payload.chunks(6) {
                    if setting[..2] == [0, 4] {
                        let initial = usize::try_from(number(&setting[2..])).unwrap();
                        self.room.1 = self.room.1 + initial - self.initial;
                        self.initial = initial;
                    }
                }
                self.send(SETTINGS, ACK, 0, &[]);
            }
            PING if frame.flags & ACK == 0 => self.send(PING, ACK, 0, &frame.payload),
            WINDOW_UPDATE => {
                let more = usize::try_from(frame.code()).unwrap();
                match frame.stream {
                    0 => self.room.0 += more,
                    stream if stream == self.sending => self.room.1 += more,
                    _ => {}
                }
            }
            SETTINGS | PING => {}
            _ => self.came.push(frame),
        }
        true
    }

    /// Reads until one that came satisfies `wanted`; returns it.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            if let Some(found) = self.came.iter().find(|frame| wanted(frame)) {
                return found.clone();
            }
            assert!(self.read(), "it was closed after {:?}", self.came);
        }
    }

    /// Sends a body of the present stream until that is reset; returns how much was sent.
    pub(crate) fn send_until_reset(&mut self) -> usize {
        let (mut sent, stream) = (0, self.sending);
        while !self.came.iter().any(|frame| frame.kind == RST_STREAM && frame.stream == stream) {
            match self.data(usize::MAX) {
                0 => assert!(self.read(), "it was closed after {:?}", self.came),
                size => sent += size,
            }
        }
        sent
    }

    /// Returns the frames of a stream that came.
    pub(crate) fn of(&self, stream: u32) -> Vec<&Frame> {
        self.came.iter().filter(|frame| frame.stream == stream).collect()
    }

    /// Returns the body of an answer.
    pub(crate) fn body(&self, stream: u32) -> String {
        let data = self.of(stream).into_iter().filter(|frame| frame.kind == DATA);
        let bytes: Vec<u8> = data.flat_map(|frame| frame.payload.clone()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
