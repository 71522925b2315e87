//! The description of the API, made from the code that answers.

use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Required};
use utoipa::{Modify, OpenApi};

use super::statuses::Refusal;

/// What stands around the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "metergate",
        description = "Per-user quotas: ask, charge, tell, declare. Amounts are whole numbers of base units; text with units, like \"500MB\", is taken wherever an amount is. Errors are {\"error\":{\"code\",\"message\"}}.",
        license(name = "MIT", identifier = "MIT")
    ),
    components(schemas(Refusal)),
    security(("token" = [])),
    modifiers(&Token),
    tags(
        (name = "deciding", description = "May they? And room set aside for what is under way"),
        (name = "recording", description = "What happened, whatever the limit"),
        (name = "telling", description = "Who used what, and what is left"),
        (name = "declaring", description = "The policy, and what subjects have of their own"),
        (name = "keeping", description = "The books as a whole"),
        (name = "watching", description = "The process, and what it stands on")
    )
)]
pub(super) struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// Says of bodies that may be left out what they are where they are not: not `null`, which is
/// none.
pub(super) fn without_null(openapi: &mut utoipa::openapi::OpenApi) {
    let operations = openapi.paths.paths.values_mut().flat_map(|path| {
        [&mut path.get, &mut path.put, &mut path.post, &mut path.delete].into_iter().flatten()
    });
    let bodies = operations.filter_map(|operation| match &mut operation.request_body {
        Some(RefOr::T(body)) => Some(body),
        _ => None,
    });
    for body in bodies.filter(|body| !matches!(body.required, Some(Required::True))) {
        for content in body.content.values_mut() {
            let RefOr::T(content) = content else { continue };
            if let Some(RefOr::T(Schema::OneOf(either))) = &mut content.schema {
                either.items.retain(|item| !is_null(item));
                content.schema = either.items.pop();
            }
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Object(object)) = schema else { return false };
    object.schema_type == SchemaType::Type(Type::Null)
}
