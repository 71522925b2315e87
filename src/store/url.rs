//! StoreUrl: where a store on a server is; its password is never shown.

use std::fmt;

/// The address of a store on a server, with all it takes to get in.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// Returns the address that is written as `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns all of it, password included: for the driver alone.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

/// Without password, and without parameters, which may hold one.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bare, parameters) = self.0.split_once(['?', '#']).unwrap_or((&self.0, ""));
        let (scheme, rest) = bare.split_once("://").unwrap_or(("…", ""));
        if parameters.contains('@') {
            // A password with what should have been escaped in it: where it ends nobody can tell.
            return write!(f, "{scheme}://…");
        }
        let (user, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let user = user.split(':').next().unwrap_or_default();
        let at = if user.is_empty() { "" } else { "@" };
        write!(f, "{scheme}://{user}{at}{place}")
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (written, shown) in [
            ("redis://:s3cret@localhost:6379/1", "redis://localhost:6379/1"),
            ("postgresql://me:s3cret@db/quota?sslmode=require", "postgresql://me@db/quota"),
            ("postgresql://db/quota?user=me&password=s3cret", "postgresql://db/quota"),
            ("postgresql://me:s3c@r/e?t@db/quota", "postgresql://…"),
            ("redis://localhost", "redis://localhost"),
            ("s3cret", "…://"),
        ] {
            let url = StoreUrl::new(written);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }
}
