//! What crosses the hop, and what belongs to one side of it.

mod addresses;
mod answers;
mod bodies;
mod connections;
mod headers;
mod smuggling;
mod upgrades;

const GET: &str = "/_matrix/client/v3/sync";
