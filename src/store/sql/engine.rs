//! Engine: what differs between databases: how one connects, what a transaction is, and what
//! proves that a process is dead.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use super::db::Db;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::store::{Finding, StoreError};

/// A database that can keep the books.
pub trait Engine: Own + fmt::Debug + Send + Sync + 'static {
    /// How it is written.
    type Pen: Pen;
    /// How it is read.
    type Glass: Glass;

    /// It has a clock that all instances share.
    const HAS_CLOCK: bool;

    /// A name is asked for before the transaction that makes it known: it may take long, and
    /// everyone would wait.
    const CLAIMS_FIRST: bool;

    /// Connects for reading; blocks meanwhile.
    fn glass(&self) -> Result<Self::Glass, StoreError>;

    /// Returns the present moment by the clock of the database, if it has one.
    fn time(&self, glass: &mut Self::Glass) -> Result<Option<Timestamp>, StoreError>;

    /// Looks for what could make the books lie or be lost.
    fn examine(&self, glass: &mut Self::Glass, now: Timestamp) -> Result<Vec<Finding>, StoreError>;

    /// Returns what it is, for people. Never a password.
    fn describe(&self) -> String;
}

/// What a call that was answered survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survives {
    /// The end of this process.
    Crash,
    /// A loss of power too.
    PowerLoss,
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub enum Lost {
    /// Nothing of it has happened, and it may well if it is done again.
    Again(StoreError),
    /// It did not happen; or nobody knows.
    Gone(StoreError),
}

/// What others wrote between two transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Nothing.
    Nothing,
    /// Lines, counts, reservations; but the policy, the opened buckets and the kept parts are what
    /// they were.
    Counts,
    /// Anything.
    Anything,
}

/// The connection of the one who writes, for one transaction of many calls at a time.
pub trait Pen: Send + 'static {
    /// How long its last calls are waited for where it is dropped; none: until they are done.
    const FAREWELL: Option<Duration>;

    /// Returns the database inside the transaction.
    fn db(&self) -> Result<&dyn Db, Lost>;

    /// Begins a transaction, `again` if the last came to nothing and this one does the same.
    /// Returns what others may have written since the last one.
    fn begin(&mut self, survives: Survives, again: bool) -> Result<Others, Lost>;

    /// Begins a call.
    fn mark(&mut self) -> Result<(), Lost>;

    /// Ends a call that is done.
    fn keep(&mut self) -> Result<(), Lost>;

    /// Ends a call that failed: nothing of it is left.
    fn take_back(&mut self) -> Result<(), Lost>;

    /// Ends the transaction: all of it has happened.
    fn commit(&mut self) -> Result<(), Lost>;

    /// Ends a transaction that came to nothing.
    fn abandon(&mut self);

    /// Makes what was committed as durable as it can be.
    fn checkpoint(&mut self) -> Result<(), StoreError>;
}

/// A connection that only reads, one state of the books at a time.
pub trait Glass: Send + 'static {
    /// Returns the database as it was at the beginning.
    fn db(&self) -> &dyn Db;

    /// Begins to look at the present state.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Lets go of that state; false if the connection is no good any more.
    fn end(&mut self) -> bool;

    /// Returns true if what failed may go well on another connection.
    fn is_broken(&self) -> bool;
}

/// Proof that a process lives, for as long as it is kept.
pub(in crate::store) type Lock = Box<dyn Any + Send + Sync>;

/// The instances of this process, and what can be known of those of others.
pub trait Own: Send + Sync + fmt::Debug {
    /// Returns true if `instance` joined through this store.
    fn has(&self, instance: &Instance) -> bool;

    /// Asks for the name of `instance`; none if a process has it. Inside a transaction, unless the
    /// [engine](Engine::CLAIMS_FIRST) says otherwise; blocks meanwhile.
    fn claim(&self, instance: &Instance) -> Result<Option<Lock>, StoreError>;

    /// Keeps the name until [`Own::forget`].
    fn keep(&self, instance: Instance, lock: Lock);

    /// Lets go of the name.
    fn forget(&self, instance: &Instance);

    /// Returns something to hold while its reservations are ended, if the process of `other` is
    /// proven dead; `is_stale` if it gave no sign of life for long. Inside a transaction.
    fn is_dead(&self, other: &Instance, is_stale: bool) -> Result<Option<Lock>, StoreError>;

    /// Clears away what `instance` leaves behind. Inside a transaction.
    fn bury(&self, instance: &Instance);

    /// Sees to it that a name that is kept is still had. Blocks meanwhile.
    fn renew(&self, instance: &Instance) -> Result<(), StoreError>;
}
