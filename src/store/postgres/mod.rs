//! The PostgreSQL store: one schema that any number of instances share.
//!
//! What the tables say is in `store/sql`; here is what only a server knows.
//!
//! **One writer at a time.** Each instance gathers the calls that wait into one transaction, which
//! begins by raising the number in the one row of `book`. That locks the row until the commit, so
//! transactions that write follow each other, of however many instances, and all that is promised
//! of one process holds of all: no window is ever judged by a count that another transaction is
//! about to change, whoever shares it; ids of lines and notices rise in the order of commits, so
//! who follows them by the last one seen misses none; nothing can deadlock, since nothing else is
//! waited for. And the number tells if anybody else has written since: if not, what the writer
//! remembers of the books is still so, and a single instance hardly reads. A second number tells
//! if what seldom changes has: policy, opened buckets, kept parts. So several instances read anew
//! only the counts and the reservations that their calls are about.
//!
//! Locking only the counters that a call touches would let calls that share no window commit side
//! by side. But nearly every deployment has a window of everyone, which would be such a lock
//! again; lines would no longer rise with their ids; and with a commit for many calls, the number
//! of commits is not what holds calls up.
//!
//! **Few round trips.** A write is sent and not waited for; its outcome is looked at before the
//! commit is believed. Only what has to be read is waited for. If anything goes wrong on the way,
//! the whole transaction is taken back and done again *carefully*: step by step, each call behind
//! a savepoint, so that the one that fails fails alone.
//!
//! **What a lost connection means.** Before COMMIT was sent: nothing has happened, and all is done
//! again. After: nobody knows, and the callers are told that the store is unavailable (S14). A
//! process that stands still inside a transaction is thrown out by the server after five seconds.
//!
//! Prepared statements and session locks need a session of one's own: connect to the server, or to
//! a pooler that pools sessions, not transactions. An instance takes up to six connections: one
//! that writes, four that read, one that has its name.

// Where it is, and how to get there.
mod address;
mod fault;
mod gate;
mod migrate;
mod session;
mod tls;
// What is done there.
mod driver;
mod engine;
mod examine;
mod glass;
mod names;
mod pen;

use std::sync::Arc;

use self::address::Address;
use self::engine::Server;
use self::gate::Gate;
use self::pen::ServerPen;
use super::sql::Books;
use super::{StoreError, StoreUrl};

/// Books on a server. Dropped, it finishes the calls that wait.
pub type Postgres = Books<Server>;

impl Postgres {
    /// Reads `url` as [`open`](Self::open) does, and no more.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn check(url: &StoreUrl) -> Result<(), StoreError> {
        Address::parse(url).map(drop)
    }

    /// Names the database at `url`; the first call connects, and makes the tables if need be.
    ///
    /// Beside what the server knows, a URL may say `schema` (`metergate` unless given), `sslmode`
    /// (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`) and `sslrootcert`. These mean
    /// what they mean to libpq, `prefer` unless given; but a password goes in clear to another
    /// machine only where `sslmode=disable` says so.
    ///
    /// # Errors
    /// Misconfigured if the URL cannot be understood, or its certificates cannot be read.
    pub fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        let gate = Arc::new(Gate::to(Address::parse(url)?));
        let engine = Arc::new(Server::behind(gate.clone()));
        Self::start("metergate-postgres", engine, ServerPen::behind(gate))
    }

    /// Drops the schema with all that is in it. Nothing may be done with it after.
    ///
    /// # Errors
    /// Unavailable, as any call.
    pub async fn erase(&self) -> Result<(), StoreError> {
        let engine = self.engine.clone();
        self.aside(move || engine.erase()).await
    }
}
