//! ServerGlass: a session that reads, one state of the books at a time.

use super::driver::{Driver, Pace};
use super::session::Session;
use crate::store::StoreError;
use crate::store::sql::db::Db;
use crate::store::sql::engine::Glass;

/// A connection that only reads.
#[derive(Debug)]
pub struct ServerGlass(pub(super) Driver);

impl ServerGlass {
    pub(super) const fn of(session: Session) -> Self {
        Self(Driver::of(session, Pace::Careful))
    }
}

impl Glass for ServerGlass {
    fn db(&self) -> &dyn Db {
        &self.0
    }

    /// Sent along with the first question.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.0.session.send_plain("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn end(&mut self) -> bool {
        let session = &self.0.session;
        session.send_plain("COMMIT").and_then(|()| session.settle()).is_ok()
    }

    fn is_broken(&self) -> bool {
        self.0.session.is_broken()
    }
}
