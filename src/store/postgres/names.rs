//! Names: the instances of this process, each with a lock on its name that the server holds for a
//! connection of its own.
//!
//! The end of the process, by `kill -9` too, ends the connection, and so lets go of the name. But
//! a connection may also end while the process lives. So a lock that can be had proves something
//! only to whoever comes with the same name, which no two processes may have; all others go by the
//! signs of life.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::driver::{Driver, Pace};
use super::gate::Gate;
use crate::quota::held::Instance;
use crate::store::StoreError;
use crate::store::sql::engine::Lock;
use crate::store::sql::instances::taken;
use crate::store::sql::value::values;

/// How often a name is asked for, and how long it takes from one time to the next: a connection
/// that was closed just now may not have let go yet.
const TRIES: usize = 5;
const BETWEEN: Duration = Duration::from_millis(100);

/// The names this process has.
#[derive(Debug)]
pub(super) struct Names {
    gate: Arc<Gate>,
    joined: Mutex<HashMap<Instance, Arc<Name>>>,
}

/// A name that is had for as long as the connection lasts.
#[derive(Debug)]
struct Name {
    key: i64,
    driver: Mutex<Driver>,
}

impl Names {
    pub(super) fn on(gate: Arc<Gate>) -> Self {
        Self { gate, joined: Mutex::default() }
    }

    pub(super) fn has(&self, instance: &Instance) -> bool {
        self.joined().contains_key(instance)
    }

    /// Returns the lock on the name of `instance`; none if another process has it.
    pub(super) fn lock(&self, instance: &Instance) -> Result<Option<Lock>, StoreError> {
        let key = self.key_of(instance);
        let name = self.take(key)?;
        Ok(name.map(|driver| -> Lock { Box::new(Name { key, driver: Mutex::new(driver) }) }))
    }

    pub(super) fn keep(&self, instance: Instance, lock: Lock) {
        if let Ok(name) = lock.downcast::<Name>() {
            self.joined().insert(instance, Arc::new(*name));
        }
    }

    /// Lets go of a name; blocks meanwhile.
    pub(super) fn forget(&self, instance: &Instance) {
        let name = self.joined().remove(instance);
        if let Some(name) = name {
            // If that fails, the end of the connection does it.
            let unlock = "SELECT pg_advisory_unlock(?1)";
            drop(name.driver().number(unlock, values![name.key]));
        }
    }

    /// Asks for a name again whose connection was lost. Blocks meanwhile.
    pub(super) fn renew(&self, instance: &Instance) -> Result<(), StoreError> {
        let Some(name) = self.joined().get(instance).cloned() else {
            return Ok(());
        };
        let mut driver = name.driver();
        if driver.number("SELECT 1::bigint", &[]).is_ok() {
            return Ok(());
        }
        match self.take(name.key)? {
            Some(anew) => *driver = anew,
            None => return taken(instance),
        }
        Ok(())
    }

    fn take(&self, key: i64) -> Result<Option<Driver>, StoreError> {
        let driver = Driver::of(self.gate.pass()?, Pace::Careful);
        for tries in 1..=TRIES {
            if driver.number("SELECT pg_try_advisory_lock(?1)", values![key])? != 0 {
                return Ok(Some(driver));
            }
            if tries < TRIES {
                std::thread::sleep(BETWEEN);
            }
        }
        Ok(None)
    }

    /// Returns the number by which the server knows the name, among all locks of its database.
    fn key_of(&self, instance: &Instance) -> i64 {
        key(&[self.gate.address.schema.as_str(), instance.as_str()])
    }

    fn joined(&self) -> MutexGuard<'_, HashMap<Instance, Arc<Name>>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Name {
    fn driver(&self) -> MutexGuard<'_, Driver> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a number that hardly anything else has.
pub(super) fn key(parts: &[&str]) -> i64 {
    let mut digest = Sha256::new();
    digest.update(b"metergate");
    for part in parts {
        digest.update([0]);
        digest.update(part.as_bytes());
    }
    let bytes = digest.finalize();
    bytes.iter().take(8).fold(0, |number: i64, byte| (number << 8) | i64::from(*byte))
}
