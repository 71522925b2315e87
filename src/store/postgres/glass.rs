//! ServerGlass: a session that reads, one state of the books at a time.

use super::driver::{Driver, Pace};
use super::session::Session;
use crate::store::StoreError;
use crate::store::sql::db::Db;
use crate::store::sql::engine::Glass;

/// A connection that only reads.
#[derive(Debug)]
pub struct ServerGlass {
    pub(super) driver: Driver,
    /// A transaction is under way.
    has_begun: bool,
}

impl ServerGlass {
    pub(super) const fn of(session: Session) -> Self {
        Self { driver: Driver::of(session, Pace::Careful), has_begun: false }
    }
}

impl Glass for ServerGlass {
    fn db(&self) -> &dyn Db {
        &self.driver
    }

    /// Sent along with the first question.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.has_begun = true;
        self.driver.session.send_plain("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn end(&mut self) -> bool {
        let session = &self.driver.session;
        if !std::mem::take(&mut self.has_begun) {
            return !session.is_broken();
        }
        session.send_plain("COMMIT").and_then(|()| session.settle()).is_ok()
    }

    fn is_broken(&self) -> bool {
        self.driver.session.is_broken()
    }
}
