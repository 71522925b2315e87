//! Pattern: a glob over the names of subjects; read once, matched often.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::Subject;
use super::invalid::Invalid;

/// A glob over the whole name of a subject: `*` is any text, `?` any one character.
///
/// What can be in it is what can be in a name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: Subject,
    /// The text, made ready to match: every decision asks every rule.
    glob: WildMatch,
}

impl Pattern {
    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Returns true if the whole name of `subject` matches.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        self.glob.matches(subject.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl FromStr for Pattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let glob = WildMatch::new(text);
        text.parse().map(|text| Self { text, glob }).map_err(|_| {
            Invalid::new(
                "a rule is a name with * and ?, without spaces: write @*:example.org, or * for everyone",
            )
        })
    }
}

impl TryFrom<String> for Pattern {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(&name.parse().unwrap())
    }

    #[test]
    fn the_whole_name_has_to_match() {
        assert!(matches("@bridge_*:example.org", "@bridge_irc:example.org"));
        assert!(matches("*", "@alice:x"));
        assert!(matches("@?:x", "@a:x"));
        assert!(!matches("@bridge_*", "x@bridge_irc"));
        assert!(!matches("@bridge_*:x", "@bridge_irc:xy"));
    }

    #[test]
    fn what_no_name_can_match_is_refused() {
        for text in ["", "@a b", "@a\n", &"x".repeat(256)] {
            let error = text.parse::<Pattern>().unwrap_err();
            assert!(error.to_string().contains("* for everyone"), "{error}");
        }
    }

    #[test]
    fn a_pattern_survives_being_written_and_read() {
        let before: Pattern = "@a*:x".parse().unwrap();
        let json = serde_json::to_string(&before).unwrap();
        assert_eq!(json, "\"@a*:x\"");
        assert_eq!(serde_json::from_str::<Pattern>(&json).unwrap(), before);
        assert!(serde_json::from_str::<Pattern>("\"\"").is_err());
    }
}
