//! Server: what the books know of the server they are on.

use std::sync::Arc;

use super::driver::{Driver, Pace};
use super::examine;
use super::gate::Gate;
use super::glass::ServerGlass;
use super::names::Names;
use super::pen::ServerPen;
use super::session::Session;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::store::sql::engine::{Engine, Lock, Own};
use crate::store::{Finding, StoreError};

/// A database on a server.
#[derive(Debug)]
pub struct Server {
    gate: Arc<Gate>,
    names: Names,
}

impl Server {
    pub(super) fn behind(gate: Arc<Gate>) -> Self {
        Self { names: Names::on(gate.clone()), gate }
    }

    pub(super) fn erase(&self) -> Result<(), StoreError> {
        let address = &self.gate.address;
        // It need not be in order to go away.
        let driver = Driver::of(Session::connect(address)?, Pace::Careful);
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", address.schema.quoted());
        driver.session.wait(driver.session.client.batch_execute(&drop))
    }
}

impl Engine for Server {
    type Pen = ServerPen;
    type Glass = ServerGlass;

    const HAS_CLOCK: bool = true;
    const CLAIMS_FIRST: bool = true;

    fn glass(&self) -> Result<ServerGlass, StoreError> {
        self.gate.pass().map(ServerGlass::of)
    }

    fn time(&self, glass: &mut ServerGlass) -> Result<Option<Timestamp>, StoreError> {
        examine::time(&glass.driver).map(Some)
    }

    fn examine(&self, glass: &mut ServerGlass, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        examine::examine(&glass.driver, now)
    }

    fn describe(&self) -> String {
        self.gate.address.shown.clone()
    }
}

impl Own for Server {
    fn has(&self, instance: &Instance) -> bool {
        self.names.has(instance)
    }

    fn claim(&self, instance: &Instance) -> Result<Option<Lock>, StoreError> {
        self.names.lock(instance)
    }

    fn keep(&self, instance: Instance, lock: Lock) {
        self.names.keep(instance, lock);
    }

    fn forget(&self, instance: &Instance) {
        self.names.forget(instance);
    }

    fn is_dead(&self, _: &Instance, is_stale: bool) -> Result<Option<Lock>, StoreError> {
        Ok(is_stale.then(|| -> Lock { Box::new(()) }))
    }

    /// Nothing is left behind.
    fn bury(&self, _: &Instance) {}

    fn renew(&self, instance: &Instance) -> Result<(), StoreError> {
        self.names.renew(instance)
    }
}
