//! One request and its response: what it means decides which way it goes.

use std::sync::Arc;

use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tracing::Instrument;

use super::action::Action;
use super::counted::{Counted, kind};
use super::meters::Count;
use super::rejection::{Departed, Rejection};
use super::{
    Proxy, egress, forwarding, media_config, media_usage, own_pages, trust, tunnel, upload,
};
use crate::matrix::{Disguised, Endpoint};
use crate::net::{Body, Connection, Passing, Watched};
use crate::telemetry::labels::{Hindrance, Kind};
use crate::telemetry::{Access, Asked, End, RequestId, X_REQUEST_ID};

impl Proxy {
    /// Answers one request. Dropped half way, whatever merely passes is cut upstream too, while
    /// an upload whose room is reserved is seen to its end.
    pub async fn serve(
        self,
        connection: Arc<Connection>,
        mut request: Request<Incoming>,
    ) -> Response<Watched<Body>> {
        let id = trust::request_id(request.headers(), connection.peer, self.settings());
        let span = tracing::info_span!("exchange", %id);
        let access = self.settings().access_log.then(|| self.watch(&connection, &request, &id));
        if let Some(access) = &access {
            request.extensions_mut().insert(access.clone());
        }
        let exchange = async move {
            let mut counted = Counted::begin(self.metrics(), access.as_deref());
            let is_head = request.method() == Method::HEAD;
            let mut response = self.answer(connection, request, &id, &mut counted).await;
            let status = response.status();
            if response.body().is_ours() && status != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(X_REQUEST_ID, id.value());
            }
            if response.extensions().get::<Departed>().is_some() {
                counted.left();
            } else {
                counted.answered(status.as_u16());
            }
            if let Some(access) = access.as_ref().filter(|_| is_head) {
                // Nobody looks at its body.
                access.ended(End::Complete);
            }
            response.map(|body| Watched::new(body, access))
        };
        exchange.instrument(span).await
    }

    fn watch(
        &self,
        connection: &Connection,
        request: &Request<Incoming>,
        id: &RequestId,
    ) -> Arc<Access> {
        let client = trust::client(request.headers(), connection.peer, self.settings());
        let (method, path) = (request.method(), request.uri().path());
        Access::begin(Asked::by(id.to_string(), method, path, request.version(), client))
    }

    async fn answer(
        &self,
        connection: Arc<Connection>,
        request: Request<Incoming>,
        id: &RequestId,
        counted: &mut Counted<'_>,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        if let Err(rejection) = forwarding::admit(&mut parts) {
            let mut response = self.refuse(rejection, &parts, body);
            if parts.version != Version::HTTP_2 {
                // Where one request can be read in two ways, so can what comes after it.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            return response;
        }
        // Over HTTP/1.1 the connection has counted them.
        if parts.version == Version::HTTP_2 && parts.headers.len() > self.limits().header_count {
            self.metrics().public.limited(Hindrance::HeadSize);
            return self.refuse(Rejection::TooManyHeaders, &parts, body);
        }
        parts.headers.insert(X_REQUEST_ID, id.value());
        let endpoint = Endpoint::of(&parts.method, &parts.uri);
        let meter = match endpoint {
            Endpoint::Other | Endpoint::SessionsEnd => {
                self.0.shared.meters.of(&parts.method, &parts.uri)
            }
            _ => Ok(None),
        };
        counted.is_about(match meter {
            Ok(None) => kind(endpoint),
            Ok(Some(_)) => Kind::Metered,
            Err(Disguised) => Kind::Disguised,
        });
        let Ok(meter) = meter else {
            return self.refuse(Rejection::Unrecognized, &parts, body);
        };
        let request = Request::from_parts(parts, body);
        match endpoint {
            Endpoint::Upload => upload::meter(self, &connection, request).await,
            Endpoint::Create => upload::create(self, &connection, request).await,
            Endpoint::Own => own_pages::answer(self, &connection, request).await,
            Endpoint::Disguised => {
                let (parts, body) = request.into_parts();
                self.refuse(Rejection::Unrecognized, &parts, body)
            }
            Endpoint::MediaConfig => media_config::answer(self, &connection, request).await,
            Endpoint::SessionsEnd => {
                let response = self.metered(connection, request, meter).await;
                if response.status().is_success() {
                    self.0.shared.whoami.forget();
                }
                response
            }
            Endpoint::MediaUsage => media_usage::answer(self, &connection, request).await,
            Endpoint::Other => self.metered(connection, request, meter).await,
        }
    }

    /// Meters a request as the configuration says, or lets it pass if that says nothing of it.
    async fn metered(
        &self,
        connection: Arc<Connection>,
        request: Request<Incoming>,
        meter: Option<(Action, Count)>,
    ) -> Response<Body> {
        match meter {
            None => self.pass(connection, request).await,
            Some((action, Count::ResponseBody)) => {
                egress::meter(self, &connection, request, action).await
            }
            Some((action, count)) => {
                upload::meter_as(self, &connection, request, action, count).await
            }
        }
    }

    /// Lets a request through untouched, but for what belongs to one hop.
    pub(super) async fn pass(
        &self,
        connection: Arc<Connection>,
        mut request: Request<Incoming>,
    ) -> Response<Body> {
        if request.method() == Method::CONNECT {
            let (parts, body) = request.into_parts();
            return self.refuse(Rejection::Unrecognized, &parts, body);
        }
        let tunnel = tunnel::wanted(&mut request);
        let access = request.extensions_mut().remove::<Arc<Access>>();
        match self.forward(&connection, request, tunnel.is_some(), access.clone()).await {
            Ok(response) => tunnel::answer(self, connection, tunnel, response, access),
            Err(rejection) => rejection.into_response(self.settings()),
        }
    }

    /// Asks the homeserver over a connection that is kept.
    ///
    /// # Errors
    /// When no answer came, or not in time.
    pub(super) async fn forward(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
        upgrade: bool,
        access: Option<Arc<Access>>,
    ) -> Result<Response<Incoming>, Rejection> {
        let (mut head, body) = request.into_parts();
        let from = (connection.peer, connection.is_sealed);
        forwarding::request(&mut head.headers, from, self.settings(), upgrade);
        forwarding::frame(&mut head, &body);
        let is_asking = head.headers.contains_key(EXPECT);
        let body = self.read_to_the_end(body, is_asking, access.as_ref());
        let body = Passing::new(body).idle_limit(self.limits().body_idle_timeout).told(access);
        self.ask_in_time(Request::from_parts(head, Body::from(body)), upgrade).await
    }
}
