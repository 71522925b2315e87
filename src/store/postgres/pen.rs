//! ServerPen: the session that writes, one transaction of many calls at a time.

use std::sync::Arc;
use std::time::Duration;

use super::driver::{Driver, Pace};
use super::fault::Trouble;
use super::gate::Gate;
use crate::store::StoreError;
use crate::store::sql::db::Db;
use crate::store::sql::engine::{Lost, Others, Pen, Survives};

/// Raises the number of the transactions that wrote, and so waits for the one before.
const TURN: &str = "UPDATE book SET turn = turn + 1 RETURNING turn, shape";

/// The one connection of a store that writes.
#[derive(Debug)]
pub struct ServerPen {
    gate: Arc<Gate>,
    driver: Option<Driver>,
    /// The transaction that is under way.
    turn: Turn,
    /// The last one that was committed here.
    last: Option<Turn>,
}

/// A transaction among all that ever wrote.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    number: i64,
    /// How often policy, buckets or parts had changed when it began.
    shape: i64,
}

impl ServerPen {
    pub(super) const fn behind(gate: Arc<Gate>) -> Self {
        Self { gate, driver: None, turn: Turn { number: 0, shape: 0 }, last: None }
    }

    fn driver(&self) -> Result<&Driver, Lost> {
        self.driver.as_ref().ok_or_else(|| Lost::Gone(no_connection()))
    }

    /// Returns why the transaction is to be done again, if it is.
    ///
    /// Carefully, what a statement did wrong is left to the call it belongs to.
    fn trouble(&self) -> Result<(), Lost> {
        let driver = self.driver()?;
        match driver.session.trouble() {
            None => Ok(()),
            Some((Trouble::Statement, _)) if driver.pace == Pace::Careful => Ok(()),
            Some((_, why)) => Err(Lost::Again(why)),
        }
    }

    fn plain(&self, statement: &'static str) -> Result<(), Lost> {
        let sent = self.driver()?.session.send_plain(statement);
        sent.map_err(Lost::Again)
    }
}

impl Pen for ServerPen {
    // A server may stand still, and no process should for its sake.
    const FAREWELL: Option<Duration> = Some(Duration::from_secs(5));

    fn db(&self) -> Result<&dyn Db, Lost> {
        Ok(self.driver()?)
    }

    /// Every commit survives a loss of power, if the server lets any.
    fn begin(&mut self, _: Survives, again: bool) -> Result<Others, Lost> {
        let pace = if again { Pace::Careful } else { Pace::Swift };
        if let Some(driver) = &mut self.driver {
            driver.pace = pace;
        } else {
            let session = self.gate.pass().map_err(Lost::Gone)?;
            self.driver = Some(Driver::of(session, pace));
        }
        self.plain("BEGIN")?;
        let db = self.db()?;
        let turn = db.sure(TURN, &[], |row| Ok((row.get(0)?, row.get(1)?)));
        let (number, shape) = turn.map_err(Lost::Again)?;
        self.turn = Turn { number, shape };
        Ok(match self.last {
            Some(last) if number == last.number.wrapping_add(1) => Others::Nothing,
            // If the last one here changed it, too, this looks as if others had.
            Some(last) if shape == last.shape => Others::Counts,
            _ => Others::Anything,
        })
    }

    fn mark(&mut self) -> Result<(), Lost> {
        match self.driver()?.pace {
            Pace::Swift => {
                self.driver()?.has_written.set(false);
                Ok(())
            }
            Pace::Careful => self.plain("SAVEPOINT one"),
        }
    }

    fn keep(&mut self) -> Result<(), Lost> {
        self.trouble()?;
        match self.driver()?.pace {
            Pace::Swift => Ok(()),
            Pace::Careful => self.plain("RELEASE one"),
        }
    }

    fn take_back(&mut self) -> Result<(), Lost> {
        self.trouble()?;
        let driver = self.driver()?;
        if driver.pace == Pace::Swift {
            // Of a call that only read nothing is left.
            return if driver.has_written.get() { Err(Lost::Again(half_done())) } else { Ok(()) };
        }
        self.plain("ROLLBACK TO one")?;
        self.plain("RELEASE one")?;
        let driver = self.driver()?;
        driver.session.settle().map_err(Lost::Again)?;
        driver.session.calm();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Lost> {
        self.trouble()?;
        let session = &self.driver()?.session;
        session.commit()?;
        self.last = Some(self.turn);
        Ok(())
    }

    fn abandon(&mut self) {
        self.last = None;
        let is_clean = self.driver.as_ref().is_some_and(|driver| {
            let session = &driver.session;
            if session.is_broken() {
                return false;
            }
            // What was sent before may well have failed.
            let sent = session.send_plain("ROLLBACK").is_ok();
            drop(session.settle());
            let is_whole = sent && !session.is_broken();
            session.calm();
            is_whole
        });
        if !is_clean {
            self.driver = None;
        }
    }

    /// What is committed is on the disk of the server, if anything is.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn no_connection() -> StoreError {
    StoreError::unavailable("the connection to the database was lost", "it is not made anew yet")
}

/// What nobody is told who fails by himself.
fn half_done() -> StoreError {
    StoreError::unavailable("the database did not do what was asked", "another call failed")
}
