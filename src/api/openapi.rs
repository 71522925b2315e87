//! The description of the API, made from the code that answers.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
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
