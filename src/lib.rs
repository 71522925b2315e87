//! Upload quotas in front of a Matrix homeserver, and the quota engine behind them.

pub mod matrix;
pub mod net;
