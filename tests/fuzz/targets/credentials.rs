//! Credentials: the one token of a request, by a plain reading of the contract.

use http::HeaderValue;

/// What a request shows of who asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// More than one token.
    Ambiguous,
    Nobody,
    /// The header that shows it.
    Token(Vec<u8>),
}

/// Reads the `Authorization` headers of a request, and its query.
pub(super) fn shown(headers: &[HeaderValue], query: &str) -> Shown {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut tokens = pairs.filter(|(name, _)| decoded(name) == b"access_token");
    let in_query = tokens.next().map(|(_, value)| decoded(value));
    if headers.len() > 1 || tokens.next().is_some() {
        return Shown::Ambiguous;
    }
    let Some(header) = headers.first().map(HeaderValue::as_bytes) else {
        // One that fits in no header is shown to nobody.
        let odd = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
        return match in_query {
            Some(token) if !token.trim_ascii().is_empty() && !token.iter().any(odd) => {
                Shown::Token([b"Bearer ", &token[..]].concat())
            }
            _ => Shown::Nobody,
        };
    };
    if header.len() < 7 || !header[..7].eq_ignore_ascii_case(b"Bearer ") {
        return Shown::Nobody;
    }
    let token = header[7..].trim_ascii_end();
    match in_query {
        _ if token.is_empty() => Shown::Nobody,
        Some(other) if other != token => Shown::Ambiguous,
        _ => Shown::Token(header.to_vec()),
    }
}

/// Decodes a part of a query as a form does.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    percent(text.replace('+', " ").as_bytes())
}

/// Decodes once what is written with percent signs.
pub(super) fn percent(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let [first, after @ ..] = rest {
        let two = after.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let code = two.and_then(|two| std::str::from_utf8(two).ok());
        if let Some(code) = code.filter(|_| *first == b'%') {
            bytes.push(u8::from_str_radix(code, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}
