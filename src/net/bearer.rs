//! Bearer: the token that a header shows (RFC 6750 §2.1).

use http::HeaderValue;

/// Returns the token of a header `Bearer …`, the scheme in any case; an empty one is none.
#[must_use]
pub fn bearer(header: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = header.as_bytes().split_at_checked(b"Bearer ".len())?;
    let token = token.trim_ascii_end();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}
