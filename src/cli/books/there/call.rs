//! Call: one question to a server, and its answer; what went wrong, as one sentence.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST, HeaderMap, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Address;
use crate::cli::books::Told;
use crate::cli::exit::{Exit, Failure, with_causes};
use crate::cli::place::Server;
use crate::clock::{Aligned, Clock, System, Timestamp};
use crate::net::{Body, Client, ClientError, ClientSettings, Route, Tls, small};
use crate::telemetry::Secret;

/// What is to be written where nothing of ours answers.
const ADDRESS: &str = "write the address where the API of metergate listens";
/// How long a usual answer may take: longer than a server lets itself take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The most bytes of an answer that is read whole.
const LARGEST: usize = 1 << 30;
/// Who we are.
const AGENT: &str = concat!("metergate/", env!("CARGO_PKG_VERSION"));
/// What stands for itself within a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// A `Date` is told without its milliseconds: they are half a second, give or take as much.
const HALF: Duration = Duration::from_millis(500);

/// A server, and the connections to it.
#[derive(Debug)]
pub(super) struct Line {
    address: Address,
    token: Option<(Secret, String)>,
    client: Client<Body>,
    clock: Aligned,
}

/// One question.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    target: String,
    body: Option<Vec<u8>>,
    patient: bool,
}

/// What a server says when it does not do what it is asked.
#[derive(Debug, Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Debug, Deserialize)]
struct Reason {
    message: String,
}

impl Call {
    /// Asks for what is at `path`.
    pub(super) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// Tells what is at `path` something.
    pub(super) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    /// Makes or replaces what is at `path`.
    pub(super) fn put(path: &str) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Takes away what is at `path`.
    pub(super) fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn new(method: Method, path: &str) -> Self {
        Self { method, target: path.to_owned(), body: None, patient: false }
    }

    /// Goes one name deeper: `/v1/groups` → `/v1/groups/free`.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.target.push('/');
        // A segment of nothing but dots would be taken for a step up.
        if name.bytes().all(|byte| byte == b'.') {
            self.target.push_str(&name.replace('.', "%2E"));
        } else {
            self.target.extend(utf8_percent_encode(name, PLAIN));
        }
        self
    }

    /// Adds `name=value` to the query.
    pub(super) fn with(mut self, name: &str, value: &(impl ToString + ?Sized)) -> Self {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(name);
        self.target.push('=');
        self.target.extend(utf8_percent_encode(&value.to_string(), PLAIN));
        self
    }

    /// The same, where there is a value.
    pub(super) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, &value),
            None => self,
        }
    }

    /// Says `body`, in JSON.
    pub(super) fn saying(self, body: &impl Serialize) -> Told<Self> {
        let body = serde_json::to_vec(body).map_err(std::io::Error::from)?;
        Ok(Self { body: Some(body), ..self })
    }

    /// Waits for the answer however long it takes.
    pub(super) fn patiently(self) -> Self {
        Self { patient: true, ..self }
    }
}

impl Line {
    /// Returns the line to `server`; nothing is sent yet. Belongs to one runtime.
    pub(super) fn to(server: Server) -> Self {
        let Server { address, token } = server;
        let route = Route::from(address.origin.clone());
        let route = if address.secure { route.over(Tls::system()) } else { route };
        let client = Client::pooled(route, ClientSettings::default());
        Self { address, token, client, clock: Aligned::by(Arc::new(System)) }
    }

    /// Returns the present moment, by the clock of the server as far as it was told.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns what the server answers.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Told<T> {
        let bytes = self.whole(call).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            self.unreached(format_args!(
                "answers what this version does not understand ({error}): {ADDRESS}"
            ))
        })
    }

    /// Has something done, of which nothing is to be told.
    pub(super) async fn tell(&self, call: Call) -> Told<()> {
        self.whole(call).await.map(drop)
    }

    /// Gives the answer to `take`, piece by piece as it comes, until that says false.
    pub(super) async fn stream(
        &self,
        call: Call,
        mut take: impl FnMut(&Bytes) -> std::io::Result<bool> + Send,
    ) -> Told<()> {
        let mut body = self.head(call.patiently()).await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                let why = with_causes(&error);
                self.unreached(format_args!("broke off half way: {why}"))
            })?;
            if let Ok(piece) = frame.into_data()
                && !take(&piece)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn whole(&self, call: Call) -> Told<Bytes> {
        let is_patient = call.patient;
        let exchange = async {
            let body = self.head(call).await?.into_body();
            let read = small(body, LARGEST).await;
            read.map_err(|error| self.unreached(format_args!("broke off: {}", with_causes(&error))))
        };
        if is_patient {
            return exchange.await;
        }
        let late = || self.unreached(format_args!("does not answer within {PATIENCE:?}"));
        timeout(PATIENCE, exchange).await.map_err(|_| late())?
    }

    /// Returns the head of an answer that is a yes.
    async fn head(&self, call: Call) -> Told<Response<hyper::body::Incoming>> {
        let asked = System.now();
        let answer = self.client.request(self.request(call)?).await;
        let answer = answer.map_err(|error| self.broken(&error))?;
        self.heed(answer.headers(), asked);
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let said = timeout(PATIENCE, small(answer.into_body(), LARGEST)).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        let refusal = serde_json::from_slice::<Refusal>(&said);
        Err(self.refused(status, refusal.ok().map(|it| it.error.message)))
    }

    fn request(&self, call: Call) -> Told<Request<Body>> {
        let Call { method, target, body, .. } = call;
        let Address { host, base, .. } = &self.address;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{base}{target}"))
            .header(HOST, host)
            .header(USER_AGENT, AGENT);
        if let Some((token, _)) = &self.token {
            let bearer = HeaderValue::try_from(format!("Bearer {}", token.reveal()));
            let mut bearer = bearer.map_err(std::io::Error::other)?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(body.map(Body::full).unwrap_or_default());
        Ok(request.map_err(std::io::Error::other)?)
    }

    /// Goes by the clock of the server from now on.
    fn heed(&self, headers: &HeaderMap, asked: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        if let Some(told) = date.and_then(Timestamp::of_http) {
            let answered = System.now().after(HALF);
            self.clock.align(asked.before(HALF), told.after(HALF), answered);
        }
    }

    fn refused(&self, status: StatusCode, said: Option<String>) -> Failure {
        let exit = match status {
            StatusCode::UNAUTHORIZED => return self.unknown(said),
            StatusCode::PAYLOAD_TOO_LARGE => return self.too_much(),
            StatusCode::NOT_FOUND => Exit::NotFound,
            StatusCode::CONFLICT => Exit::Conflict,
            status if status.is_client_error() => Exit::BadInput,
            _ => Exit::Unavailable,
        };
        match said {
            Some(sentence) => Failure::Server { exit, sentence },
            None => self.unreached(format_args!("answers {status}: {ADDRESS}")),
        }
    }

    /// Says that a server does not take so much.
    fn too_much(&self) -> Failure {
        let sentence = format!(
            "{} does not take so much at once: do it on the store, with --storage URL",
            self.address
        );
        Failure::Server { exit: Exit::BadInput, sentence }
    }

    /// Says that the server does not know us.
    fn unknown(&self, said: Option<String>) -> Failure {
        let address = &self.address;
        let sentence = match (&self.token, said) {
            (_, None) => {
                return self.unreached(format_args!("lets nobody in who is not known to it"));
            }
            (None, Some(_)) => format!(
                "{address} wants its token: write --token-file F, or set METERGATE_TOKEN, to what its [admin] token says"
            ),
            (Some((_, by)), Some(_)) => format!(
                "{address} does not know the token of {by}: give it what its [admin] token says"
            ),
        };
        Failure::Server { exit: Exit::BadInput, sentence }
    }

    fn broken(&self, error: &ClientError) -> Failure {
        match error {
            ClientError::Connect(cause) => {
                self.unreached(format_args!("cannot be reached: {}", with_causes(cause)))
            }
            ClientError::ConnectTimeout => {
                self.unreached(format_args!("cannot be reached in time"))
            }
            ClientError::Body(_) | ClientError::Broken(_) => {
                self.unreached(format_args!("cannot be talked to: {}", with_causes(error)))
            }
        }
    }

    fn unreached(&self, why: std::fmt::Arguments<'_>) -> Failure {
        let sentence = format!("{} {why}", self.address);
        Failure::Server { exit: Exit::Unavailable, sentence }
    }
}
