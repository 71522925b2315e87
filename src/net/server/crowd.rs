//! Crowd: how many connections one client may have at a time, and a word in the log once it has.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::news::News;
use crate::net::concurrency::{Concurrency, Slot, network_of};
use crate::net::listener::Peer;
use crate::telemetry::labels::Hindrance;
use crate::telemetry::metrics::Connections;

/// The most connections of one client at a time, over all listeners that share it.
#[derive(Clone, Debug)]
pub struct Crowd {
    there: Concurrency<IpAddr>,
    /// Whose connections are those of many clients.
    exempt: Arc<[IpNet]>,
    news: News,
}

impl Crowd {
    /// Returns one that lets in `most` of each client, or any number; those of `exempt` networks and
    /// over Unix sockets are not counted.
    #[must_use]
    pub fn new(most: Option<usize>, exempt: &[IpNet]) -> Self {
        Self { there: Concurrency::new(most), exempt: exempt.into(), news: News::default() }
    }

    /// Counts one more of `peer` while the slot lives; none if it has as many as it may.
    pub(super) fn enter(&self, peer: Peer, counts: &Connections) -> Option<Slot<IpAddr>> {
        let Peer::Ip(address) = peer else { return Some(Slot::free()) };
        if !self.there.is_limited() || self.exempt.iter().any(|it| it.contains(&address)) {
            return Some(Slot::free());
        }
        let client = network_of(address);
        let slot = self.there.enter(&client).ok();
        if slot.is_none() {
            counts.limited(Hindrance::ConnectionsPerClient);
            if self.news.is_due() {
                let limit = "connections_per_client";
                tracing::warn!(limit, %client, "a client has as many connections as it may: new ones are closed");
            }
        }
        slot
    }
}

impl Default for Crowd {
    /// Any number of anyone.
    fn default() -> Self {
        Self::new(None, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_too_often_is_refused_and_others_and_proxies_are_not() {
        let counts = crate::telemetry::Metrics::new().unwrap().public;
        let crowd = Crowd::new(Some(1), &["127.0.0.0/8".parse().unwrap()]);
        let peer = |address: &str| Peer::Ip(address.parse().unwrap());
        let held: Vec<_> =
            ["192.0.2.1", "2001:db8::1"].map(|it| crowd.enter(peer(it), &counts).unwrap()).into();
        for (there, expected) in [
            (peer("192.0.2.1"), false),
            (peer("192.0.2.2"), true),
            (peer("2001:db8::2"), false),
            (peer("2001:db8:0:1::1"), true),
            (peer("127.0.0.1"), true),
            (peer("127.0.0.1"), true),
            (Peer::Unix, true),
        ] {
            assert_eq!(crowd.enter(there, &counts).is_some(), expected, "{there:?}");
        }
        drop(held);
        assert!(crowd.enter(peer("192.0.2.1"), &counts).is_some());
    }
}
