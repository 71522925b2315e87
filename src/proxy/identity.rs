//! Who asks: credentials, then whoami.

use http::request::Parts;

use super::Proxy;
use super::rejection::Rejection;
use crate::matrix::{Credentials, Identity};
use crate::quota::Subject;

impl Proxy {
    /// Returns the user behind a request, or the answer to give instead.
    pub(super) async fn who(&self, parts: &Parts) -> Result<Subject, Rejection> {
        let credentials = Credentials::of(&parts.headers, parts.uri.query());
        let credentials = credentials.map_err(|_| Rejection::AmbiguousToken)?;
        match self.0.shared.whoami.who(&self.0.kept, &credentials).await {
            // A user id is a subject: both are short texts without spaces.
            Ok(Identity::User(user)) => user
                .as_str()
                .parse()
                .map_err(|_| Rejection::BadRequest("the user id cannot be counted")),
            Ok(Identity::Refused(refusal)) => Err(Rejection::Relayed(refusal)),
            Err(error) => Err(Rejection::IdentityUnknown(error)),
        }
    }
}
