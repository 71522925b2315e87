//! `PathPattern`: paths as the configuration names them, `/_matrix/client/v1/media/download/**`.
//!
//! Matched by exact bytes, like the [routes](super::Endpoint) that are built in; and what is such a
//! path only after a gateway behind us has tidied it up is found the same way.

use std::fmt;
use std::str::FromStr;

use http::{Method, Uri};

use super::disguise::{Tidied, decoded};
use super::routes::{MEDIA, OWN};
use crate::quota::Invalid;

/// A path in which `*` is any one segment, and `**`, at its end, any rest of one byte or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    segments: Vec<Segment>,
    /// It ends in `**`.
    rest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// These bytes; and what a gateway may make of them.
    Exactly(String, Vec<u8>),
    /// Anything but nothing.
    Any,
}

/// What a pattern must not meet, as it has a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The routes that store media, by methods that change something.
    Uploads,
    /// `/_metergate`.
    Own,
}

impl PathPattern {
    /// Returns whether `path` is one of these as it is written.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else { return false };
        let mut pieces = path.split('/');
        let fits = |segment: &Segment| match (segment, pieces.next()) {
            (Segment::Exactly(text, _), Some(piece)) => piece == text,
            (Segment::Any, Some(piece)) => !piece.is_empty(),
            (_, None) => false,
        };
        if !self.segments.iter().all(fits) {
            return false;
        }
        match (self.rest, pieces.next()) {
            (true, Some(first)) => !first.is_empty() || pieces.next().is_some(),
            (false, None) => true,
            // A slash at the end, as clients write an empty state key.
            (false, Some(last)) => last.is_empty() && pieces.next().is_none(),
            (true, None) => false,
        }
    }

    /// Returns whether `copy` may become one of these.
    fn is_hidden_in(&self, copy: &Tidied) -> bool {
        if copy.climbs() {
            let mut pieces = copy.pieces();
            let mut found = |segment| pieces.any(|piece| like(segment, piece));
            return self.segments.iter().all(&mut found) && (!self.rest || found(&Segment::Any));
        }
        let mut segments = copy.segments();
        let mut next = |segment| segments.next().is_some_and(|it| like(segment, it));
        self.segments.iter().all(&mut next) && segments.next().is_some() == self.rest
    }

    /// Returns whether some path is one of these, and one of those of `other`.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let both = self.segments.iter().zip(&other.segments);
        let agree = both.into_iter().all(|pair| match pair {
            (Segment::Exactly(one, _), Segment::Exactly(two, _)) => one == two,
            (Segment::Any, _) | (_, Segment::Any) => true,
        });
        agree
            && match self.segments.len().cmp(&other.segments.len()) {
                std::cmp::Ordering::Less => self.rest,
                std::cmp::Ordering::Equal => self.rest == other.rest,
                std::cmp::Ordering::Greater => other.rest,
            }
    }

    /// Returns what it must not meet by `method`, but does.
    #[must_use]
    pub fn taken(&self, method: &Method) -> Option<Taken> {
        let meets = |path: &str| path.parse().is_ok_and(|other| self.meets(&other));
        if meets(OWN) || meets(&format!("{OWN}/**")) {
            return Some(Taken::Own);
        }
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let stores = |end: &str| MEDIA.iter().any(|prefix| meets(&format!("{prefix}{end}")));
        let taken = changes && ["upload", "upload/*/*", "create"].into_iter().any(stores);
        taken.then_some(Taken::Uploads)
    }

    /// Returns the first of `patterns` that a request for `target` matches, or that there is one
    /// that a gateway may take it for: that is an error. Where it climbs (`..`), no other one may
    /// be hidden in it either.
    ///
    /// # Errors
    /// If `target` is one of them in disguise.
    pub fn first<'a, T>(
        patterns: impl Iterator<Item = (&'a Self, T)> + Clone,
        target: &Uri,
    ) -> Result<Option<T>, Disguised> {
        let path = target.path();
        let mut exact = patterns.clone().enumerate().filter(|(_, (it, _))| it.matches(path));
        let found = exact.next();
        if found.is_some() && target.authority().is_some() {
            return Err(Disguised);
        }
        let Some(copy) = Tidied::of(path) else { return Ok(found.map(|(_, (_, value))| value)) };
        let number = found.as_ref().map(|(number, _)| *number);
        let mut others = patterns.enumerate().filter(|(other, _)| Some(*other) != number);
        let looks = number.is_none() || copy.climbs();
        if looks && others.any(|(_, (other, _))| other.is_hidden_in(&copy)) {
            return Err(Disguised);
        }
        Ok(found.map(|(_, (_, value))| value))
    }
}

/// Something is not what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disguised;

fn like(segment: &Segment, piece: &[u8]) -> bool {
    match segment {
        Segment::Exactly(_, tidy) => piece == tidy,
        Segment::Any => !piece.is_empty(),
    }
}

/// Returns whether a byte is never written in any other way (RFC 3986 §2.3).
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

impl FromStr for PathPattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = |what: &str| Err(Invalid::new(format!("\"{text}\" {what}")));
        let Some(path) = text.strip_prefix('/') else {
            return wrong("does not begin with a slash: write \"/_matrix/…\"");
        };
        if text.contains(['?', '#']) {
            return wrong("has a query or fragment: leave it out, only paths are compared");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("is no path: write * for a segment with other characters");
        }
        let (path, rest) = match path.strip_suffix("**") {
            Some("") => ("", true),
            Some(before) => match before.strip_suffix('/') {
                Some(before) => (before, true),
                None => (path, false),
            },
            None => (path, false),
        };
        let alone = text == "/**";
        let segments = path.split('/').filter(|_| !alone);
        let mut read = Vec::new();
        for segment in segments {
            read.push(match segment {
                "*" => Segment::Any,
                "" | "." | ".." => {
                    return wrong("has a segment that is empty or dots: no request is to have one");
                }
                _ if segment.contains('*') => {
                    return wrong("has a star within a segment: * is one whole segment, ** at the end any rest");
                }
                _ if !segment.bytes().all(is_unreserved) => {
                    return wrong(
                        "has a segment that clients may write in several ways (!, :, %21, …): write * for it",
                    );
                }
                _ => Segment::Exactly(segment.to_owned(), decoded(segment)),
            });
        }
        Ok(Self { segments: read, rest })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Exactly(text, _) => write!(f, "/{text}")?,
                Segment::Any => f.write_str("/*")?,
            }
        }
        f.write_str(if self.rest { "/**" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    const DOWNLOAD: &str = "/_matrix/client/v1/media/download/**";

    /// Returns which of these patterns a target is found by.
    fn found(patterns: &[&str], target: &str) -> Result<Option<usize>, Disguised> {
        let patterns: Vec<_> = patterns.iter().map(|text| pattern(text)).collect();
        let numbered = patterns.iter().enumerate().map(|(number, it)| (it, number));
        PathPattern::first(numbered, &target.parse().unwrap())
    }

    #[test]
    fn a_star_is_one_segment_and_two_are_any_rest() {
        for (text, path, expected) in [
            ("/a/*/c", "/a/b/c", true),
            ("/a/*/c", "/a/!B:x%2Fy/c", true),
            ("/a/*/c", "/a//c", false),
            ("/a/*/c", "/a/b/b/c", false),
            ("/a/*/c", "/a/b/c/", true),
            ("/a/*/c", "/a/b/c//", false),
            ("/a/*", "/a//", false),
            ("/a/*/c", "/a/b/C", false),
            ("/a/**", "/a/b", true),
            ("/a/**", "/a/b/c/", true),
            ("/a/**", "/a//b", true),
            ("/a/**", "/a/", false),
            ("/a/**", "/a", false),
            ("/a/**", "/ab/c", false),
            ("/**", "/x", true),
            ("/a", "/a", true),
            ("/a", "*", false),
        ] {
            assert_eq!(pattern(text).matches(path), expected, "{text} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_would_be_right() {
        for (text, hint) in [
            ("a/b", "begin with a slash"),
            ("", "begin with a slash"),
            ("/a?b", "query"),
            ("/a#b", "query"),
            ("/a b", "other characters"),
            ("/ä", "other characters"),
            ("/a%2Fb", "write * for it"),
            ("/rooms/!x:y/send", "write * for it"),
            ("/rooms/{roomId}", "write * for it"),
            ("/a//b", "segment that is empty"),
            ("/a/", "segment that is empty"),
            ("/a/../b", "dots"),
            ("/a*", "whole segment"),
            ("/a/**/b", "whole segment"),
            ("/a**", "whole segment"),
        ] {
            let said = text.parse::<PathPattern>().unwrap_err().to_string();
            assert!(said.contains(hint), "{text}: {said}");
        }
    }

    #[test]
    fn it_is_told_as_it_was_written() {
        for text in ["/a/*/c", DOWNLOAD, "/**", "/a"] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }

    #[test]
    fn patterns_meet_where_a_path_is_both() {
        for (one, other, expected) in [
            ("/a/*", "/*/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/a", false),
            ("/a/**", "/*/**", true),
            ("/a/**", "/b/**", false),
            ("/**", "/a/b", true),
        ] {
            assert_eq!(pattern(one).meets(&pattern(other)), expected, "{one} {other}");
            assert_eq!(pattern(other).meets(&pattern(one)), expected, "{other} {one}");
        }
    }

    #[test]
    fn what_is_built_in_is_taken() {
        let uploads = Some(Taken::Uploads);
        for (method, text, expected) in [
            (Method::POST, "/_matrix/media/v3/upload", uploads),
            (Method::PUT, "/_matrix/media/*/upload/**", uploads),
            (Method::PATCH, "/_matrix/**", uploads),
            (Method::POST, "/_matrix/media/v1/create", uploads),
            (Method::GET, "/_matrix/media/v3/upload", None),
            (Method::GET, DOWNLOAD, None),
            (Method::POST, DOWNLOAD, None),
            (Method::GET, "/**", Some(Taken::Own)),
            (Method::GET, "/_metergate/quota", Some(Taken::Own)),
            (Method::PUT, "/_matrix/client/v3/rooms/*/send/**", None),
        ] {
            assert_eq!(pattern(text).taken(&method), expected, "{method} {text}");
        }
    }

    #[test]
    fn the_first_that_matches_counts() {
        let both = ["/_matrix/client/v1/media/download/big.example/*", DOWNLOAD];
        let path = |rest: &str| format!("/_matrix/client/v1/media/download/{rest}");
        assert_eq!(found(&both, &path("big.example/aBc")), Ok(Some(0)));
        assert_eq!(found(&both, &path("big.example/aBc/cat.jpg")), Ok(Some(1)));
        assert_eq!(found(&both, &path("other.example/aBc?x=1")), Ok(Some(1)));
        assert_eq!(found(&both, "/_matrix/client/v3/sync"), Ok(None));
    }

    #[test]
    fn what_only_a_gateway_takes_for_one_is_disguised() {
        for path in [
            "/_matrix/client/v1/media/Download/a/b",
            "/_matrix/client/v1/media//download/a/b",
            "/_matrix/client/v1/media/%64ownload/a/b",
            "/_matrix/client/v1/media/%2564ownload/a/b",
            "/_matrix/client/v1/media/x/../download/a/b",
            "/_matrix/client/v1/media/x/%2e%2e/download/a/b",
            "/_matrix/client/v1/media\\download/a/b",
            "/_matrix/client/v1/media;x/download/a/b",
            "/_matrix/client/v1/media/./download/a/b",
            "http://elsewhere/_matrix/client/v1/media/download/a/b",
        ] {
            let Ok(target) = path.parse::<Uri>() else { panic!("{path}") };
            let numbered = [pattern(DOWNLOAD)];
            let found = PathPattern::first(numbered.iter().map(|it| (it, 0)), &target);
            assert_eq!(found, Err(Disguised), "{path}");
        }
    }

    #[test]
    fn what_is_one_as_written_hides_no_other() {
        let both = ["/a/**", "/b/**"];
        assert_eq!(found(&both, "/a/x%2F..%2F..%2Fb/c"), Err(Disguised));
        assert_eq!(found(&both, "/a/x/../y"), Ok(Some(0)));
        assert_eq!(found(&both, "/a/X%20Y"), Ok(Some(0)));
        assert_eq!(found(&both, "/c/X%20Y"), Ok(None));
    }
}
