//! Cross-origin headers: what every answer needs so that a web client may read it.

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName, HeaderValue,
};

/// The set recommended by <https://spec.matrix.org/v1.18/client-server-api/#web-browser-clients>,
/// and `Retry-After`, which a script could not read otherwise.
const SET: [(HeaderName, &str); 4] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE, OPTIONS"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "X-Requested-With, Content-Type, Authorization"),
    (ACCESS_CONTROL_EXPOSE_HEADERS, "Retry-After"),
];

/// Lets scripts of any origin read an answer, unless the answer already says who may.
pub fn allow_any_origin(headers: &mut HeaderMap) {
    if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    for (name, value) in SET {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_says_who_may_read_it_is_left_alone() {
        let mut headers = HeaderMap::new();
        headers
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://example.org"));
        let before = headers.clone();
        allow_any_origin(&mut headers);
        assert_eq!(headers, before);
    }

    #[test]
    fn an_answer_that_says_nothing_may_be_read_by_all() {
        let mut headers = HeaderMap::new();
        allow_any_origin(&mut headers);
        assert_eq!(headers.len(), SET.len());
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }
}
