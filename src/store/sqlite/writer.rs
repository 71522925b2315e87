//! Writer: one thread that commits all waiting calls in one transaction (group commit).
//!
//! Each call runs in a savepoint of its own, so that one that fails takes nothing of the others
//! with it. Nobody is answered before the commit: a call that was answered has happened.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::instances::Own;
use super::known::Known;
use super::step::Step;
use crate::store::StoreError;

/// Calls that may wait; past it they are refused instead of filling memory.
const WAITING: usize = 16_384;

/// Calls committed at once, so that none waits for a transaction without end.
const BATCH: usize = 1024;

/// What a call that was answered survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Survives {
    /// The end of this process.
    Crash,
    /// A loss of power too.
    PowerLoss,
}

/// The way to the thread. Dropped, it lets the thread finish what waits, and joins it.
#[derive(Debug)]
pub(super) struct Writer {
    calls: Option<SyncSender<Call>>,
    thread: Option<JoinHandle<()>>,
}

enum Call {
    Work(Survives, Box<dyn Work>),
    Checkpoint(oneshot::Sender<Result<(), StoreError>>),
}

/// A call of any answer.
trait Work: Send {
    /// Does it; false if it failed and must leave nothing behind.
    fn run(&mut self, step: &mut Step<'_>) -> bool;

    /// Answers the caller; `lost` if it did not happen after all.
    fn tell(self: Box<Self>, lost: Option<StoreError>);
}

struct Job<T, F> {
    work: Option<F>,
    answer: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Job<T, F>
where
    T: Send,
    F: FnOnce(&mut Step<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, step: &mut Step<'_>) -> bool {
        self.answer = self.work.take().map(|work| work(step));
        matches!(self.answer, Some(Ok(_)))
    }

    fn tell(self: Box<Self>, lost: Option<StoreError>) {
        let answer = match (lost, self.answer) {
            // Its own error says more than the loss of what it did not do.
            (_, Some(Err(error))) | (Some(error), _) => Err(error),
            (None, Some(answer)) => answer,
            (None, None) => return,
        };
        // A caller who has left does not want to know.
        drop(self.caller.send(answer));
    }
}

impl Writer {
    /// Starts the thread that owns `db`.
    pub(super) fn start(db: Connection, own: Own) -> Result<Self, StoreError> {
        let (calls, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("metergate-sqlite".to_owned());
        let thread = thread
            .spawn(move || {
                Book { db, own, known: Known::default(), set: None }.keep(&waiting);
            })
            .map_err(|error| StoreError::unavailable("no thread for the database", error))?;
        Ok(Self { calls: Some(calls), thread: Some(thread) })
    }

    /// Does `work` in the next transaction; returns once that is committed.
    ///
    /// May be dropped half way: the work is then done whole, or not at all.
    pub(super) async fn call<T, F>(&self, survives: Survives, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Step<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Job { work: Some(work), answer: None, caller };
        self.send(Call::Work(survives, Box::new(job)))?;
        answer.await.map_err(|_| ended())?
    }

    /// Returns once all that was committed is in the database file itself, as far as other
    /// processes that read let it.
    pub(super) async fn checkpoint(&self) -> Result<(), StoreError> {
        let (caller, answer) = oneshot::channel();
        self.send(Call::Checkpoint(caller))?;
        answer.await.map_err(|_| ended())?
    }

    fn send(&self, call: Call) -> Result<(), StoreError> {
        let calls = self.calls.as_ref().ok_or_else(ended)?;
        calls.try_send(call).map_err(|error| match error {
            TrySendError::Full(_) => {
                StoreError::unavailable("the database does not keep up", "too many calls wait")
            }
            TrySendError::Disconnected(_) => ended(),
        })
    }
}

fn ended() -> StoreError {
    StoreError::unavailable("the database is closed", "its thread has ended")
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            // It ends by itself once nobody can call; a panic of it was told to its callers.
            drop(thread.join());
        }
    }
}

/// What the thread owns.
struct Book {
    db: Connection,
    own: Own,
    known: Known,
    /// What a commit survives as the connection is set now.
    set: Option<Survives>,
}

impl Book {
    fn keep(mut self, waiting: &Receiver<Call>) {
        while let Ok(first) = waiting.recv() {
            let (mut survives, mut work) = (Survives::Crash, VecDeque::new());
            let mut checkpoints = Vec::new();
            for call in std::iter::once(first).chain(waiting.try_iter().take(BATCH)) {
                match call {
                    Call::Work(asked, one) => {
                        survives = survives.max(asked);
                        work.push_back(one);
                    }
                    Call::Checkpoint(caller) => checkpoints.push(caller),
                }
            }
            while !work.is_empty() {
                self.commit(survives, &mut work);
            }
            for caller in checkpoints {
                drop(caller.send(self.checkpoint()));
            }
        }
    }

    /// Commits what waits, and tells the callers. If the transaction breaks under a call, those
    /// behind it stay for another one.
    fn commit(&mut self, survives: Survives, work: &mut VecDeque<Box<dyn Work>>) {
        let mut done = Vec::with_capacity(work.len());
        let mut outcome = self.begin(survives);
        if outcome.is_err() {
            // Those behind would only wait as long for the same answer.
            done.extend(work.drain(..));
        }
        while outcome.is_ok()
            && let Some(mut one) = work.pop_front()
        {
            outcome = self.run(one.as_mut());
            done.push(one);
        }
        let outcome = outcome.and_then(|()| execute(&self.db, "COMMIT"));
        let lost = outcome.err().map(StoreError::from);
        if lost.is_some() {
            self.known.forget();
            if !self.db.is_autocommit() {
                // What cannot be undone now is undone by SQLite when the next BEGIN fails.
                drop(execute(&self.db, "ROLLBACK"));
            }
        }
        for one in done {
            one.tell(lost.as_ref().map(again));
        }
    }

    fn begin(&mut self, survives: Survives) -> rusqlite::Result<()> {
        if self.set != Some(survives) {
            // In WAL mode FULL syncs the log at every commit, NORMAL only at checkpoints.
            let mode = match survives {
                Survives::Crash => "NORMAL",
                Survives::PowerLoss => "FULL",
            };
            self.set = None;
            self.db.pragma_update(None, "synchronous", mode)?;
            self.set = Some(survives);
        }
        execute(&self.db, "BEGIN IMMEDIATE")?;
        let changes =
            self.db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0));
        self.known.written_by_others(changes?);
        Ok(())
    }

    /// Runs one call; an error means that the transaction is gone.
    fn run(&mut self, one: &mut dyn Work) -> rusqlite::Result<()> {
        execute(&self.db, "SAVEPOINT one")?;
        let mut step = Step { db: &self.db, known: &mut self.known, own: &self.own };
        if !one.run(&mut step) {
            // It may have remembered what it then did not write.
            self.known.forget();
            execute(&self.db, "ROLLBACK TO one")?;
        }
        execute(&self.db, "RELEASE one")
    }

    fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }
}

fn execute(db: &Connection, statement: &str) -> rusqlite::Result<()> {
    db.prepare_cached(statement)?.execute([]).map(|_| ())
}

/// Returns the same error for another caller.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable { what, source } => {
            StoreError::unavailable(what, source.to_string())
        }
        StoreError::Conflict(text) => StoreError::Conflict(text.clone()),
        StoreError::Corrupt(text) => StoreError::Corrupt(text.clone()),
        StoreError::Overflow(overflow) => StoreError::Overflow(*overflow),
    }
}
