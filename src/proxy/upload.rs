//! An upload before its first byte goes up: who, how much, may they?

use std::net::IpAddr;
use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::carrying::Carrying;
use super::metered::Metered;
use super::rejection::Rejection;
use super::underway::Underway;
use super::{Proxy, forwarding, room};
use crate::engine::{Ask, Decision, EngineError, Hold};
use crate::net::{Body, Connection, Full, Slot, network_of};
use crate::quota::capability::UPLOAD;
use crate::quota::{Amount, Subject};
use crate::telemetry::Access;
use crate::telemetry::labels::Crowd;

/// Meters one upload. Until its room is reserved a client that leaves leaves nothing behind;
/// from then on a task of its own sees it to its end.
pub(super) async fn meter(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let length = length_of(&parts, &body);
    let (hold, decision, slots) = match admit(proxy, connection, &parts, length).await {
        Ok(admitted) => admitted,
        Err(rejection) => return proxy.refuse(rejection, &parts, body),
    };
    let from = (connection.peer, connection.is_sealed);
    forwarding::request(&mut parts.headers, from, proxy.settings(), false);
    let access = parts.extensions.remove::<Arc<Access>>();
    let underway = Underway::begin(proxy.metrics().clone(), access.clone(), hold.room(), &decision);
    let metered = Metered::new(hold, length, underway);
    // Dropped with this future, which is when the client has gone.
    let waiting = CancellationToken::new();
    let departed = waiting.clone();
    let _waiting = waiting.drop_guard();
    let carrying = Carrying { proxy: proxy.clone(), body, metered, departed, access };
    let task = async move {
        let response = carrying.run(parts).await;
        drop(slots);
        response
    };
    let task = proxy.0.shared.shutdown.spawn(task.in_current_span());
    match task.await {
        Ok(Some(response)) => response,
        // Cut at the deadline of a shutdown.
        Ok(None) | Err(_) => Rejection::ShuttingDown.into_response(proxy.settings()),
    }
}

/// Lets a request for a place to upload to pass, if there is room for an upload at all.
pub(super) async fn create(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    match may_create(proxy, connection, &parts).await {
        Ok(()) => {
            // A metered route never upgrades.
            parts.headers.remove(http::header::UPGRADE);
            proxy.pass(connection.clone(), Request::from_parts(parts, body)).await
        }
        Err(rejection) => proxy.refuse(rejection, &parts, body),
    }
}

async fn may_create(
    proxy: &Proxy,
    connection: &Connection,
    parts: &Parts,
) -> Result<(), Rejection> {
    let subject = proxy.who(connection, parts).await?;
    let ask = Ask::Capability { name: UPLOAD.to_owned(), amount: None };
    let engine = proxy.engine();
    let decision = match engine.check(&subject, &ask).await {
        Err(error @ EngineError::Unavailable(_)) => {
            engine.check_unseen(&subject, &ask).transpose().unwrap_or(Err(error))
        }
        answer => answer,
    };
    let decision = decision.map_err(|error| Rejection::from_engine(&error))?;
    if decision.allowed { Ok(()) } else { Err(denied(proxy, &subject, decision, None, parts)) }
}

/// What an upload takes up among those of its client, and among those of its user.
type Slots = (Slot<IpAddr>, Slot<Subject>);

/// Counts one more upload of the client. One who is not known, or is a proxy, stands for many.
fn client_slot(
    proxy: &Proxy,
    connection: &Connection,
    parts: &Parts,
) -> Result<Slot<IpAddr>, Full> {
    let clients = &proxy.0.shared.clients;
    if !clients.is_limited() {
        return Ok(Slot::free());
    }
    let client = forwarding::client(&parts.headers, connection.peer, proxy.settings());
    match client.filter(|address| !forwarding::is_trusted(*address, proxy.settings())) {
        Some(address) => clients.enter(&network_of(address)),
        None => Ok(Slot::free()),
    }
}

async fn admit(
    proxy: &Proxy,
    connection: &Connection,
    parts: &Parts,
    length: Option<u64>,
) -> Result<(Hold, Decision, Slots), Rejection> {
    let busy = |by| {
        move |full| {
            proxy.metrics().uploads.busy(by);
            Rejection::Busy(by, full)
        }
    };
    let client = client_slot(proxy, connection, parts).map_err(busy(Crowd::Client))?;
    let subject = proxy.who(connection, parts).await?;
    let slot = proxy.0.shared.subjects.enter(&subject).map_err(busy(Crowd::Subject))?;
    let slots = (client, slot);
    let engine = proxy.engine();
    let reserved = match length {
        Some(length) => {
            let bytes = Amount::try_from(length);
            let bytes = bytes.map_err(|_| Rejection::BadRequest("Content-Length is too large"))?;
            engine.reserve(&subject, &Ask::upload(bytes)).await
        }
        None => room::first(engine, &subject).await,
    };
    let reserved = reserved.map_err(|error| Rejection::from_engine(&error))?;
    match reserved.hold {
        Some(hold) => Ok((hold, reserved.decision, slots)),
        None => Err(denied(proxy, &subject, reserved.decision, length, parts)),
    }
}

fn denied(
    proxy: &Proxy,
    subject: &Subject,
    decision: Decision,
    length: Option<u64>,
    parts: &Parts,
) -> Rejection {
    let access = parts.extensions.get::<Arc<Access>>().map(AsRef::as_ref);
    proxy.count_refused(&decision, length.unwrap_or_default(), access);
    tracing::info!(%subject, reason = ?decision.reason, source = decision.source, "upload refused");
    Rejection::Denied(Box::new(decision))
}

/// Returns how long the body is, if that is known before it comes.
fn length_of(parts: &Parts, body: &Incoming) -> Option<u64> {
    if parts.headers.contains_key(CONTENT_LENGTH) || body.is_end_stream() {
        return body.size_hint().exact();
    }
    None
}
