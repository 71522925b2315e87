//! Whoami: from credentials to a user, by asking the homeserver; remembered, and asked once at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, DATE, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE, TRAILER,
};
use http::{Request, Response, StatusCode, Uri};
use moka::future::Cache;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use crate::matrix::cors;
use crate::matrix::credentials::Credentials;
use crate::matrix::user_id::{BadUserId, UserId};
use crate::net::{Body, Client, ClientError, SmallError, end_to_end, small};
use crate::telemetry::labels::Lookup;
use crate::telemetry::metrics::Lookups;

/// <https://spec.matrix.org/v1.18/client-server-api/#get_matrixclientv3accountwhoami>
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";
/// The largest answer that is believed, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// The longest an answer is kept; a longer setting means this.
const LONGEST_TTL: Duration = Duration::from_hours(30 * 24);

/// How users are found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long the homeserver may take, from the first attempt to connect to the answer's last byte.
    pub timeout: Duration,
    /// How long a user is believed in, from the answer on; 0 asks every time.
    pub cache_ttl: Duration,
    /// How long a refusal is believed in, from the answer on; 0 asks every time.
    pub negative_ttl: Duration,
    /// The most answers remembered.
    pub cache_entries: u64,
}

impl Default for Settings {
    /// 10 seconds, 60 seconds, 5 seconds, 100 000.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            cache_ttl: Duration::from_mins(1),
            negative_ttl: Duration::from_secs(5),
            cache_entries: 100_000,
        }
    }
}

/// Who asks, as the homeserver says.
#[derive(Clone, Debug)]
pub enum Identity {
    /// This user.
    User(UserId),
    /// Nobody: to be told so in the homeserver's own words.
    Refused(Arc<Refusal>),
}

/// The homeserver's words to somebody it does not know.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// 401 or 403.
    pub status: StatusCode,
    /// All that is not about the connection it came over.
    pub headers: HeaderMap,
    /// Byte for byte.
    pub body: bytes::Bytes,
}

/// Why it is not known who asks. Never the user's fault.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WhoamiError {
    /// The homeserver did not answer within `timeout`.
    #[error("the homeserver did not say in time who asks")]
    Timeout,
    /// The homeserver could not be reached, or broke off.
    #[error("the homeserver could not be asked who asks")]
    Unreachable(#[source] Arc<ClientError>),
    /// The homeserver's answer makes no sense.
    #[error("the homeserver's answer to who asks makes no sense")]
    Odd(#[source] Oddity),
}

/// What made no sense about an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Oddity {
    /// Neither a user nor a refusal.
    #[error("its status is {0}")]
    Status(StatusCode),
    /// A body that broke off or is too large.
    #[error("its body could not be read")]
    Body(#[source] Arc<SmallError>),
    /// A body that is not the JSON expected.
    #[error("its body is not JSON with a user_id (line {line}, column {column})")]
    Json {
        /// Where it ceases to be; the words of the reader would quote what stands there, which
        /// may be the token.
        line: usize,
        /// In bytes.
        column: usize,
    },
    /// A `user_id` that cannot be one.
    #[error("its user_id is none")]
    UserId(#[source] BadUserId),
    /// A user, although no token was shown.
    #[error("it names a user though no token was shown")]
    Tokenless,
    /// A claim to act as someone that is too long to be passed on.
    #[error("the question was too long to be asked")]
    Question,
    /// The lookup ended with the runtime it was part of.
    #[error("the lookup was given up")]
    GivenUp,
}

/// A way to ask the homeserver.
pub trait Ask {
    /// Sends a request and returns the answer.
    fn ask(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, ClientError>> + Send;
}

impl<B> Ask for Client<B>
where
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + From<Body>
        + Default
        + Send
        + Unpin
        + 'static,
{
    async fn ask(&self, request: Request<Body>) -> Result<Response<Body>, ClientError> {
        Ok(self.request(request.map(B::from)).await?.map(Body::passing))
    }
}

/// Finds out who asks. Clones are the same one, for all runtimes.
#[derive(Clone, Debug)]
pub struct Whoami {
    settings: Settings,
    known: Cache<Key, Known>,
    /// Counts the times sessions ended.
    epoch: Arc<AtomicU64>,
    counts: Lookups,
}

/// The epoch is part of it so that a lookup begun before sessions ended is not found after.
type Key = (u64, [u8; 32]);

#[derive(Clone, Debug)]
struct Known {
    identity: Identity,
    /// The cache drops entries by the longer of the two times; this is the right one.
    until: Instant,
}

impl Whoami {
    /// Returns one that knows nobody yet; what it does is counted in `counts`.
    #[must_use]
    pub fn new(settings: Settings, counts: Lookups) -> Self {
        let longest = settings.cache_ttl.max(settings.negative_ttl).min(LONGEST_TTL);
        let known =
            Cache::builder().max_capacity(settings.cache_entries).time_to_live(longest).build();
        Self { settings, known, epoch: Arc::default(), counts }
    }

    /// Returns who shows these credentials.
    ///
    /// Several who ask for the same at the same time share one lookup, by the asker of the first.
    /// It is a task of its own: dropped half way, it goes on for the others.
    ///
    /// # Errors
    /// When the homeserver does not say; that is not remembered.
    pub async fn who<A>(
        &self,
        asker: &A,
        credentials: &Credentials,
    ) -> Result<Identity, WhoamiError>
    where
        A: Ask + Clone + Send + Sync + 'static,
    {
        let key = (self.epoch.load(Ordering::Acquire), credentials.cache_key());
        if let Some(known) = self.known.get(&key).await {
            if Instant::now() < known.until {
                self.counts.learnt(Lookup::Hit);
                return Ok(known.identity);
            }
            self.known.invalidate(&key).await;
        }
        let (this, asker, credentials) = (self.clone(), asker.clone(), credentials.clone());
        let lookup = tokio::spawn(async move {
            let mut asked = false;
            let lookup = async {
                asked = true;
                this.look_up(&asker, &credentials).await
            };
            let known = this.known.try_get_with(key, lookup).await;
            if !asked {
                this.counts.learnt(Lookup::Joined);
            }
            known
        });
        match lookup.await {
            Ok(Ok(known)) => Ok(known.identity),
            Ok(Err(error)) => Err(WhoamiError::clone(&error)),
            Err(_) => Err(WhoamiError::Odd(Oddity::GivenUp)),
        }
    }

    /// Forgets everybody: sessions have ended, and whose is not known. A lookup under way is not kept.
    pub fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        // Frees the memory; it is the epoch that makes old answers unreachable.
        self.known.invalidate_all();
    }

    async fn look_up<A: Ask>(
        &self,
        asker: &A,
        credentials: &Credentials,
    ) -> Result<Known, WhoamiError> {
        let begun = Instant::now();
        let answer = timeout(self.settings.timeout, ask(asker, credentials)).await;
        let answer = answer.unwrap_or(Err(WhoamiError::Timeout));
        let how = match &answer {
            Ok(Identity::User(_)) => Lookup::Asked,
            Ok(Identity::Refused(_)) => Lookup::Refused,
            Err(_) => Lookup::Failed,
        };
        self.counts.asked(how, begun.elapsed());
        if let Err(error) = &answer {
            tracing::warn!(%error, causes = error.causes(), "cannot tell who asks");
        }
        let identity = answer?;
        let ttl = match &identity {
            Identity::User(_) => self.settings.cache_ttl,
            Identity::Refused(_) => self.settings.negative_ttl,
        };
        Ok(Known { identity, until: Instant::now() + ttl.min(LONGEST_TTL) })
    }
}

impl WhoamiError {
    /// Returns what is behind it, for the log.
    fn causes(&self) -> String {
        let mut causes = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes.join(": ")
    }
}

impl Refusal {
    /// Returns the refusal as an answer of ours.
    #[must_use]
    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::full(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        cors::allow_any_origin(response.headers_mut());
        response
    }
}

#[derive(Deserialize)]
struct Answer {
    user_id: String,
}

/// Asks the homeserver, with the token in a header only.
async fn ask<A: Ask>(asker: &A, credentials: &Credentials) -> Result<Identity, WhoamiError> {
    let unreachable = |error| WhoamiError::Unreachable(Arc::new(error));
    let response = asker.ask(question(credentials)?).await.map_err(unreachable)?;
    let (head, body) = response.into_parts();
    let odd = |oddity| Err(WhoamiError::Odd(oddity));
    if !matches!(head.status, StatusCode::OK | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return odd(Oddity::Status(head.status));
    }
    let body = match small(body, LARGEST_ANSWER).await {
        Ok(body) => body,
        Err(error) => return odd(Oddity::Body(Arc::new(error))),
    };
    if head.status != StatusCode::OK {
        let headers = about_the_answer(head.headers);
        return Ok(Identity::Refused(Arc::new(Refusal { status: head.status, headers, body })));
    }
    if credentials.token().is_none() {
        return odd(Oddity::Tokenless);
    }
    match serde_json::from_slice::<Answer>(&body) {
        Ok(answer) => match answer.user_id.parse() {
            Ok(user) => Ok(Identity::User(user)),
            Err(error) => odd(Oddity::UserId(error)),
        },
        Err(error) => odd(Oddity::Json { line: error.line(), column: error.column() }),
    }
}

fn question(credentials: &Credentials) -> Result<Request<Body>, WhoamiError> {
    let acting_as = credentials.acting_as();
    let target = if acting_as.is_empty() {
        Ok(Uri::from_static(WHOAMI))
    } else {
        // Never asked without it: the answer would be about somebody else.
        format!("{WHOAMI}?{acting_as}").parse()
    };
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = target.map_err(|_| WhoamiError::Odd(Oddity::Question))?;
    if let Some(token) = credentials.token() {
        request.headers_mut().insert(AUTHORIZATION, token.clone());
    }
    Ok(request)
}

/// What an answer of ours says anew, or cannot say of another's.
const SAID_ANEW: [HeaderName; 5] = [CONTENT_LENGTH, DATE, HOST, PROXY_AUTHENTICATE, TRAILER];

/// Returns the headers that are about the answer, not about how it came.
fn about_the_answer(mut headers: HeaderMap) -> HeaderMap {
    end_to_end(&mut headers, &[]);
    for name in &SAID_ANEW {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests;
