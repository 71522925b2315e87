//! Origin: which requests come from a page of somebody else, as browsers tell it.

use http::HeaderMap;
use http::Method;
use http::header::{HOST, ORIGIN};

/// What browsers say about who caused a request: <https://www.w3.org/TR/fetch-metadata/>
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Returns true if no page of somebody else can have caused this and read the answer.
///
/// A browser says so itself; where it does not (an old one, or a plain connection to another
/// machine), it says for everything but reading where the page is from, and a page of somebody
/// else cannot read what it gets.
pub(super) fn is_own(method: &Method, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    if headers.contains_key(ORIGIN) {
        return origin_is_host(headers);
    }
    *method == Method::GET || *method == Method::HEAD
}

/// Returns true if a browser sent it for some page.
pub(super) fn is_of_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(ORIGIN)
}

/// Returns true if it was asked of this machine by a name that only this machine has.
///
/// A page may have its own name point here (DNS rebinding); the name it was asked by stays.
pub(super) fn host_is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = single_host(headers) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    let named = name.trim_end_matches('.').to_ascii_lowercase();
    let numbered = name.parse::<std::net::IpAddr>();
    named == "localhost"
        || named.ends_with(".localhost")
        || numbered.is_ok_and(|address| address.is_loopback())
}

/// Returns true if the page came by an encrypted connection.
pub(super) fn is_by_https(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

fn origin_is_host(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let origin = origin.to_str().unwrap_or_default();
    let place = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    matches!((place, single_host(headers)), (Some(place), Some(host)) if place.eq_ignore_ascii_case(host))
}

fn single_host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    host.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| (*name, value.parse().unwrap()));
        lines.map(|(name, value)| (http::HeaderName::from_static(name), value)).collect()
    }

    #[test]
    fn what_a_browser_says_of_its_page_counts() {
        let own = |method, lines: &[_]| is_own(&method, &headers(lines));
        let host = ("host", "quota.example.org");
        for (origin, expected) in [
            ("https://quota.example.org", true),
            ("http://QUOTA.example.org", true),
            ("https://quota.example.org:8443", false),
            ("https://quota.example.org.evil.example", false),
            ("https://evil.example", false),
            ("null", false),
            ("quota.example.org", false),
        ] {
            assert_eq!(own(Method::POST, &[host, ("origin", origin)]), expected, "{origin}");
        }
        for (site, expected) in
            [("same-origin", true), ("same-site", false), ("cross-site", false), ("none", false)]
        {
            let told = [host, ("sec-fetch-site", site), ("origin", "https://quota.example.org")];
            assert_eq!(own(Method::POST, &told), expected, "{site}");
            assert_eq!(own(Method::GET, &told), expected, "{site}");
        }
        // Of a browser that says nothing, only what changes nothing.
        assert!(own(Method::GET, &[host]) && !own(Method::POST, &[host]));
        assert!(!own(Method::DELETE, &[host]) && !own(Method::PUT, &[host]));
    }

    #[test]
    fn only_names_of_this_machine_alone_are_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST:8400", true),
            ("localhost.:8400", true),
            ("dash.localhost:8400", true),
            ("127.0.0.1:8400", true),
            ("127.8.9.1", true),
            ("[::1]:8400", true),
            ("[::1]", true),
            ("localhost.evil.example", false),
            ("evil.example:8400", false),
            ("127.0.0.1.evil.example", false),
            ("notlocalhost", false),
            ("[::2]:8400", false),
            ("[::1", false),
            ("10.0.0.1:8400", false),
            ("", false),
        ] {
            assert_eq!(host_is_loopback(&headers(&[("host", host)])), expected, "{host}");
        }
        assert!(!host_is_loopback(&HeaderMap::new()));
        let mut two = headers(&[("host", "localhost")]);
        two.append(HOST, "evil.example".parse().unwrap());
        assert!(!host_is_loopback(&two));
    }
}
