//! Secret: a text that is compared, and never printed.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A token. Prints `[redacted]`; compared in a time that does not depend on either text.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns true if `shown` is the secret.
    ///
    /// What is compared are digests, so that not even the length shows in the time it takes.
    #[must_use]
    pub fn is(&self, shown: &[u8]) -> bool {
        Sha256::digest(&self.0).as_slice().ct_eq(Sha256::digest(shown).as_slice()).into()
    }

    /// Returns the text itself, to be sent to whom it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let token = Secret::new("hunter2");
        assert_eq!(format!("{token} {token:?}"), "[redacted] [redacted]");
    }

    #[test]
    fn only_the_same_text_is_the_secret() {
        let token = Secret::new("hunter2");
        assert!(token.is(b"hunter2"));
        for other in ["", "hunter", "hunter22", "Hunter2"] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
    }
}
