//! Session: one connection, used by one thread at a time, which waits for what it asks.
//!
//! Its runtime is its own, and goes on only while somebody waits: so it depends on no other, and
//! no other thread has to be woken. What is [sent](Session::send) is not waited for; the order of
//! all that is sent is kept.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Error, Statement};

use super::address::Address;
use super::fault::{Trouble, cause, fault};
use crate::store::StoreError;
use crate::store::sql::engine::Lost;

/// How long a whole connection may take to be ready, sign-in included.
const READY: Duration = Duration::from_secs(10);

/// How long an answer may take when the server has failed to end the statement itself.
const ANSWER: Duration = Duration::from_secs(65);

/// Statements sent and not yet looked at; past it one waits for all of them.
const SENT: usize = 1024;

/// What a connection is set to. A transaction of this process that stands still is ended by the
/// server before the lease of the instances on it is over. Plans are made once, when tables may
/// still be small, and must serve when they are large: so they use indexes even then.
const SETTINGS: &str = "
    SET lock_timeout = '1s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '5s';
    SET default_transaction_isolation = 'read committed';
    SET default_transaction_deferrable = off;
    SET client_min_messages = error;
    SET standard_conforming_strings = on;
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET jit = off;
    SELECT set_config('synchronous_commit', CASE setting WHEN 'off' THEN 'on' ELSE setting END, false)
        FROM pg_settings WHERE name = 'synchronous_commit';";

type Sent = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send>>;

/// One connection.
pub(super) struct Session {
    /// None only while it is dropped.
    runtime: Option<Runtime>,
    pub(super) client: Arc<Client>,
    statements: RefCell<HashMap<String, Statement>>,
    sent: RefCell<VecDeque<Sent>>,
    trouble: Cell<Option<Trouble>>,
    why: RefCell<Option<StoreError>>,
}

impl Session {
    /// Connects; blocks meanwhile.
    pub(super) fn connect(address: &Address) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::unavailable("no runtime for the database", error))?;
        let connecting = async {
            let tls = address.connector.0.clone();
            let (client, connection) = address.config.connect(tls).await?;
            // Its end shows in what is asked of it.
            drop(tokio::spawn(connection));
            let schema = address.schema.quoted();
            let settings = format!("SET search_path = {schema}, pg_temp;{SETTINGS}");
            client.batch_execute(&settings).await?;
            Ok::<_, Error>(client)
        };
        let client = runtime
            .block_on(async { tokio::time::timeout(READY, connecting).await })
            .map_err(|_| unreachable("it did not answer in time"))?
            .map_err(|error| match error.as_db_error() {
                Some(_) => fault(&error),
                None => unreachable(cause(&error)),
            })?;
        Ok(Self {
            runtime: Some(runtime),
            client: Arc::new(client),
            statements: RefCell::default(),
            sent: RefCell::default(),
            trouble: Cell::default(),
            why: RefCell::default(),
        })
    }

    /// Waits for an answer.
    pub(super) fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let Some(runtime) = &self.runtime else {
            return Err(self.silent());
        };
        let answer = runtime.block_on(async { tokio::time::timeout(ANSWER, answer).await });
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Sends a request, and does not wait for its answer.
    pub(super) fn send(
        &self,
        request: impl Future<Output = Result<u64, Error>> + Send + 'static,
    ) -> Result<(), StoreError> {
        let mut request: Sent = Box::pin(request);
        // It is sent when it is first looked at.
        match request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => return Err(self.failed(&error)),
            Poll::Pending => self.sent.borrow_mut().push_back(request),
        }
        if self.sent.borrow().len() >= SENT { self.settle() } else { Ok(()) }
    }

    /// Sends a statement that has no values, and does not wait for its answer.
    pub(super) fn send_plain(&self, statement: &'static str) -> Result<(), StoreError> {
        let client = self.client.clone();
        self.send(async move { client.batch_execute(statement).await.map(|()| 0) })
    }

    /// Waits until all that was sent is answered; the first that failed says why.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let all = std::mem::take(&mut *self.sent.borrow_mut());
        if all.is_empty() {
            return Ok(());
        }
        self.wait(async {
            let mut outcome = Ok(());
            for sent in all {
                outcome = outcome.and(sent.await.map(drop));
            }
            outcome
        })
    }

    /// Ends the transaction: all that was sent has happened.
    pub(super) fn commit(&self) -> Result<(), Lost> {
        let client = self.client.clone();
        let mut commit = Box::pin(async move { client.batch_execute("COMMIT").await });
        // It goes out with all that was sent before; what of that fails, makes it a ROLLBACK.
        let first = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let outcome = self.settle().and_then(|()| match first {
            Poll::Ready(answer) => answer.map_err(|error| self.failed(&error)),
            Poll::Pending => self.wait(commit),
        });
        outcome.map_err(|why| {
            if self.is_broken() {
                let text = "whether the last calls have happened is not known";
                Lost::Gone(StoreError::unavailable("the connection to the database was lost", text))
            } else {
                Lost::Again(why)
            }
        })
    }

    /// Returns a statement, prepared when it is first asked for.
    pub(super) fn prepared(&self, text: &str) -> Result<Statement, StoreError> {
        if let Some(known) = self.statements.borrow().get(text) {
            return Ok(known.clone());
        }
        let statement = self.wait(self.client.prepare(&translated(text)))?;
        self.statements.borrow_mut().insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Returns what was worst since [`Session::calm`], and why the first of it was.
    pub(super) fn trouble(&self) -> Option<(Trouble, StoreError)> {
        let trouble = self.trouble.get()?;
        let why = self.why.borrow_mut().take().unwrap_or_else(lost);
        Some((trouble, why))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.trouble.get() == Some(Trouble::Broken) || self.client.is_closed()
    }

    /// Forgets trouble that was dealt with.
    pub(super) fn calm(&self) {
        self.trouble.set(None);
        self.why.replace(None);
    }

    /// Remembers what an error means; returns what the caller is told.
    fn failed(&self, error: &Error) -> StoreError {
        self.remember(Trouble::of(error), fault(error));
        fault(error)
    }

    fn silent(&self) -> StoreError {
        self.remember(Trouble::Broken, lost());
        lost()
    }

    fn remember(&self, trouble: Trouble, why: StoreError) {
        if self.trouble.get().is_none() {
            self.why.replace(Some(why));
        }
        self.trouble.set(self.trouble.get().max(Some(trouble)));
    }
}

fn unreachable(why: impl Into<String>) -> StoreError {
    StoreError::unavailable("the database cannot be reached", why.into())
}

fn lost() -> StoreError {
    StoreError::unavailable("the connection to the database was lost", "it did not answer")
}

/// Returns a statement of the books as PostgreSQL reads it: `$1` for `?1`, without the hints.
fn translated(text: &str) -> String {
    let mut rest = text.replace('?', "$");
    while let Some(start) = rest.find(" INDEXED BY ") {
        let name = start + " INDEXED BY ".len();
        let end = rest[name..].find(char::is_whitespace).map_or(rest.len(), |it| name + it);
        rest.replace_range(start..end, "");
    }
    let mut plain = String::with_capacity(rest.len());
    let mut letters = rest.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_hint = letter == '+' && letters.peek().is_some_and(char::is_ascii_lowercase);
        if !is_hint {
            plain.push(letter);
        }
    }
    plain
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for nothing: it may be dropped where one must not wait.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_and_marks_of_values_are_translated() {
        let text = "SELECT a FROM event INDEXED BY event_reset WHERE +id > ?1 AND b + c = ?12";
        assert_eq!(translated(text), "SELECT a FROM event WHERE id > $1 AND b + c = $12");
    }
}
