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
    let Some(copy) = Tidied::of(path) else { return false };
    prefixes.iter().any(|prefix| {
        let mut route = prefix.split('/').filter(|segment| !segment.is_empty());
        if copy.climbs() {
            let mut pieces = copy.pieces();
            route.all(|segment| pieces.any(|piece| piece == segment.as_bytes()))
                && pieces.any(|piece| is_one_of(piece, ends))
        } else {
            let mut segments = copy.segments();
            route.all(|segment| segments.next() == Some(segment.as_bytes()))
                && segments.next().is_some_and(|segment| is_one_of(segment, ends))
        }
    })
}

/// A path that may be read in several ways, decoded.
pub(super) struct Tidied(Vec<u8>);

impl Tidied {
    /// Returns the copy of `path`; none if there is nothing odd in it.
    pub(super) fn of(path: &str) -> Option<Self> {
        (!is_plain(path)).then(|| Self(decoded(path)))
    }

    /// Returns whether there is a `..` in sight.
    pub(super) fn climbs(&self) -> bool {
        self.pieces().any(|piece| piece == b"..")
    }

    /// Returns everything that may be taken for a segment.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| is_slash(*byte) || is_cut(*byte))
    }

    /// Returns the segments that are left when it is tidied up.
    pub(super) fn segments(&self) -> impl Iterator<Item = &[u8]> {
        segments(&self.0)
    }
}

/// Returns what may be left of `path`, or of a segment, when it is decoded twice.
pub(super) fn decoded(path: &str) -> Vec<u8> {
    let once: Vec<u8> = percent_decode_str(path).collect();
    let mut copy: Vec<u8> = percent_decode(&once).collect();
    copy.retain(|byte| !byte.is_ascii_control() && *byte != b' ');
    copy.make_ascii_lowercase();
    copy
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
