//! Writer: one thread that commits all waiting calls in one transaction (group commit).
//!
//! Each call can be taken back alone, so that one that fails takes nothing of the others with it.
//! Nobody is answered before the commit: a call that was answered has happened. A transaction that
//! came to nothing by the way of the engine is done again, so a call may run more than once.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::engine::{Lost, Others, Own, Pen, Survives};
use super::known::Known;
use super::step::Step;
use crate::store::StoreError;

/// Calls that may wait; past it they are refused instead of filling memory.
const WAITING: usize = 16_384;

/// Calls committed at once, so that none waits for a transaction without end.
const BATCH: usize = 1024;

/// How often a transaction is begun before its callers are told.
const TRIES: usize = 4;

/// The way to the thread. Dropped, it lets the thread finish what waits, and joins it.
#[derive(Debug)]
pub(in crate::store) struct Writer {
    calls: Option<SyncSender<Call>>,
    thread: Option<JoinHandle<()>>,
    /// Closed by the thread when it ends.
    end: Mutex<Receiver<()>>,
    farewell: Option<Duration>,
}

enum Call {
    Work(Survives, Box<dyn Work>),
    Checkpoint(oneshot::Sender<Result<(), StoreError>>),
}

/// A call of any answer.
trait Work: Send {
    /// Does it, instead of what it did before; false if it failed and must leave nothing behind.
    fn run(&mut self, step: &mut Step<'_>) -> bool;

    /// Answers the caller; `lost` if it did not happen after all.
    fn tell(self: Box<Self>, lost: Option<StoreError>);
}

struct Job<T, F> {
    work: F,
    answer: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Job<T, F>
where
    T: Send,
    F: Fn(&mut Step<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, step: &mut Step<'_>) -> bool {
        // What it answered before may hold a lock that it is to take again.
        self.answer = None;
        self.answer.insert((self.work)(step)).is_ok()
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
    /// Starts the thread that owns `pen`; it is called `name`.
    pub(in crate::store) fn start<P: Pen>(
        name: &str,
        pen: P,
        own: Arc<dyn Own>,
    ) -> Result<Self, StoreError> {
        let (calls, waiting) = sync_channel(WAITING);
        let (ending, end) = sync_channel(0);
        let thread = std::thread::Builder::new().name(name.to_owned());
        let thread = thread
            .spawn(move || {
                Book { pen, own, known: Known::default() }.keep(&waiting);
                drop::<SyncSender<()>>(ending);
            })
            .map_err(|error| StoreError::unavailable("no thread for the database", error))?;
        let end = Mutex::new(end);
        Ok(Self { calls: Some(calls), thread: Some(thread), end, farewell: P::FAREWELL })
    }

    /// Does `work` in the next transaction; returns once that is committed.
    ///
    /// May be dropped half way: the work is then done whole, or not at all.
    pub(in crate::store) async fn call<T, F>(
        &self,
        survives: Survives,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Step<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Job { work, answer: None, caller };
        self.send(Call::Work(survives, Box::new(job)))?;
        answer.await.map_err(|_| ended())?
    }

    /// Returns once all that was committed is as durable as it can be, as far as other processes
    /// that read let it.
    pub(in crate::store) async fn checkpoint(&self) -> Result<(), StoreError> {
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
        if let Some(farewell) = self.farewell {
            let end = self.end.get_mut().unwrap_or_else(PoisonError::into_inner);
            if end.recv_timeout(farewell) == Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
        if let Some(thread) = self.thread.take() {
            // It ends by itself once nobody can call; a panic of it was told to its callers.
            drop(thread.join());
        }
    }
}

/// What the thread owns.
struct Book<P> {
    pen: P,
    own: Arc<dyn Own>,
    known: Known,
}

impl<P: Pen> Book<P> {
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
                drop(caller.send(self.pen.checkpoint()));
            }
        }
    }

    /// Commits what waits, and tells the callers. If the transaction breaks under a call for good,
    /// those behind it stay for another one.
    fn commit(&mut self, survives: Survives, work: &mut VecDeque<Box<dyn Work>>) {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut done = Vec::with_capacity(work.len());
            let lost = match self.run_all(survives, tries > 1, &mut done, work) {
                Ok(()) => None,
                Err(lost) => {
                    self.known.forget();
                    self.pen.abandon();
                    match lost {
                        Lost::Again(_) if tries < TRIES => {
                            done.into_iter().rev().for_each(|one| work.push_front(one));
                            continue;
                        }
                        Lost::Again(why) | Lost::Gone(why) => Some(why),
                    }
                }
            };
            for one in done {
                one.tell(lost.as_ref().map(again));
            }
            return;
        }
    }

    fn run_all(
        &mut self,
        survives: Survives,
        is_again: bool,
        done: &mut Vec<Box<dyn Work>>,
        work: &mut VecDeque<Box<dyn Work>>,
    ) -> Result<(), Lost> {
        match self.pen.begin(survives, is_again) {
            Ok(Others::Nothing) => {}
            Ok(Others::Counts) => self.known.forget_counts(),
            Ok(Others::Anything) => self.known.forget(),
            Err(lost) => {
                // Those behind would only wait as long for the same answer.
                done.extend(work.drain(..));
                return Err(lost);
            }
        }
        while let Some(mut one) = work.pop_front() {
            let outcome = self.run(one.as_mut());
            done.push(one);
            outcome?;
        }
        self.pen.commit()
    }

    /// Runs one call; an error means that the transaction is gone.
    fn run(&mut self, one: &mut dyn Work) -> Result<(), Lost> {
        self.pen.mark()?;
        let mut step = Step { db: self.pen.db()?, known: &mut self.known, own: &*self.own };
        if one.run(&mut step) {
            return self.pen.keep();
        }
        // It may have remembered what it then did not write.
        self.known.forget();
        self.pen.take_back()
    }
}

/// Returns the same error for another caller.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable { what, source } => {
            StoreError::unavailable(what, source.to_string())
        }
        StoreError::Conflict(text) => StoreError::Conflict(text.clone()),
        StoreError::Corrupt(text) => StoreError::Corrupt(text.clone()),
        StoreError::Misconfigured(text) => StoreError::Misconfigured(text.clone()),
        StoreError::Overflow(overflow) => StoreError::Overflow(*overflow),
    }
}
