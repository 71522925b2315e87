//! Requests: raw bytes to the real proxy; what reaches the homeserver must be exactly the requests
//! that are in them.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use super::origin::{Came, NUMBER, Origin};
use crate::drive::{Judge, kind};
use crate::strict::{Asked, Reader, Rest};
use crate::support::Sidecar;
use crate::support::wire::{Framing, Head, Piece, Stream, Wire};

pub(super) const WORDS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /_matrix/media/v3/upload HTTP/1.1\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "transfer-encoding:\tchunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 5, 5\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive, content-length, transfer-encoding, host\r\n",
    "Connection: Upgrade\r\nUpgrade: x\r\n",
    "Expect: 100-continue\r\n",
    "Host: b\r\n",
    "Host:\r\n",
    "Authorization: Bearer alice\r\n",
    "X-Forwarded-For: 1.2.3.4\r\n",
    "Trailer: x\r\n",
    "TE: trailers\r\n",
    " folded\r\n",
    "\tfolded\r\n",
    "HTTP/1.0",
    "HTTP/1.1",
    "HTTP/2.0",
    "http://other.example/x",
    "#",
    "#/x",
    "*",
    "OPTIONS * HTTP/1.1\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "HEAD ",
    "GET ",
    "PUT ",
    ";a=b",
    ";a=\"\r\n\"",
    "ffffffffffffffff\r\n",
    "0x5\r\n",
    "chunked",
    "gzip",
    "?access_token=alice",
    "/_matrix/client/v1/media/config",
    "/_metergate/quota",
    "\0",
    "\u{b}",
    "\u{85}",
    ":",
    ",",
    "Cookie: a=b\r\n",
    "Keep-Alive: 5\r\n",
    "Proxy-Connection: x\r\n",
    "Content-Encoding: gzip\r\n",
];

/// What a reader may hold against a plain request: nothing of it is about how it is put.
const REFUSED_AS_ODD: [&str; 5] = ["400", "414", "431", "501", "505"];
/// How many former inputs are known, for what comes of them late.
const REMEMBERED: usize = 256;

/// The headers that are about one hop (RFC 9110 §7.6.1), and those that say who a client is.
const NOT_PASSED_ON: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "content-length",
    "x-forwarded-for",
    "x-real-ip",
    "forwarded",
    "x-request-id",
];

/// The proxy before a homeserver that takes nothing odd.
pub(super) struct Requests {
    origin: Origin,
    sidecar: Sidecar,
    /// From which address each of the last inputs was sent.
    sent: VecDeque<(Ipv4Addr, Vec<Asked>)>,
    count: u32,
}

impl Requests {
    pub(super) fn start() -> Self {
        let origin = Origin::start();
        let setup = Sidecar::before_url(&origin.url).bare();
        let sidecar = setup.proxy(|proxy| proxy.trusted_proxies.clear()).start();
        Self { origin, sidecar, sent: VecDeque::new(), count: 0 }
    }

    /// Connects from an address that no other input comes from.
    fn connect(&mut self) -> (Ipv4Addr, Wire) {
        self.count += 1;
        let byte = |place: u32| u8::try_from(self.count / 250_u32.pow(place) % 250).unwrap();
        // Not 127.0.0.1, where the homeserver is.
        let from = Ipv4Addr::new(127, 1 + byte(2), byte(1), 1 + byte(0));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        let port = self.sidecar.port();
        socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
        (from, Wire::new(Stream::Tcp(TcpStream::from(socket))))
    }
}

impl Judge for Requests {
    fn judge(&mut self, input: &[u8]) -> Result<u64, String> {
        let (asked, rest) = Reader::lenient(input).all();
        let (from, mut wire) = self.connect();
        self.sent.push_back((from, asked.clone()));
        if self.sent.len() > REMEMBERED {
            self.sent.pop_front();
        }
        for piece in pieces(input) {
            // It may have refused all of it already.
            let _ = wire.send(piece);
        }
        if rest != Rest::Nothing {
            wire.stream.shutdown(std::net::Shutdown::Write);
        }
        let answers = answers(&mut wire, &asked, rest, input)?;
        let came = self.origin.take()?;
        for (sender, asked) in &self.sent {
            let sender = sender.to_string();
            let here =
                came.iter().filter(|one| one.asked.all("x-forwarded-for") == [sender.as_bytes()]);
            matched(
                &here.collect::<Vec<_>>(),
                asked,
                (*sender == from.to_string()).then_some(&answers),
            )?;
        }
        let known = |one: &Came| {
            let said = one.asked.all("x-forwarded-for");
            self.sent.iter().any(|(sender, _)| said == [sender.to_string().as_bytes()])
        };
        if let Some(stranger) = came.iter().find(|one| !known(one)) {
            return Err(format!("nobody sent this: {stranger:?}"));
        }
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status.clone()).collect();
        let shape: Vec<_> =
            asked.iter().map(|it| (it.headers.len(), it.is_whole, it.trailers.len())).collect();
        Ok(kind((statuses, shape, rest_kind(rest), came.len())))
    }
}

fn rest_kind(rest: Rest) -> &'static str {
    match rest {
        Rest::Nothing => "",
        Rest::Begun => "begun",
        Rest::Wrong(wrong) => wrong,
    }
}

/// Sends some inputs in one go, and some in two or three.
fn pieces(input: &[u8]) -> Vec<&[u8]> {
    let place = kind(input);
    let at = |share: u64| usize::try_from(place / share).unwrap_or(0) % (input.len() + 1);
    let mut cuts = match place % 3 {
        0 => vec![],
        1 => vec![at(3)],
        _ => vec![at(3), at(7)],
    };
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}

/// A final answer.
struct Answer {
    status: String,
    number: Option<u64>,
    closes: bool,
}

/// Reads an answer for each request there is, and then to the end.
fn answers(
    wire: &mut Wire,
    asked: &[Asked],
    rest: Rest,
    input: &[u8],
) -> Result<Vec<Answer>, String> {
    let mut answers: Vec<Answer> = Vec::new();
    if input.starts_with(b"PRI * HTTP/2.0\r\n") {
        // It is answered in another language.
        wire.stream.shutdown(std::net::Shutdown::Write);
        wire.wait_gone();
        return Ok(answers);
    }
    // The last may be answered by its head.
    while answers.len() <= asked.len() {
        if answers.len() == asked.len() && rest == Rest::Nothing {
            wire.stream.shutdown(std::net::Shutdown::Write);
        }
        let place = answers.len();
        let Some(answer) = answer(wire, asked.get(place))? else { break };
        let refused_as_odd = REFUSED_AS_ODD.contains(&answer.status.as_str());
        match asked.get(place) {
            Some(asked) if asked.is_whole && is_plain(asked) && refused_as_odd => {
                return Err(format!("answered {} to {asked:?}", answer.status));
            }
            None if rest == Rest::Nothing || !refused_as_odd => {
                return Err(format!("answered {} to nothing", answer.status));
            }
            _ => {}
        }
        answers.push(answer);
    }
    let ended = answers.last().is_some_and(|last| last.closes);
    let next = asked.get(answers.len()).filter(|next| next.is_whole && is_plain(next));
    let before = asked[..answers.len().min(asked.len())].iter().all(is_plain);
    match next {
        Some(next) if !ended && before && rest == Rest::Nothing => {
            Err(format!("not answered: {next:?}"))
        }
        _ => Ok(answers),
    }
}

/// Reads one answer; none at the end of the stream.
fn answer(wire: &mut Wire, asked: Option<&Asked>) -> Result<Option<Answer>, String> {
    loop {
        let head: Head = match wire.head() {
            Ok(Some(head)) => head,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(format!("neither answered nor closed: {asked:?}"));
            }
            Ok(None) | Err(_) => return Ok(None),
        };
        let status = head.word(1).to_owned();
        if head.word(0) != "HTTP/1.1" && head.word(0) != "HTTP/1.0" {
            return Err(format!("no answer begins so: {head:?}"));
        }
        if status.starts_with('1') {
            continue;
        }
        let bodiless =
            asked.is_some_and(|it| it.method == "HEAD") || status == "204" || status == "304";
        let mut framing = if bodiless { Framing::Length(0) } else { head.framing(true) };
        while let Piece::Data(_) = framing.next(wire).map_err(|error| error.to_string())? {}
        let closes = head.all("connection").iter().any(|it| it.eq_ignore_ascii_case("close"));
        let number = head.header(NUMBER).map(|it| it.parse().unwrap());
        return Ok(Some(Answer { status, number, closes: closes || head.word(0) == "HTTP/1.0" }));
    }
}

/// Returns whether nobody could take offence at a request.
fn is_plain(asked: &Asked) -> bool {
    let hosts = asked.all("host");
    let is_host = |it: &u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(it);
    let is_target = |it: &u8| it.is_ascii_alphanumeric() || b"/_.-".contains(it);
    let is_text = |it: &u8| (b' '..0x7f).contains(it);
    ["GET", "POST", "PUT", "DELETE"].contains(&asked.method.as_str())
        && !asked.is_old
        && asked.target.starts_with(b"/")
        && asked.target.iter().all(is_target)
        && hosts.len() == 1
        && hosts[0].first().is_some_and(u8::is_ascii_lowercase)
        && hosts[0].iter().all(is_host)
        && asked.headers.len() < 50
        && asked.headers.iter().all(|(name, value)| {
            value.iter().all(is_text)
                && !["connection", "upgrade", "expect", "proxy-connection"].contains(&name.as_str())
        })
        && (asked.all("transfer-encoding").is_empty() || asked.all("content-length").is_empty())
        && asked.all("content-length").len() < 2
}

/// Holds what came to the homeserver, in order, against what was asked, in order.
fn matched(came: &[&Came], asked: &[Asked], answers: Option<&Vec<Answer>>) -> Result<(), String> {
    let mut next = 0;
    for one in came {
        let found = asked[next..].iter().position(|asked| same(&one.asked, asked).is_ok());
        let Some(found) = found else {
            let why = asked.get(next).map(|asked| same(&one.asked, asked).unwrap_err());
            return Err(format!(
                "came to the homeserver, and was not asked for ({why:?}): {one:?}\n  asked: {asked:?}"
            ));
        };
        next += found + 1;
    }
    for (place, answer) in answers.into_iter().flatten().enumerate() {
        let Some(number) = answer.number else { continue };
        let one = came.iter().find(|one| one.number == number);
        let one = one.ok_or_else(|| format!("the answer to another client's request, {number}"))?;
        let asked = asked.get(place).ok_or("an answer to nothing")?;
        same(&one.asked, asked)
            .map_err(|why| format!("answered out of turn ({why}): {asked:?}"))?;
    }
    Ok(())
}

/// Says how what came is not what was asked.
fn same(came: &Asked, asked: &Asked) -> Result<(), String> {
    let (target, authority) = passed_on(&asked.target);
    let check = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    check(came.method == asked.method, "method")?;
    check(came.target == target, "target")?;
    check(!came.is_whole || asked.is_whole, "it is not whole")?;
    check(
        if came.is_whole { came.body == asked.body } else { asked.body.starts_with(&came.body) },
        "body",
    )?;
    for (name, value) in &came.headers {
        let text = value.as_slice();
        let is_asked = asked.headers.iter().any(|(it, said)| it == name && said == value);
        let is_fine = match name.as_str() {
            "x-forwarded-for" | "x-request-id" => true,
            // One of HTTP/1.0 may name none, and then it is the homeserver's.
            "host" => {
                authority.map_or(is_asked, |it| it == text)
                    || (asked.is_old && asked.all("host").is_empty())
            }
            "content-length" => {
                is_asked || (came.is_whole && came.body.len().to_string().as_bytes() == text)
            }
            "transfer-encoding" => {
                !asked.all(name).is_empty() && text.eq_ignore_ascii_case(b"chunked")
            }
            "te" => text == b"trailers" && !asked.all("te").is_empty(),
            "connection" => {
                text == b"te" || (text == b"upgrade" && !asked.all("upgrade").is_empty())
            }
            "keep-alive" | "proxy-connection" | "http2-settings" => false,
            _ => is_asked,
        };
        check(is_fine, &format!("header {name}: {}", value.escape_ascii()))?;
    }
    if asked.all("connection").is_empty() {
        for (name, value) in &asked.headers {
            let is_passed = NOT_PASSED_ON.contains(&name.as_str())
                || (name == "host" && authority.is_some())
                || came.headers.iter().any(|(it, said)| it == name && said == value);
            check(is_passed, &format!("without the header {name}"))?;
        }
    }
    let is_asked = |(name, value): &(String, Vec<u8>)| {
        asked.trailers.iter().any(|(it, said)| it == name && said == value)
    };
    check(came.trailers.iter().all(is_asked), "trailers")
}

/// Returns what a target is on the way up, and the host it names.
fn passed_on(target: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let end = target.iter().position(|byte| *byte == b'#').unwrap_or(target.len());
    let target = &target[..end];
    let Some(scheme) =
        target.windows(3).position(|it| it == b"://").filter(|_| !target.starts_with(b"/"))
    else {
        return (target.to_vec(), None);
    };
    let rest = &target[scheme + 3..];
    let path = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path);
    let slash: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
    ([slash, path].concat(), Some(authority))
}
