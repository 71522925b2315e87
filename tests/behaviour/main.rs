//! What metergate does, seen from outside: through sockets, before a homeserver that is scripted.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod api;
mod cli;
mod cutoff;
mod dashboard;
mod forwarding;
mod handover;
mod http2;
mod identity;
mod limits;
mod meter;
mod metering;
mod metrics;
mod notices;
mod outage;
mod own_pages;
mod passing;
mod privacy;
mod proxied;
mod refusal;
mod refusals;
mod reload;
mod request_id;
mod routing;
mod servers;
mod shutdown;
mod streaming;
mod tls;
mod upstreams;
