//! Request id: by which lines of several logs are found to be about one request.

use std::fmt;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// The header that carries it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest that is kept, in bytes.
const LONGEST: usize = 128;

/// One request's id.
#[derive(Clone, Debug)]
pub struct RequestId(Id);

#[derive(Clone, Debug)]
enum Id {
    Fresh([u8; 16]),
    Kept(HeaderValue),
}

impl RequestId {
    /// Returns an id that is new.
    #[must_use]
    pub fn fresh() -> Self {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let number = fastrand::u64(..).to_be_bytes();
        let digit = |half: u8| DIGITS[usize::from(half & 15)];
        Self(Id::Fresh(std::array::from_fn(|place| {
            let byte = number[place / 2];
            digit(if place % 2 == 0 { byte >> 4 } else { byte })
        })))
    }

    /// Returns the one id in `headers`, if it is of visible letters and not too long; a new one
    /// otherwise.
    #[must_use]
    pub fn kept(headers: &HeaderMap) -> Self {
        let mut all = headers.get_all(X_REQUEST_ID).iter();
        match (all.next(), all.next()) {
            (Some(one), None) if is_sane(one) => Self(Id::Kept(one.clone())),
            _ => Self::fresh(),
        }
    }

    /// Returns it as a header says it.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        match &self.0 {
            Id::Fresh(digits) => HeaderValue::from_bytes(digits)
                .unwrap_or_else(|_| HeaderValue::from_static("0000000000000000")),
            Id::Kept(value) => value.clone(),
        }
    }

    /// Returns it as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Id::Fresh(digits) => std::str::from_utf8(digits).unwrap_or_default(),
            Id::Kept(value) => value.to_str().unwrap_or_default(),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_sane(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(values: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
        }
        RequestId::kept(&headers).to_string()
    }

    #[test]
    fn a_sane_id_is_kept() {
        let longest = "x".repeat(LONGEST);
        for id in ["1", "0190b6a2-7c1e-7000-8000-000000000000", "a/b+c==", &longest] {
            assert_eq!(kept(&[id.as_bytes()]), id);
        }
    }

    #[test]
    fn an_odd_id_is_replaced() {
        let long = "x".repeat(LONGEST + 1);
        let odd: [&[&[u8]]; 6] =
            [&[], &[b""], &[b"a b"], &[b"a\xff"], &[long.as_bytes()], &[b"a", b"b"]];
        for values in odd {
            let id = kept(values);
            assert_eq!(id.len(), 16, "{values:?}");
            assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        }
    }

    #[test]
    fn a_new_id_is_told_alike_in_headers_and_in_the_log() {
        let (one, other) = (RequestId::fresh(), RequestId::fresh());
        assert_eq!(one.value(), one.as_str());
        assert_ne!(one.as_str(), other.as_str());
    }
}
