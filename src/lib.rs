//! Upload quotas in front of a Matrix homeserver, and the quota engine behind them.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod matrix;
pub mod net;
pub mod proxy;
pub mod quota;
pub mod store;
pub mod telemetry;
