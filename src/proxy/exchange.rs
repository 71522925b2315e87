//! One request and its response: what it means decides which way it goes.

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use tracing::Instrument;

use super::rejection::Rejection;
use super::{Proxy, forwarding, media_config, media_usage, own_pages, tunnel, upload};
use crate::matrix::Endpoint;
use crate::net::{Body, Connection, Passing};

impl Proxy {
    /// Answers one request. Dropped half way, whatever merely passes is cut upstream too, while
    /// an upload whose room is reserved is seen to its end.
    pub async fn serve(
        self,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let id = fastrand::u64(..);
        let span = tracing::info_span!("exchange", id = format_args!("{id:016x}"));
        let access = self.settings().access_log.then(|| Access::of(&request));
        let exchange = async move {
            let response = self.answer(connection, request).await;
            if let Some(access) = access {
                access.log(&response);
            }
            response
        };
        exchange.instrument(span).await
    }

    async fn answer(
        &self,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        if let Err(rejection) = forwarding::admit(&mut parts) {
            return self.refuse(rejection, &parts, body);
        }
        let endpoint = Endpoint::of(&parts.method, &parts.uri);
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
                let response = self.pass(connection, request).await;
                if response.status().is_success() {
                    self.0.shared.whoami.forget();
                }
                response
            }
            Endpoint::MediaUsage => media_usage::answer(self, &connection, request).await,
            Endpoint::Other => self.pass(connection, request).await,
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
        forwarding::request(
            request.headers_mut(),
            connection.peer,
            self.settings(),
            tunnel.is_some(),
        );
        let idle = self.limits().body_idle_timeout;
        let request = request.map(|body| Body::from(Passing::new(body).idle_limit(idle)));
        match self.0.kept.request(request).await {
            Ok(response) => tunnel::answer(self, connection, tunnel, response),
            Err(error) => Rejection::from_client(&error).into_response(self.settings()),
        }
    }
}

/// What the access log says of a request; never its query.
struct Access {
    method: Method,
    path: String,
}

impl Access {
    fn of(request: &Request<Incoming>) -> Self {
        Self { method: request.method().clone(), path: request.uri().path().to_owned() }
    }

    fn log(&self, response: &Response<Body>) {
        let status = response.status().as_u16();
        tracing::info!(method = %self.method, path = %self.path, status, "answered");
    }
}
