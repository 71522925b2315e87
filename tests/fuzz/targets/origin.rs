//! Origin: a homeserver that takes nothing but requests that can be read in one way, and remembers
//! them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::strict::{Asked, Reader, Rest};
use crate::support::homeserver::WHOAMI;

/// The header by which an answer says which request it answers.
pub(super) const NUMBER: &str = "x-number";

/// A request that came, or what came of one before its connection closed.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) number: u64,
    pub(super) asked: Asked,
}

/// A running homeserver; it listens as long as this process lives.
pub(super) struct Origin {
    pub(super) url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    numbers: AtomicU64,
    came: Mutex<Vec<Came>>,
    wrong: Mutex<Vec<String>>,
}

impl Origin {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let all = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), all.clone());
                stream.set_nodelay(true).unwrap();
                std::thread::spawn(move || talk(stream, &shared));
            }
        });
        Self { url, shared }
    }

    /// Takes what has come since the last call, but for the proxy's own questions.
    ///
    /// # Errors
    /// What came that is no request.
    pub(super) fn take(&self) -> Result<Vec<Came>, String> {
        let wrong = std::mem::take(&mut *self.shared.wrong.lock().unwrap());
        match wrong.first() {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(std::mem::take(&mut *self.shared.came.lock().unwrap())),
        }
    }
}

/// Serves one connection until it closes.
fn talk(mut stream: TcpStream, shared: &Shared) {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let mut reader = Reader::strict(&bytes);
        let (asked, rest) = reader.next();
        let read = reader.at();
        match (asked, rest) {
            (Some(asked), None) => {
                bytes.drain(..read);
                let number = note(shared, &asked);
                if stream.write_all(&answer(&asked, number)).is_err() {
                    return;
                }
                continue;
            }
            (_, Some(Rest::Wrong(wrong))) => {
                let sent = bytes.escape_ascii();
                shared
                    .wrong
                    .lock()
                    .unwrap()
                    .push(format!("sent to the homeserver: {sent}\n  {wrong}"));
                return;
            }
            _ => {}
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => {
                if let (Some(asked), _) = Reader::strict(&bytes).next() {
                    note(shared, &asked);
                }
                return;
            }
            Ok(count) => bytes.extend(&piece[..count]),
        }
    }
}

/// Keeps what came; returns its number. Who somebody is may be asked by the proxy itself, on his
/// behalf, so that tells nothing.
fn note(shared: &Shared, asked: &Asked) -> Option<u64> {
    if asked.target.starts_with(WHOAMI.as_bytes()) {
        return None;
    }
    let number = shared.numbers.fetch_add(1, Ordering::SeqCst);
    shared.came.lock().unwrap().push(Came { number, asked: asked.clone() });
    Some(number)
}

fn answer(asked: &Asked, number: Option<u64>) -> Vec<u8> {
    let (status, body) = if number.is_some() || !asked.all("authorization").is_empty() {
        ("200 OK", r#"{"user_id":"@alice:example.org","content_uri":"mxc://example.org/abc"}"#)
    } else {
        ("401 Unauthorized", r#"{"errcode":"M_MISSING_TOKEN","error":"Missing access token"}"#)
    };
    let length = body.len();
    let sent = if asked.method == "HEAD" { "" } else { body };
    let number = number.map(|number| format!("{NUMBER}: {number}\r\n")).unwrap_or_default();
    let head = format!("HTTP/1.1 {status}\r\n{number}Content-Type: application/json\r\n");
    format!("{head}Content-Length: {length}\r\n\r\n{sent}").into_bytes()
}
