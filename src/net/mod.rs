//! The wire: plumbing without opinions, in the order a connection meets it.

// Where to listen, where to connect.
mod address;
// In: sockets, connections, how many, and how they end.
mod ahead;
mod concurrency;
mod listener;
mod server;
mod shutdown;
// Through: what messages carry.
mod bearer;
mod body;
mod hop;
mod leftover;
mod passing;
mod segments;
mod tunnel;
mod watched;
// Both ways: who is not there any more, or does not move.
mod idle;
mod vanishing;
// Out: to the upstream.
mod client;
mod parting;
// Both ways: in secret.
mod tls;

pub use address::{Address, BadAddress, Origin};
pub use bearer::bearer;
pub use body::{Body, BodyError, SmallError, small};
pub use client::{Client, ClientError, ClientSettings, Protocol, Route, Share};
pub use concurrency::{Concurrency, Full, Slot, network_of};
pub use hop::end_to_end;
pub use leftover::Leftover;
pub use listener::{Listener, Peer};
pub use passing::Passing;
pub use segments::Segments;
pub use server::{Cap, Connection, Crowd, Entrance, Heralds, Limits, serve};
pub use shutdown::Shutdown;
pub use tls::{BadCertificate, Certificate, Roots, Seal, Tls};
pub use tunnel::tunnel;
pub use watched::Watched;
