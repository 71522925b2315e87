//! What only a file promises: how it is found or refused, what it keeps over the end of a process,
//! and what a look into it shows. What every store promises is in `src/conformance`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod durability;
mod inside;
mod opening;
mod patience;
mod processes;
