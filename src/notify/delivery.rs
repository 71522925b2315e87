//! Delivery: one notice is told once; taken, or not and why.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{Endpoint, Signer};
use crate::clock::Timestamp;
use crate::net::{Body, Client, ClientError, ClientSettings, Route, Tls, small};
use crate::quota::notice::Notice;

/// How long an answer's head may take, connecting included.
const ANSWER: Duration = Duration::from_secs(15);
/// How much of an answer's body is read away, so that its sender sees no broken connection; and
/// for how long.
const LARGEST_ANSWER: usize = 16 * 1024;
const READ_AWAY: Duration = Duration::from_secs(1);
/// Who we are.
const AGENT: &str = concat!("metergate/", env!("CARGO_PKG_VERSION"));

/// Why a notice was not taken. Says nothing of whom it was for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untaken {
    /// Nobody was reached, or the connection broke.
    #[error(transparent)]
    Unreached(#[from] ClientError),
    /// No answer came in time.
    #[error("no answer came within {ANSWER:?}")]
    Silent,
    /// The answer is no yes; a redirection is none either.
    #[error("the answer was {0}")]
    Refused(StatusCode),
    /// The notice cannot be written.
    #[error("the notice cannot be written")]
    Unwritten(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Tells one endpoint, over a connection of its own each time.
pub(super) struct Courier {
    endpoint: Endpoint,
    client: Client<Body>,
}

impl Courier {
    /// Belongs to the runtime it is made in.
    pub(super) fn to(endpoint: Endpoint) -> Self {
        let route = Route::from(endpoint.origin.clone());
        let route = if endpoint.secure { route.over(Tls::system()) } else { route };
        let client = Client::fresh(route, ClientSettings::default());
        Self { endpoint, client }
    }

    /// Returns once the notice is taken. Dropped half way, it may have been.
    ///
    /// # Errors
    /// If it is not: then it is to be told again, under the same id.
    pub(super) async fn tell(
        &self,
        notice: &Notice,
        signer: &Signer,
        now: Timestamp,
    ) -> Result<(), Untaken> {
        let request = self.request(notice, signer, now)?;
        let answer = timeout(ANSWER, self.client.request(request)).await;
        let (head, body) = answer.map_err(|_| Untaken::Silent)??.into_parts();
        // What it says beyond its status makes no difference.
        let _ = timeout(READ_AWAY, small(body, LARGEST_ANSWER)).await;
        if head.status.is_success() { Ok(()) } else { Err(Untaken::Refused(head.status)) }
    }

    fn request(
        &self,
        notice: &Notice,
        signer: &Signer,
        now: Timestamp,
    ) -> Result<Request<Body>, Untaken> {
        let body =
            serde_json::to_vec(notice).map_err(|error| Untaken::Unwritten(Box::new(error)))?;
        let (id, seconds) = (message_id(notice, &body), now.millis().div_euclid(1000));
        let request = Request::builder()
            .method(Method::POST)
            .uri(Uri::from(self.endpoint.path.clone()))
            .header(HOST, &self.endpoint.authority)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, AGENT)
            .header("webhook-signature", signer.sign(&id, seconds, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds);
        request.body(Body::full(body)).map_err(|error| Untaken::Unwritten(Box::new(error)))
    }
}

/// Returns the id of a notice's message: the same however often it is told, and by whichever
/// instance; another for a notice of other books that has the same number.
fn message_id(notice: &Notice, body: &[u8]) -> String {
    let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(body));
    format!("msg_{}_{digest:.16}", notice.id)
}
