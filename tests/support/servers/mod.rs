//! Servers that books are kept on: real ones, started for the tests on free ports of this machine,
//! with nothing of theirs outside a temporary folder.
//!
//! Each ends with the process of the tests, however that ends: beside it stands a shell that waits
//! for that end. Nothing of a server that the machine runs anyway is touched.

mod cluster;
pub(crate) mod machine;
mod postgres;
mod redis;
pub(crate) mod watched;

pub(crate) use cluster::Cluster;
pub(crate) use postgres::Postgres;
pub(crate) use redis::Redis;
