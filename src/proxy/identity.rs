//! Who asks: credentials, then whoami.

use http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Request, Response};

use super::rejection::Rejection;
use super::{Proxy, trust};
use crate::matrix::{Ask, Credentials, Identity};
use crate::net::{Body, Client, ClientError, Connection};
use crate::quota::Subject;
use crate::telemetry::X_REQUEST_ID;

impl Proxy {
    /// Returns the user behind a request, or the answer to give instead.
    pub(super) async fn who(
        &self,
        connection: &Connection,
        parts: &Parts,
    ) -> Result<Subject, Rejection> {
        let credentials = Credentials::of(&parts.headers, parts.uri.query());
        let credentials = credentials.map_err(|_| Rejection::AmbiguousToken)?;
        let asker = OnBehalf {
            client: self.0.kept.clone(),
            address: trust::client_address(&parts.headers, connection.peer, self.settings()),
            host: parts.headers.get(HOST).cloned(),
            agent: parts.headers.get(USER_AGENT).cloned(),
            id: parts.headers.get(X_REQUEST_ID).cloned(),
        };
        match self.0.shared.whoami.who(&asker, &credentials).await {
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

/// Asks the homeserver as the client itself would: it notes address and agent of every request
/// as those of the device.
#[derive(Clone)]
struct OnBehalf {
    client: Client<Body>,
    address: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    /// By which a gateway before several homeservers tells them apart.
    host: Option<HeaderValue>,
    /// Of the request for which it is asked.
    id: Option<HeaderValue>,
}

impl Ask for OnBehalf {
    async fn ask(&self, mut request: Request<Body>) -> Result<Response<Body>, ClientError> {
        let mut say = |name: HeaderName, value: &Option<HeaderValue>| {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.clone());
            }
        };
        say(trust::X_FORWARDED_FOR, &self.address);
        say(USER_AGENT, &self.agent);
        say(HOST, &self.host);
        say(X_REQUEST_ID, &self.id);
        self.client.ask(request).await
    }
}
