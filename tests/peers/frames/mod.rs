//! Frames: HTTP/2 written frame by frame, so that it can be wrong in any way (RFC 9113, RFC 7541).

mod fields;
mod status;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::time::Duration;

pub(crate) use self::fields::{Fields, frame, integer, setting};
use self::status::status;
use crate::support::Client;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

/// How much a frame may hold unless told otherwise.
pub(crate) const LARGEST: usize = 16 * 1024;
/// The least and the most that a window may be.
const WINDOW: i64 = 65_535;
const WIDEST: u32 = 0x7fff_ffff;

/// What came of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// 0 as long as there is no answer.
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// The answer came to its end.
    pub(crate) whole: bool,
    /// Why the stream was reset.
    pub(crate) reset: Option<u32>,
    /// The connection ended before the answer did.
    pub(crate) gone: bool,
}

impl Told {
    fn is_over(&self) -> bool {
        self.whole || self.gone || self.reset.is_some()
    }
}

/// A connection on which frames are written by hand, and read as they come.
pub(crate) struct Frames {
    client: Client,
    streams: BTreeMap<u32, Told>,
    next: u32,
    /// How much the other side takes: of all streams, of a new one, and what was given or spent
    /// of each since.
    window: i64,
    first_window: i64,
    windows: BTreeMap<u32, i64>,
    /// How many frames of each kind have come.
    came: BTreeMap<u8, usize>,
    /// How long the heads of all answers were.
    pub(crate) heads: usize,
    /// Why the other side closes.
    away: Option<u32>,
    gone: bool,
}

impl Frames {
    /// Begins as a client does that reads all it gets, and keeps no table of what was said before.
    pub(crate) fn to(client: Client) -> Self {
        let settings = [setting(1, 0), setting(4, WIDEST)].concat();
        let mut frames = Self::with(client, &settings);
        frames.window_update(0, WIDEST - 65_535);
        frames
    }

    /// Begins with these settings.
    pub(crate) fn with(client: Client, settings: &[u8]) -> Self {
        let mut frames = Self::bare(client);
        frames.raw(&[PREFACE, &frame(SETTINGS, 0, 0, settings)].concat());
        frames
    }

    /// Has said nothing yet.
    pub(crate) const fn bare(client: Client) -> Self {
        Self {
            client,
            streams: BTreeMap::new(),
            next: 1,
            window: WINDOW,
            first_window: WINDOW,
            windows: BTreeMap::new(),
            came: BTreeMap::new(),
            heads: 0,
            away: None,
            gone: false,
        }
    }

    /// Sends these bytes; returns whether they were taken.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> bool {
        self.client.try_send(bytes).is_ok()
    }

    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.raw(&frame(kind, flags, stream, payload))
    }

    pub(crate) fn window_update(&mut self, stream: u32, more: u32) -> bool {
        self.send(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
    }

    pub(crate) fn reset(&mut self, stream: u32) -> bool {
        self.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
    }

    /// Returns the number of the next stream.
    pub(crate) fn stream(&mut self) -> u32 {
        self.next += 2;
        self.next - 2
    }

    /// Begins a request; `end` if it has no body. Returns its stream.
    pub(crate) fn begin(&mut self, fields: &Fields, end: bool) -> u32 {
        let stream = self.stream();
        self.headers(stream, fields, end);
        stream
    }

    /// Sends fields, in as many frames as they need.
    pub(crate) fn headers(&mut self, stream: u32, fields: &Fields, end: bool) -> bool {
        let block = fields.block();
        let pieces: Vec<_> = block.chunks(LARGEST).collect();
        let mut bytes = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let kind = if index == 0 { HEADERS } else { CONTINUATION };
            let mut flags = if index == 0 && end { END_STREAM } else { 0 };
            if index + 1 == pieces.len() {
                flags |= END_HEADERS;
            }
            bytes.extend(frame(kind, flags, stream, piece));
        }
        self.raw(&bytes)
    }

    /// Sends a piece of a body as fast as the other side takes it; false once it takes no more.
    pub(crate) fn body(&mut self, stream: u32, data: &[u8], end: bool) -> bool {
        if data.is_empty() {
            return self.send(DATA, u8::from(end), stream, data);
        }
        let mut left = data;
        while !left.is_empty() {
            let given = self.windows.get(&stream).copied().unwrap_or_default();
            let room = self.window.min(self.first_window + given);
            let room = usize::try_from(room).unwrap_or_default().min(LARGEST).min(left.len());
            if room == 0 {
                let over = self.streams.get(&stream).is_some_and(Told::is_over);
                if over || self.read().is_none() {
                    return false;
                }
                continue;
            }
            let (piece, rest) = left.split_at(room);
            if !self.send(DATA, u8::from(end && rest.is_empty()), stream, piece) {
                return false;
            }
            let spent = i64::try_from(room).unwrap();
            self.window -= spent;
            *self.windows.entry(stream).or_default() -= spent;
            left = rest;
        }
        true
    }

    /// Asks without a body; returns what came of it.
    pub(crate) fn ask(&mut self, fields: &Fields) -> Told {
        let stream = self.begin(fields, true);
        self.told(stream)
    }

    /// Reads until the answer on a stream has ended in some way.
    pub(crate) fn told(&mut self, stream: u32) -> Told {
        self.until(stream, Told::is_over)
    }

    /// Reads until the answer on a stream is like this, or over.
    pub(crate) fn until(&mut self, stream: u32, is_enough: impl Fn(&Told) -> bool) -> Told {
        loop {
            let told = self.streams.entry(stream).or_default();
            if told.is_over() || is_enough(told) {
                return told.clone();
            }
            self.read();
            if self.gone {
                self.streams.entry(stream).or_default().gone = true;
            }
        }
    }

    /// Reads until the other side has closed for some mistake, as it says or not.
    pub(crate) fn ends(&mut self) {
        while !self.gone && self.away.is_none_or(|reason| reason == 0) {
            self.read();
        }
        assert_ne!(self.away, Some(0), "it ended as one does that was left idle");
    }

    /// Reads whatever comes until the other side has closed.
    pub(crate) fn closes(&mut self) {
        loop {
            match self.client.wire.some(LARGEST) {
                Ok(end) if end.is_empty() => return,
                Ok(_) => {}
                Err(error) => {
                    let kind = error.kind();
                    assert!(!matches!(kind, ErrorKind::TimedOut | ErrorKind::WouldBlock), "no end");
                    return;
                }
            }
        }
    }

    /// Returns whether a stream has ended, as far as was read.
    pub(crate) fn is_over(&self, stream: u32) -> bool {
        self.streams.get(&stream).is_some_and(Told::is_over)
    }

    /// Gives up sending after this.
    pub(crate) fn patience(&self, span: Duration) {
        self.client.wire.stream.write_timeout(span);
    }

    /// Likewise, or until it has reset a stream.
    pub(crate) fn complains(&mut self, stream: u32) {
        while self.streams.entry(stream).or_default().reset.is_none_or(|reason| reason == 0) {
            if self.gone || self.away.is_some_and(|reason| reason != 0) {
                return self.ends();
            }
            self.read();
        }
    }

    /// Waits until so many frames of a kind have come; false if the connection ends before.
    pub(crate) fn comes(&mut self, kind: u8, count: usize) -> bool {
        while self.came.get(&kind).copied().unwrap_or_default() < count {
            if self.read().is_none() {
                return false;
            }
        }
        true
    }

    /// Reads a frame, and does what has to be done about it; none at the end of the connection.
    pub(crate) fn read(&mut self) -> Option<u8> {
        match self.read_frame() {
            Ok((kind, flags, stream, payload)) => {
                *self.came.entry(kind).or_default() += 1;
                self.heed(kind, flags, stream, &payload);
                Some(kind)
            }
            Err(error) => match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock => panic!("no answer, and no end"),
                _ => {
                    self.gone = true;
                    None
                }
            },
        }
    }

    fn read_frame(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        let head = self.client.wire.exactly(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let length = usize::try_from(length).unwrap();
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        Ok((head[3], head[4], stream, self.client.wire.exactly(length)?))
    }

    fn heed(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let number = |from: usize| u32::from_be_bytes(payload[from..from + 4].try_into().unwrap());
        match kind {
            SETTINGS if flags & ACK == 0 => {
                for pair in payload.chunks_exact(6).filter(|pair| pair[..2] == [0, 4]) {
                    let size = u32::from_be_bytes(pair[2..].try_into().unwrap());
                    self.first_window = i64::from(size);
                }
                self.send(SETTINGS, ACK, 0, &[]);
            }
            PING if flags & ACK == 0 => drop(self.send(PING, ACK, 0, payload)),
            WINDOW_UPDATE if stream == 0 => self.window += i64::from(number(0)),
            WINDOW_UPDATE => *self.windows.entry(stream).or_default() += i64::from(number(0)),
            GOAWAY => self.away = Some(number(4)),
            RST_STREAM => self.streams.entry(stream).or_default().reset = Some(number(0)),
            HEADERS => {
                self.heads += payload.len();
                let told = self.streams.entry(stream).or_default();
                // What comes after an answer are its trailers; what comes before is not the answer.
                if told.status < 200 {
                    told.status = status(payload);
                }
                told.whole |= flags & END_STREAM != 0;
            }
            DATA => {
                let told = self.streams.entry(stream).or_default();
                told.body.extend(payload);
                told.whole |= flags & END_STREAM != 0;
            }
            _ => {}
        }
    }

    /// Breaks the connection off with a reset.
    pub(crate) fn break_off(self) {
        self.client.reset();
    }
}
