//! The own quota in JSON, by access token: figures, and whether an upload would be let through.

use http::Response;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::request::Parts;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::engine::{Ask, Decision, Summary, UsageReport, WindowDecision};
use crate::matrix;
use crate::net::{Body, Connection};
use crate::proxy::Proxy;
use crate::proxy::action::Kind;
use crate::proxy::denied::denied;
use crate::proxy::rejection::Rejection;
use crate::quota::capability::UPLOAD;
use crate::quota::{Amount, Measure, Period, Resource, Subject};

/// The parameter that names the size of a file that might be uploaded.
const SIZE: &str = "size";

/// All that a user is told.
#[derive(Serialize)]
struct Quota {
    user_id: Subject,
    group: Option<String>,
    exempt: bool,
    /// The largest file that may ever be uploaded; none if any may.
    max_upload_bytes: Option<Amount>,
    /// The largest file that would fit now; none if any would.
    largest_now: Option<Amount>,
    /// Whether an upload would be let through now; if not, the refusal it would get.
    upload: Value,
    resources: Vec<Told>,
    /// When all this was so.
    now: Timestamp,
}

/// One resource, told to who used it.
#[derive(Serialize)]
struct Told {
    resource: Resource,
    unit: String,
    decimals: u8,
    used: Amount,
    reserved: Amount,
    limit: Option<Amount>,
    remaining: Option<Amount>,
    overage: Amount,
    period: Option<Period>,
    resets_at: Option<Timestamp>,
    windows: Vec<ToldWindow>,
}

#[derive(Serialize)]
struct ToldWindow {
    #[serde(flatten)]
    window: WindowDecision,
    /// Its period in words: `this month`.
    when: String,
}

/// Answers a request for the own quota.
pub(super) async fn answer(
    proxy: &Proxy,
    connection: &Connection,
    parts: Parts,
    body: Incoming,
) -> Response<Body> {
    let mut response = match quota(proxy, connection, &parts).await {
        Ok(quota) => {
            proxy.read_away(&parts, body);
            matrix::json(&quota)
        }
        Err(rejection) => proxy.refuse(rejection, &parts, body),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn quota(proxy: &Proxy, connection: &Connection, parts: &Parts) -> Result<Quota, Rejection> {
    let subject = proxy.who(connection, parts).await?;
    let size = size(parts.uri.query().unwrap_or_default())?;
    let engine = proxy.engine();
    let told = async {
        let ask = Ask::Capability { name: UPLOAD.to_owned(), amount: size };
        let decision = engine.check(&subject, &ask).await?;
        let room = engine.room_for_upload(&subject).await?;
        Ok((decision, room, engine.summary(&subject).await?))
    };
    let (decision, largest_now, summary) =
        told.await.map_err(|error| Rejection::from_engine(&error, Kind::Upload))?;
    let Summary { subject, group, exempt, resources, .. } = summary;
    Ok(Quota {
        user_id: subject,
        group,
        exempt,
        max_upload_bytes: decision.max_size,
        largest_now,
        upload: upload(proxy, &decision),
        resources: resources.into_iter().map(Told::of).collect(),
        now: engine.now(),
    })
}

/// Returns what an upload would come to: the refusal, if any, word for word.
fn upload(proxy: &Proxy, decision: &Decision) -> Value {
    let mut told = Map::new();
    told.insert("allowed".to_owned(), decision.allowed.into());
    if !decision.allowed {
        let refusal = denied(&proxy.upload_action(), decision, &proxy.settings().refusal);
        if let Value::Object(refusal) = json!(refusal) {
            told.extend(refusal);
        }
    }
    Value::Object(told)
}

impl Told {
    fn of(report: UsageReport) -> Self {
        let tell =
            |window: WindowDecision| ToldWindow { when: window.period.when().into_owned(), window };
        Self {
            resource: report.resource,
            unit: report.unit,
            decimals: report.measure.decimals,
            used: report.used,
            reserved: report.reserved,
            limit: report.limit,
            remaining: report.remaining,
            overage: report.overage,
            period: report.period,
            resets_at: report.resets_at,
            windows: report.windows.into_iter().map(tell).collect(),
        }
    }
}

/// Reads the size of a file out of a query.
fn size(query: &str) -> Result<Option<Amount>, Rejection> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let Some((_, written)) = pairs.into_iter().find(|(key, _)| *key == SIZE) else {
        return Ok(None);
    };
    let written = percent_decode_str(written).decode_utf8_lossy();
    match Measure::BYTES.parse(&written) {
        Ok(size) if size >= Amount::ZERO => Ok(Some(size)),
        Ok(_) => Err(Rejection::BadParameter("size: is not below zero".to_owned())),
        Err(invalid) => Err(Rejection::BadParameter(format!("size: {invalid}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_of_bytes_with_or_without_a_unit() {
        let read = |query| size(query).map(|size| size.map(Amount::get)).ok();
        assert_eq!(read(""), Some(None));
        assert_eq!(read("user_id=a&size=12"), Some(Some(12)));
        assert_eq!(read("size=12%20MB"), Some(Some(12_000_000)));
        for bad in ["size=", "size=-1", "size=5G", "size=99999999999999999999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
