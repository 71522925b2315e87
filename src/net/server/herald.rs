//! Herald: the PROXY protocol, by which a trusted proxy says whose connection it passes on.
//!
//! Expected of those who are trusted, of each connection, and of nobody else: guessing whether there
//! is a header would let anyone say who he is.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use proxy_header::{Error, ParseConfig, ProxyHeader};
use tokio::io::AsyncRead;

use crate::net::ahead::Ahead;
use crate::net::listener::Peer;

/// A longer header is refused: one of version 2 with all it may say of a TLS connection fits.
const LONGEST: usize = 4 * 1024;
/// What a header of version 1 begins with.
const FIRST: &[u8] = b"PROXY";
/// The longest of version 1, its end included.
const LONGEST_FIRST: usize = 107;
/// What it says beside the addresses is not needed.
const ADDRESSES: ParseConfig = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };

/// Whose connections begin with a PROXY header: these networks', and all over Unix sockets.
#[derive(Clone, Debug)]
pub struct Heralds(Arc<[IpNet]>);

impl Heralds {
    /// Returns those of these networks.
    #[must_use]
    pub fn of(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Returns whether a connection of this peer begins with a header.
    pub(super) fn expect_of(&self, peer: Peer) -> bool {
        match peer {
            Peer::Unix => true,
            Peer::Ip(ip) => self.0.iter().any(|network| network.contains(&ip)),
        }
    }
}

/// Reads the header; returns who is behind it, or none if the proxy speaks for itself.
///
/// # Errors
/// When there is none, or none that is understood.
pub(super) async fn read<T: AsyncRead + Unpin>(
    stream: &mut Ahead<T>,
) -> io::Result<Option<IpAddr>> {
    loop {
        match ProxyHeader::parse(stream.seen(), ADDRESSES) {
            Ok((header, length)) if is_exact(stream.seen().get(..length).unwrap_or_default()) => {
                let source = header.proxied_address().map(|it| it.source.ip().to_canonical());
                stream.skip(length);
                return Ok(source);
            }
            Err(Error::BufferTooShort) if stream.seen().len() < LONGEST => {
                if !stream.look().await? {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(_) | Err(_) => {
                let wrong = "a trusted proxy did not begin with a PROXY header";
                return Err(io::Error::new(ErrorKind::InvalidData, wrong));
            }
        }
    }
}

/// Returns whether a header that was understood keeps to its form: of version 1 the reader takes
/// any byte after its first word, any length, and ports like `+1` and `01`.
fn is_exact(header: &[u8]) -> bool {
    let Some(said) = header.strip_prefix(FIRST) else { return header.len() <= LONGEST };
    let is_port =
        |word: &[u8]| word.first().is_some_and(|it| matches!(it, b'1'..=b'9')) || word == b"0";
    let mut words = said.trim_ascii_end().rsplit(|byte| *byte == b' ');
    header.len() <= LONGEST_FIRST
        && (said.starts_with(b" UNKNOWN")
            || (said.starts_with(b" ") && words.by_ref().take(2).all(is_port)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// Returns what is read of a header that comes in these pieces, and what comes after it.
    async fn heard(pieces: &[&[u8]]) -> io::Result<(Option<IpAddr>, Vec<u8>)> {
        let (here, mut there) = duplex(1);
        let sent = pieces.concat();
        let sending = tokio::spawn(async move {
            // Whoever is refused is not read any more.
            let _ = there.write_all(&sent).await;
        });
        let mut stream = Ahead::new(here);
        let said = read(&mut stream).await?;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        sending.await.unwrap();
        Ok((said, rest))
    }

    /// A header of version 2: command, family, addresses.
    fn second(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        let start = b"\r\n\r\n\0\r\nQUIT\n";
        [&start[..], &[0x20 | command, family], &length, addresses].concat()
    }

    #[tokio::test]
    async fn both_versions_say_who_is_behind_the_proxy() {
        let four = second(1, 0x11, &[192, 0, 2, 9, 127, 0, 0, 1, 1, 2, 3, 4]);
        let mut long = [0; 36];
        long[15] = 1;
        let rows: [(&[u8], Option<&str>); 6] = [
            (b"PROXY TCP4 192.0.2.9 127.0.0.1 1 2\r\n", Some("192.0.2.9")),
            (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", Some("2001:db8::1")),
            (b"PROXY UNKNOWN\r\n", None),
            (&four, Some("192.0.2.9")),
            (&second(1, 0x21, &long), Some("::1")),
            (&second(0, 0, &[]), None),
        ];
        for (header, expected) in rows {
            let (said, rest) = heard(&[header, b"GET /"]).await.unwrap();
            assert_eq!(said, expected.map(|it| it.parse().unwrap()), "{header:?}");
            assert_eq!(rest, b"GET /");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let endless = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        let large = second(1, 0x11, &[0; 8000]);
        let long = [&b"PROXY UNKNOWN "[..], &[b'x'; 100], b"\r\n"].concat();
        for wrong in [
            b"GET / HTTP/1.1\r\n",
            &b"PROXY TCP4 x y\r\n"[..],
            b"PROXY",
            b"",
            b"PROXY/UNKNOWN\r\n",
            b"PROXY\nTCP4 192.0.2.9 127.0.0.1 1 2\r\n",
            b"PROXY TCP4 192.0.2.9 127.0.0.1 +1 2\r\n",
            b"PROXY TCP4 192.0.2.9 127.0.0.1 1 02\r\n",
            &endless,
            &large,
            &long,
        ] {
            assert!(heard(&[wrong]).await.is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_understood_or_refused(
            version in 0..3_usize,
            noise in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let starts: [&[u8]; 3] = [b"", b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"];
            let bytes = [starts[version], &noise].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(heard(&[&bytes]));
        }
    }
}
