//! `UserId`: the name of an account, parsed once.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest user id, in bytes.
const LONGEST: usize = 255;

/// The name of an account: `@alice:example.org`. Clones share their text.
///
/// As wide as homeservers are known to be: historical ids hold nearly any character, so only what
/// cannot be an id is refused. <https://spec.matrix.org/v1.18/appendices/#user-identifiers>
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

/// A text that is no user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUserId {
    /// It does not begin with `@`.
    #[error("a user id begins with @")]
    Sigil,
    /// It names no server.
    #[error("a user id ends with : and a server name")]
    Server,
    /// It is longer than the specification allows.
    #[error("a user id has at most {LONGEST} bytes")]
    Long,
    /// It holds a control character or a space.
    #[error("a user id holds no spaces and no control characters")]
    Unprintable,
}

impl UserId {
    /// Returns the whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = BadUserId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(BadUserId::Long);
        }
        let name = text.strip_prefix('@').ok_or(BadUserId::Sigil)?;
        match name.split_once(':') {
            Some((_, server)) if !server.is_empty() => {}
            _ => return Err(BadUserId::Server),
        }
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(BadUserId::Unprintable);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_kept_as_it_is_written() {
        for text in ["@alice:example.org", "@a:b", "@:example.org", "@Ünï=/x:[::1]:8448"] {
            assert_eq!(text.parse::<UserId>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_names_no_account_is_refused() {
        let rows = [
            ("", BadUserId::Sigil),
            ("alice:example.org", BadUserId::Sigil),
            (" @alice:example.org", BadUserId::Sigil),
            ("@alice", BadUserId::Server),
            ("@alice:", BadUserId::Server),
            ("@al ice:example.org", BadUserId::Unprintable),
            ("@alice:example.org\n", BadUserId::Unprintable),
            ("@alice\0:example.org", BadUserId::Unprintable),
        ];
        for (text, reason) in rows {
            assert_eq!(text.parse::<UserId>(), Err(reason), "{text:?}");
        }
        let long = format!("@{}:b", "a".repeat(LONGEST));
        assert_eq!(long.parse::<UserId>(), Err(BadUserId::Long));
    }
}
