//! Concurrency: how many there are of one kind at the same time, each kept by its key.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much of an IPv6 address says whose it is: the rest a client chooses by itself.
const NETWORK_BITS: u32 = 64;

/// Counts what is there of each key, if that is limited. Clones are the same.
#[derive(Debug)]
pub struct Concurrency<K: Eq + Hash> {
    limited: Option<Arc<Limited<K>>>,
}

#[derive(Debug)]
struct Limited<K> {
    most: usize,
    there: Mutex<HashMap<K, usize>>,
}

/// One that is there, until it is dropped.
#[derive(Debug)]
pub struct Slot<K: Eq + Hash>(Option<(Arc<Limited<K>>, K)>);

/// There are as many as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full(pub usize);

impl<K: Clone + Eq + Hash> Concurrency<K> {
    /// Returns one that lets in `most` of each key, or any number.
    #[must_use]
    pub fn new(most: Option<usize>) -> Self {
        let limited = |most| Arc::new(Limited { most, there: Mutex::default() });
        Self { limited: most.map(limited) }
    }

    /// Returns whether there is a limit at all.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.limited.is_some()
    }

    /// Counts one more of `key`, while the slot lives.
    ///
    /// # Errors
    /// When there are as many as there may be.
    pub fn enter(&self, key: &K) -> Result<Slot<K>, Full> {
        let Some(limited) = &self.limited else {
            return Ok(Slot::free());
        };
        let mut there = limited.lock();
        let count = there.get(key).copied().unwrap_or_default();
        if count >= limited.most {
            return Err(Full(limited.most));
        }
        there.insert(key.clone(), count + 1);
        drop(there);
        Ok(Slot(Some((Arc::clone(limited), key.clone()))))
    }
}

impl<K: Eq + Hash> Clone for Concurrency<K> {
    fn clone(&self) -> Self {
        Self { limited: self.limited.clone() }
    }
}

impl<K: Eq + Hash> Slot<K> {
    /// Returns the slot of one that counts against nothing.
    #[must_use]
    pub const fn free() -> Self {
        Self(None)
    }
}

impl<K: Eq + Hash> Limited<K> {
    fn leave(&self, key: &K) {
        let mut there = self.lock();
        if let Some(count) = there.get_mut(key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                there.remove(key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        if let Some((limited, key)) = self.0.take() {
            limited.leave(&key);
        }
    }
}

/// Returns what stands for the client at `address`: of IPv6 its network, as each of its machines
/// has addresses without end.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        short @ IpAddr::V4(_) => short,
        IpAddr::V6(long) => {
            let bits = long.to_bits() >> NETWORK_BITS << NETWORK_BITS;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_than_the_limit_is_refused_until_one_ends() {
        let concurrency = Concurrency::new(Some(2));
        let first = concurrency.enter(&"alice").unwrap();
        let _second = concurrency.enter(&"alice").unwrap();
        assert_eq!(concurrency.clone().enter(&"alice").unwrap_err(), Full(2));
        assert!(concurrency.enter(&"bob").is_ok());
        drop(first);
        assert!(concurrency.enter(&"alice").is_ok());
    }

    #[test]
    fn nobody_is_remembered_of_whom_nothing_is_there() {
        let concurrency = Concurrency::new(Some(1));
        drop(concurrency.enter(&"alice"));
        let none = Concurrency::new(Some(0));
        assert!(none.enter(&"alice").is_err());
        for it in [concurrency, none] {
            assert!(it.limited.unwrap().lock().is_empty());
        }
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let concurrency = Concurrency::new(None);
        let slots: Vec<_> = (0..100).map(|_| concurrency.enter(&"alice").unwrap()).collect();
        assert!(slots.iter().all(|slot| slot.0.is_none()));
    }

    #[test]
    fn clients_in_one_network_of_ipv6_are_one() {
        for (address, network) in [
            ("192.0.2.9", "192.0.2.9"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ] {
            let network: IpAddr = network.parse().unwrap();
            assert_eq!(network_of(address.parse().unwrap()), network);
        }
    }
}
