//! Credentials: all of a request that decides who asks. Never printed.

use std::borrow::Cow;
use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::net::bearer;

/// The parameter that is a token. Removed from the specification, accepted by homeservers.
const ACCESS_TOKEN: &[u8] = b"access_token";
/// The parameters by which an application service says for whom it acts:
/// <https://spec.matrix.org/v1.18/application-service-api/#identity-assertion> and MSC4326.
const ACTING_AS: [&[u8]; 3] = [b"user_id", b"device_id", b"org.matrix.msc3202.device_id"];

/// What a request shows of who asks: at most one token, and for whom it claims to act.
///
/// <https://spec.matrix.org/v1.18/client-server-api/#using-access-tokens>
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    token: Option<HeaderValue>,
    /// The parameters a homeserver may take for one of [`ACTING_AS`], in order, as they are spelled.
    acting_as: Vec<String>,
}

/// More than one token: homeservers differ in which they believe, so nobody may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than one access token")]
pub struct Ambiguous;

impl Credentials {
    /// Reads the credentials of a request from its headers and its raw query.
    ///
    /// A header that is no Bearer token is no token, whatever the query says. A token anywhere else
    /// is none either.
    ///
    /// # Errors
    /// When there are two `Authorization` headers or two query tokens, or when the token of the
    /// header and that of the query differ.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Ambiguous> {
        let mut authorizations = headers.get_all(AUTHORIZATION).iter();
        let header = authorizations.next();
        if authorizations.next().is_some() {
            return Err(Ambiguous);
        }
        let (in_query, acting_as) = read_query(query.unwrap_or_default())?;
        let token = match (header, in_query) {
            (None, None) => None,
            (None, Some(token)) => as_header(&token),
            (Some(header), in_query) => match (bearer(header), in_query) {
                (Some(token), Some(other)) if token != other.as_ref() => return Err(Ambiguous),
                (Some(_), _) => Some(header.clone()),
                (None, _) => None,
            },
        };
        let token = token.map(|mut token| {
            token.set_sensitive(true);
            token
        });
        Ok(Self { token, acting_as })
    }

    /// Returns the `Authorization` header that shows the token, marked sensitive.
    #[must_use]
    pub fn token(&self) -> Option<&HeaderValue> {
        self.token.as_ref()
    }

    /// Returns the query that claims for whom the token acts, as it was spelled; may be empty.
    #[must_use]
    pub fn acting_as(&self) -> String {
        self.acting_as.join("&")
    }

    /// Returns a key that only the same credentials have, and that does not give them away.
    #[must_use]
    pub fn cache_key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |kind: u8, bytes: &[u8]| {
            // Kind and length before each part: no two lists of parts are the same bytes.
            hash.update([kind]);
            hash.update(bytes.len().to_be_bytes());
            hash.update(bytes);
        };
        if let Some(token) = &self.token {
            part(1, token.as_bytes());
        }
        for pair in &self.acting_as {
            part(2, pair.as_bytes());
        }
        hash.finalize().into()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

/// Returns the header that shows a token, if there is one that can.
fn as_header(token: &[u8]) -> Option<HeaderValue> {
    let header = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    bearer(&header).is_some().then_some(header)
}

type Token<'a> = Cow<'a, [u8]>;

/// Reads a query: its token, and the parameters that say for whom it acts.
fn read_query(query: &str) -> Result<(Option<Token<'_>>, Vec<String>), Ambiguous> {
    let mut token = None;
    let mut acting_as = Vec::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if *decoded(name) == *ACCESS_TOKEN {
            if token.replace(decoded(value)).is_some() {
                return Err(Ambiguous);
            }
        } else if claims(pair) {
            acting_as.push(pair.to_owned());
        }
    }
    Ok((token, acting_as))
}

/// Returns whether a homeserver may take a parameter, or a part of it, for a claim to act as someone.
///
/// Some also split at `;`. Such a parameter is shown to whoami whole, so that whoami and the request
/// itself are read the same way; one with a token behind a `;` is not, since a token is never put
/// into a URL.
fn claims(pair: &str) -> bool {
    let mut claims = false;
    for part in pair.split(';') {
        let name = decoded(part.split_once('=').map_or(part, |(name, _)| name));
        if *name == *ACCESS_TOKEN {
            return false;
        }
        claims |= ACTING_AS.contains(&name.as_ref());
    }
    claims
}

/// Decodes a part of a query as a form does: `+` is a space.
fn decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).collect());
    }
    percent_decode_str(text).into()
}

#[cfg(test)]
mod tests;
