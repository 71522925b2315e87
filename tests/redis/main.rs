//! What only Redis promises: how it is found or refused, who gets in, what it does when the server
//! goes, and that nothing costs more as the books grow. What every store promises is in
//! `src/conformance`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/servers/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod servers;

mod cost;
mod exact;
mod examining;
mod instances;
mod keeping;
mod master;
mod moving;
mod outage;
mod refused;
mod secured;
mod silent;
mod words;
