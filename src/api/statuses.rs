//! Statuses: what a call may be answered other than what it wants, as the description says it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// Why a call was not answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refusal {
    error: Reason,
}

/// What is wrong, for programs and for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefusalReason)]
struct Reason {
    /// For programs.
    #[schema(example = "bad_request")]
    code: String,
    /// For people: what to change.
    #[schema(example = "there is no resource \"media_byte\" (did you mean \"media_bytes\"?)")]
    message: String,
}

/// Of a call that only reads.
pub(super) struct Reads;
/// Of a call that reads something by its name.
pub(super) struct Finds;
/// Of a call that changes something.
pub(super) struct Writes;
/// Of a call that changes something by its name.
pub(super) struct Changes;

impl IntoResponses for Reads {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        of(&[400, 401, 503])
    }
}

impl IntoResponses for Finds {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        of(&[400, 401, 404, 503])
    }
}

impl IntoResponses for Writes {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        of(&[400, 401, 409, 413, 503])
    }
}

impl IntoResponses for Changes {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        of(&[400, 401, 404, 409, 413, 503])
    }
}

fn of(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let response = |status: &u16| (status.to_string(), described(*status).into());
    statuses.iter().map(response).collect()
}

fn described(status: u16) -> Response {
    let description = match status {
        400 => "Something in the call is wrong; the message says what would be right",
        401 => "The token is missing or wrong",
        404 => "There is no such thing",
        409 => "It contradicts what is there",
        413 => "The body is larger than this call takes",
        _ => "The store does not answer now",
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Refusal"))).build();
    let response =
        ResponseBuilder::new().description(description).content("application/json", content);
    let header = |kind, description: &str| {
        let schema = ObjectBuilder::new().schema_type(kind);
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
    };
    match status {
        401 => response.header("WWW-Authenticate", header(Type::String, "Bearer")),
        503 => response.header("Retry-After", header(Type::Integer, "Seconds to wait")),
        _ => response,
    }
    .build()
}
