//! An upload, or other metered request, before its first byte goes up: who, how much, may they?

use std::net::IpAddr;
use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::action::{Action, Kind};
use super::carrying::Carrying;
use super::metered::Metered;
use super::meters::Count;
use super::rejection::Rejection;
use super::underway::Underway;
use super::{Proxy, forwarding, room, trust};
use crate::engine::{Decision, EngineError, Hold, Reserved};
use crate::net::{Body, Connection, Full, Slot, network_of};
use crate::quota::{Amount, Subject};
use crate::telemetry::Access;
use crate::telemetry::labels::Crowd;

impl Proxy {
    /// Returns what an upload asks for.
    pub(super) fn upload_action(&self) -> Action {
        Action::upload(self.0.shared.meters.leave_text())
    }
}

/// Meters one upload.
pub(super) async fn meter(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (action, count) = (proxy.upload_action(), Count::RequestBody);
    let entrance = Entrance { proxy, connection, action, count };
    entrance.carry(request, true).await
}

/// Meters one request of the configuration whose body goes up like an upload's, and is counted, or
/// costs one.
pub(super) async fn meter_as(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
    action: Action,
    count: Count,
) -> Response<Body> {
    Entrance { proxy, connection, action, count }.carry(request, false).await
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
    let action = proxy.upload_action();
    let ask = action.ask(None);
    let engine = proxy.engine();
    let decision = match engine.check(&subject, &ask).await {
        Err(error @ EngineError::Unavailable(_)) => {
            engine.check_unseen(&subject, &ask).transpose().unwrap_or(Err(error))
        }
        answer => answer,
    };
    let decision = decision.map_err(|error| Rejection::from_engine(&error, Kind::Upload))?;
    if decision.allowed {
        return Ok(());
    }
    Err(denied(proxy, &action, &subject, decision, None, parts))
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
    let client = trust::client(&parts.headers, connection.peer, proxy.settings());
    match client.filter(|address| !trust::is_trusted(*address, proxy.settings())) {
        Some(address) => clients.enter(&network_of(address)),
        None => Ok(Slot::free()),
    }
}

/// Where something metered asks to be let in.
struct Entrance<'a> {
    proxy: &'a Proxy,
    connection: &'a Arc<Connection>,
    action: Action,
    count: Count,
}

impl Entrance<'_> {
    /// Carries a request. Until its room is reserved a client that leaves leaves nothing behind;
    /// from then on a task of its own sees it to its end.
    async fn carry(self, request: Request<Incoming>, limited: bool) -> Response<Body> {
        let Self { proxy, connection, .. } = self;
        let (mut parts, body) = request.into_parts();
        let length = length_of(&parts, &body);
        let (hold, decision, slots) = match self.admit(&parts, length, limited).await {
            Ok(admitted) => admitted,
            Err(rejection) => return proxy.refuse(rejection, &parts, body),
        };
        let from = (connection.peer, connection.is_sealed);
        forwarding::request(&mut parts.headers, from, proxy.settings(), false);
        forwarding::frame(&mut parts, &body);
        let access = parts.extensions.remove::<Arc<Access>>();
        let costs_one = self.count == Count::One;
        let room = if costs_one { Amount::ZERO } else { hold.room() };
        let metrics = proxy.metrics().clone();
        let underway = Underway::begin(self.action, metrics, access.clone(), room, &decision);
        let metered = Metered::new(hold, length, underway);
        let metered = if costs_one { metered.costs_one() } else { metered };
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

    async fn admit(
        &self,
        parts: &Parts,
        length: Option<u64>,
        limited: bool,
    ) -> Result<(Hold, Decision, Option<Slots>), Rejection> {
        let Self { proxy, connection, action, count } = self;
        if *count != Count::RequestBody {
            let (hold, decision) = admit_one(proxy, connection, parts, action).await?;
            return Ok((hold, decision, None));
        }
        let busy = |by| {
            move |full| {
                proxy.metrics().uploads.busy(by);
                Rejection::Busy(by, full)
            }
        };
        let client = limited.then(|| client_slot(proxy, connection, parts)).transpose();
        let client = client.map_err(busy(Crowd::Client))?;
        let subject = proxy.who(connection, parts).await?;
        let slot = limited.then(|| proxy.0.shared.subjects.enter(&subject)).transpose();
        let slots = client.zip(slot.map_err(busy(Crowd::Subject))?);
        let engine = proxy.engine();
        let reserved = match length {
            Some(length) => {
                let bytes = Amount::try_from(length);
                let bytes =
                    bytes.map_err(|_| Rejection::BadRequest("Content-Length is too large"))?;
                engine.reserve(&subject, &action.ask(Some(bytes))).await
            }
            None => room::first(engine, &subject, action).await,
        };
        let (hold, decision) = granted(proxy, action, &subject, reserved, length, parts)?;
        Ok((hold, decision, slots))
    }
}

/// Reserves one unit for something whose size does not matter, or is not known yet.
pub(super) async fn admit_one(
    proxy: &Proxy,
    connection: &Connection,
    parts: &Parts,
    action: &Action,
) -> Result<(Hold, Decision), Rejection> {
    let subject = proxy.who(connection, parts).await?;
    let reserved = proxy.engine().reserve(&subject, &action.ask(None)).await;
    granted(proxy, action, &subject, reserved, None, parts)
}

fn granted(
    proxy: &Proxy,
    action: &Action,
    subject: &Subject,
    reserved: Result<Reserved, EngineError>,
    length: Option<u64>,
    parts: &Parts,
) -> Result<(Hold, Decision), Rejection> {
    let reserved = reserved.map_err(|error| Rejection::from_engine(&error, action.kind()))?;
    let Reserved { hold, decision } = reserved;
    match hold {
        Some(hold) => Ok((hold, decision)),
        None => Err(denied(proxy, action, subject, decision, length, parts)),
    }
}

/// Counts a no, and says so.
fn denied(
    proxy: &Proxy,
    action: &Action,
    subject: &Subject,
    decision: Decision,
    length: Option<u64>,
    parts: &Parts,
) -> Rejection {
    let access = parts.extensions.get::<Arc<Access>>().map(AsRef::as_ref);
    proxy.count_refused(action, &decision, length.unwrap_or_default(), access);
    let (capability, source) = (action.capability(), &decision.source);
    tracing::info!(%subject, capability, reason = ?decision.reason, source, "room refused");
    Rejection::Denied(action.clone(), Box::new(decision))
}

/// Returns how long the body is, if that is known before it comes.
fn length_of(parts: &Parts, body: &Incoming) -> Option<u64> {
    if parts.headers.contains_key(CONTENT_LENGTH) || body.is_end_stream() {
        return body.size_hint().exact();
    }
    None
}
