//! Words: how names, amounts, limits and moments stand in the description of the API.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::schema::{KnownFormat, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::lasting::Lasting;
use crate::clock::Timestamp;
use crate::engine::Tree;
use crate::quota::held::HoldId;
use crate::quota::policy::Source;
use crate::quota::{
    Amount, Capability, Limit, Measure, Pattern, Period, PolicyVersion, Resource, Said, Subject,
    Unit, Zone,
};

/// Describes a type of ours that is one value in JSON.
macro_rules! word {
    ($word:ty, $name:literal, $schema:expr) => {
        impl PartialSchema for $word {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::from($schema))
            }
        }

        impl ToSchema for $word {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

word!(
    Subject,
    "Subject",
    text("Who: a Matrix user id, or any other name without spaces", "@alice:example.org")
        .min_length(Some(1))
        .max_length(Some(Subject::MAX_BYTES))
        .build()
);
word!(Resource, "Resource", text("What is counted", "media_bytes").build());
word!(Pattern, "Pattern", text("A name with * and ?", "@bridge_*:example.org").build());
word!(Unit, "Unit", text("In what it is measured: bytes, count, or a word", "bytes").build());
word!(Zone, "Zone", text("A time zone of IANA", "Europe/Berlin").build());
word!(Period, "Period", text("A period: day, month, 30d@2026-01-01, rolling 7d", "month").build());
word!(HoldId, "ReservationId", text("A reservation", "0199a3c5d0a07f3eb4d2a4d2c0ffee00").build());
word!(
    Source,
    "Source",
    text("Where a limit comes from: exempt, override, group, rule, default, call", "default free")
        .build()
);
word!(
    Timestamp,
    "Moment",
    text(
        "A moment (RFC 3339), or a date, which is its first moment in UTC",
        "2026-12-01T00:00:00Z"
    )
    .build()
);
word!(Amount, "Amount", number("So many base units").examples([json!(500_000_000)]).build());
word!(PolicyVersion, "PolicyVersion", number("Rises with every change of the policy").build());
word!(
    Said,
    "SomeAmount",
    OneOfBuilder::new()
        .description(Some("So many base units, or text with a unit"))
        .item(number("So many base units").build())
        .item(text("With a unit, or without", "500MB").build())
        .examples([json!("500MB")])
        .build()
);
word!(
    Lasting,
    "Duration",
    OneOfBuilder::new()
        .description(Some("So many seconds, or text with ms, s, m, h or d"))
        .item(number("Seconds").minimum(Some(0)).build())
        .item(text("With its unit", "60s").build())
        .examples([json!("60s")])
        .build()
);
word!(
    Limit,
    "Limit",
    OneOfBuilder::new()
        .description(Some("One window, several of them at once, or \"unlimited\""))
        .item(text("One window", "500000000/month").build())
        .item(ArrayBuilder::new().items(text("One of several", "2000000000/day soft").build()))
        .examples([json!("500000000/month")])
        .build()
);
word!(
    Capability,
    "Capability",
    OneOfBuilder::new()
        .description(Some("What an action draws on"))
        .item(ArrayBuilder::new().items(Resource::schema()))
        .item(
            ObjectBuilder::new()
                .property("resources", ArrayBuilder::new().items(Resource::schema()))
                .property("on_outage", text("open or closed", "open"))
                .required("resources")
        )
        .build()
);
word!(
    Measure,
    "Measure",
    ObjectBuilder::new()
        .description(Some("How a resource is counted"))
        .property("aggregate", Ref::from_schema_name("Aggregate"))
        .property("unit", Ref::from_schema_name("Unit"))
        .property("decimals", number("How many decimals an amount may have: 0 unless told"))
        .required("aggregate")
        .required("unit")
        .build()
);
word!(
    Tree,
    "Anything",
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some("A value in JSON, read where it is used"))
        .build()
);

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .examples([Value::from(example)])
}

fn number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(description))
}

/// A document of the books; its own description would be that of this API again.
pub(super) struct Books;

word!(
    Books,
    "Books",
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Policy, what subjects have of their own and, if asked for, the ledger"))
        .property("resources", table("Name to how it is counted"))
        .property("groups", table("Name to {resource: limit, …}"))
        .property("default_group", maybe(Type::String))
        .property("capabilities", table("Name to what it draws on"))
        .property("rules", list("{\"match\", \"group\"}"))
        .property("subjects", table("Name to {group, exempt, until, …}"))
        .property("overrides", table("Name to {resource: {limit, until, note}}"))
        .property("boosts", table("Name to {resource: [{amount, until, note}]}"))
        .property("period", maybe(Type::String))
        .property("timezone", maybe(Type::String))
        .property("balances", list("What was used before the events"))
        .property("events", list("A line of the ledger"))
        .build()
);

fn table(description: &str) -> ObjectBuilder {
    maybe(Type::Object).description(Some(description))
}

fn list(description: &str) -> ArrayBuilder {
    let items = ObjectBuilder::new().schema_type(Type::Object).description(Some(description));
    ArrayBuilder::new().schema_type(SchemaType::Array(vec![Type::Array, Type::Null])).items(items)
}

/// Returns what may be null, and is then as if it were not there.
fn maybe(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Array(vec![kind, Type::Null]))
}
