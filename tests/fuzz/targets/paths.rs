//! Paths and queries: what a request asks for and who asks, against a slow and plain reading.
//!
//! An input is a method and a target, and then a line for each `Authorization` header.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Uri};
use metergate::matrix::{Credentials, Endpoint};

use super::credentials::{Shown, decoded, percent, shown};
use crate::drive::{Judge, kind};

pub(super) const WORDS: &[&str] = &[
    "/_matrix/media/",
    "/_matrix/client/v1/media/",
    "upload",
    "create",
    "config",
    "v3",
    "v1",
    "r0",
    "unstable/fi.mau.msc2246",
    "unstable/org.matrix.msc3911",
    "%2f",
    "%252F",
    "%5c",
    "\\",
    "//",
    "/./",
    "/../",
    "/x/..",
    "%2e%2e",
    "%252e",
    ";x",
    ";/",
    "%3b",
    "%3f",
    "%23",
    "%00",
    "%20",
    "%09",
    "%75",
    "%2575",
    "UPLOAD",
    "#",
    "?",
    "http://a.example",
    "/_metergate/",
    "POST ",
    "PUT ",
    "GET ",
    "DELETE ",
    "?access_token=a",
    "&access_token=a",
    "access%5Ftoken=",
    "%61ccess_token",
    ";access_token=a",
    "user_id=@b:e",
    "&device_id=D",
    "\nBearer a",
    "\nbearer a",
    "\nBasic a",
    "\n",
    "+",
    "%2B",
    "%",
    "%zz",
    "%0a",
    "_matrix",
    "media",
    "logout",
    "example.org/abc",
];

/// Where media is stored, by the contract.
const MEDIA: [&str; 6] = [
    "/_matrix/media/r0/",
    "/_matrix/media/v1/",
    "/_matrix/media/v3/",
    "/_matrix/media/unstable/fi.mau.msc2246/",
    "/_matrix/client/v1/media/",
    "/_matrix/client/unstable/org.matrix.msc3911/media/",
];

pub(super) struct Paths;

impl Judge for Paths {
    fn judge(&mut self, input: &[u8]) -> Result<u64, String> {
        let mut lines = input.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let space = first.iter().position(|byte| *byte == b' ').unwrap_or(0);
        let (method, target) = first.split_at(space);
        let target = Uri::try_from(target.get(1..).unwrap_or_default());
        let (Ok(method), Ok(target)) = (Method::from_bytes(method), target) else { return Ok(0) };
        let found = Endpoint::of(&method, &target);
        let reading = means(&method, &target, found)?;
        let headers: Result<Vec<_>, _> = lines.map(HeaderValue::from_bytes).collect();
        let Ok(headers) = headers else { return Ok(kind(found)) };
        let shown = who(&headers, target.query())?;
        Ok(kind((found, reading, shown, headers.len())))
    }
}

/// Holds what a request means against every way to read its path.
fn means(method: &Method, target: &Uri, found: Endpoint) -> Result<&'static str, String> {
    let path = target.path();
    let stores = matches!(found, Endpoint::Upload | Endpoint::Create);
    let refused = found == Endpoint::Disguised;
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return if stores || refused { Err(format!("{method} is {found:?}")) } else { Ok("reads") };
    }
    let is_exact = is_route(path.as_bytes()) && target.authority().is_none();
    if stores != is_exact {
        return Err(format!("{path} is {found:?}"));
    }
    let readings = readings(path);
    if let Some(reading) = readings.iter().find(|reading| is_route(reading))
        && !stores
        && !refused
        && found != Endpoint::Own
    {
        return Err(format!("{path} may be read as {}, and is {found:?}", reading.escape_ascii()));
    }
    let looks_so = |reading: &Vec<u8>| MEDIA.iter().any(|route| begins(reading, route));
    let climbs = readings.iter().any(|reading| reading.windows(2).any(|it| it == b".."));
    if refused && !climbs && !readings.iter().any(looks_so) {
        return Err(format!("{path} is refused, and nobody could take it for an upload"));
    }
    Ok(if refused { "refused" } else { "passes" })
}

fn is_route(path: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(path) else { return false };
    let Some(rest) = MEDIA.iter().find_map(|route| path.strip_prefix(route)) else { return false };
    let parts: Vec<_> = rest.split('/').collect();
    match parts[..] {
        ["upload" | "create"] => true,
        ["upload", server, id] => !server.is_empty() && !id.is_empty(),
        _ => false,
    }
}

/// Returns whether a reading is a route of uploads, whatever comes after it.
fn begins(reading: &[u8], route: &str) -> bool {
    let Some(rest) = reading.strip_prefix(route.as_bytes()) else { return false };
    [&b"upload"[..], b"create"].iter().any(|end| {
        rest.strip_prefix(*end)
            .is_some_and(|after| after.first().is_none_or(|byte| b"/;?#".contains(byte)))
    })
}

/// Returns a path as gateways may read it: each does some of what can be done, in some order.
fn readings(path: &str) -> Vec<Vec<u8>> {
    let mut readings = Vec::new();
    for choice in 0..3 * 64_u32 {
        let on = |bit: u32| (choice / 3) & (1 << bit) != 0;
        let mut reading = path.as_bytes().to_vec();
        for _ in 0..choice % 3 {
            reading = percent(&reading);
        }
        if on(0) {
            reading.retain(|byte| *byte > b' ' && *byte != 0x7f);
        }
        if on(1) {
            reading.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
        }
        if on(2) {
            let end = reading.iter().position(|byte| b"?#".contains(byte)).unwrap_or(reading.len());
            reading.truncate(end);
        }
        // Dots before parameters, or after them.
        if on(3) {
            reading = tidied(&reading);
        }
        if on(4) {
            let cut = |segment: &[u8]| segment.split(|byte| *byte == b';').next().unwrap().to_vec();
            reading = reading.split(|byte| *byte == b'/').map(cut).collect::<Vec<_>>().join(&b'/');
            reading = tidied(&reading);
        }
        if on(5) {
            reading.make_ascii_lowercase();
        }
        readings.push(reading);
    }
    readings
}

/// Merges slashes, and resolves dots.
fn tidied(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    [b"/", &kept.join(&b'/')[..]].concat()
}

/// Holds who asks against a plain reading.
fn who(headers: &[HeaderValue], query: Option<&str>) -> Result<&'static str, String> {
    let mut map = HeaderMap::new();
    for header in headers {
        map.append(AUTHORIZATION, header.clone());
    }
    let expected = shown(headers, query.unwrap_or_default());
    let credentials = Credentials::of(&map, query);
    let found = match &credentials {
        Err(_) => Shown::Ambiguous,
        Ok(one) => {
            one.token().map_or(Shown::Nobody, |token| Shown::Token(token.as_bytes().to_vec()))
        }
    };
    if found != expected {
        return Err(format!("{found:?} instead of {expected:?}: {headers:?} {query:?}"));
    }
    if let Ok(one) = credentials {
        let acting_as = one.acting_as();
        let names = acting_as.split(['&', ';']).map(|pair| pair.split('=').next().unwrap());
        if names.map(decoded).any(|name| name == b"access_token") {
            return Err(format!("a token would be put into a URL: {acting_as}"));
        }
        let kept = acting_as.split('&').filter(|pair| !pair.is_empty());
        let query: Vec<_> = query.unwrap_or_default().split('&').collect();
        if let Some(pair) = kept.clone().find(|pair| !query.contains(pair)) {
            return Err(format!("nobody said {pair}"));
        }
    }
    Ok(match found {
        Shown::Ambiguous => "ambiguous",
        Shown::Nobody => "nobody",
        Shown::Token(_) => "token",
    })
}
