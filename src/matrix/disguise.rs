//! Disguises: spellings that a tidying gateway behind us would turn into a route.
//!
//! Decoding (once or twice), `\` as `/`, parameters after `;`, control characters and spaces, empty
//! and dot segments, upper case, a query or fragment behind an encoded `?` or `#`. Gateways differ in
//! what they do and in which order, so one canonical copy is not enough: `/_matrix/a%5cb/../media`
//! is two different paths. All they do to segments is to drop some, though. Hence: where no `..` is in
//! sight, the copy has to begin with the route; where one is, it is enough that the route's segments
//! are there in order.

use percent_encoding::{percent_decode, percent_decode_str};

/// Returns whether a path may be taken for one of `prefixes` followed by one of `ends`, and anything.
///
/// A path without anything odd in it never is, whatever it says: it was compared as it stands.
pub(super) fn hides(path: &str, prefixes: &[&str], ends: &[&str]) -> bool {
    if is_plain(path) {
        return false;
    }
    let once: Vec<u8> = percent_decode_str(path).collect();
    let mut copy: Vec<u8> = percent_decode(&once).collect();
    copy.retain(|byte| !byte.is_ascii_control() && *byte != b' ');
    copy.make_ascii_lowercase();

    let pieces = copy.split(|byte| is_slash(*byte) || is_cut(*byte));
    let climbs = pieces.clone().any(|piece| piece == b"..");
    prefixes.iter().any(|prefix| {
        let mut route = prefix.split('/').filter(|segment| !segment.is_empty());
        if climbs {
            let mut pieces = pieces.clone();
            route.all(|segment| pieces.any(|piece| piece == segment.as_bytes()))
                && pieces.any(|piece| is_one_of(piece, ends))
        } else {
            let mut segments = segments(&copy);
            route.all(|segment| segments.next() == Some(segment.as_bytes()))
                && segments.next().is_some_and(|segment| is_one_of(segment, ends))
        }
    })
}

/// Returns whether no gateway could read a path in any other way.
fn is_plain(path: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.~!$&'()*+,=:@/".contains(&byte)
    };
    path.bytes().all(is_plain)
        && !path.contains("//")
        && !path.contains("/.")
        && !path.ends_with('/')
}

/// Returns the segments that are left when a decoded path is tidied up.
fn segments(copy: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = copy.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(copy.len());
    let (path, _) = copy.split_at(end);
    path.split(|byte| is_slash(*byte))
        .map(|segment| segment.split(|byte| *byte == b';').next().unwrap_or_default())
        .filter(|segment| !segment.is_empty() && *segment != b".")
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

fn is_cut(byte: u8) -> bool {
    matches!(byte, b';' | b'?' | b'#')
}

fn is_one_of(piece: &[u8], ends: &[&str]) -> bool {
    ends.iter().any(|end| piece == end.as_bytes())
}
