//! Connection: the way to the server: made at the first call, shared by all calls, made again when
//! it is lost.
//!
//! Calls go out in the order in which they are made, one behind the other on one connection, so
//! one whose caller has left happens, if it does, before those that come after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::address::Address;
use super::link::{CONNECT, Link, connect};
use super::script::{Script, script};
use super::silence::Silence;
use super::{entry, fault};
use crate::store::StoreError;

script!(DIRECT, WORDS, "verbs/direct.lua");

/// Calls that may be under way; past it they are refused instead of filling memory.
const WAITING: usize = 16_384;

/// How long is waited each time that a Cluster did not run a call, before it is sent again.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
];

/// The way to the server.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) address: Address,
    present: Mutex<Present>,
    /// How often a connection was tried to make.
    tries: AtomicU64,
    calls: Semaphore,
}

#[derive(Debug, Default)]
struct Present {
    line: Option<Line>,
    /// How many there were before it.
    number: u64,
    /// Why the last try to make one failed, if it did.
    failed: Option<RedisError>,
}

/// A connection in use.
#[derive(Clone, Debug)]
struct Line {
    link: Link,
    number: u64,
    silence: Arc<Silence>,
}

impl Connection {
    /// Returns the way to `address`; nothing is asked of it yet.
    pub(super) fn to(address: Address) -> Self {
        let (present, tries) = (Mutex::default(), AtomicU64::new(0));
        Self { address, present, tries, calls: Semaphore::new(WAITING) }
    }

    /// Sends one command, whose first argument is a key of the books, and returns its answer. It
    /// goes by a script, since only the server knows which root the keys have.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let arguments = command.args_iter().filter_map(|argument| match argument {
            redis::Arg::Simple(text) => std::str::from_utf8(text).ok(),
            _ => None,
        });
        let arguments: Vec<_> = arguments.collect();
        self.run(&DIRECT, &arguments).await
    }

    /// Runs a script, and returns its answer.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        arguments: &[&str],
    ) -> Result<T, StoreError> {
        let _call = self
            .calls
            .try_acquire()
            .map_err(|error| StoreError::unavailable("too many calls wait for Redis", error))?;
        let mut waits = AGAIN.into_iter();
        loop {
            let Line { link, number, silence } = self.line().await?;
            let is_cluster = matches!(link, Link::Cluster(_));
            let call = silence.broken_by(self.once(link, script, arguments));
            let error = match call.await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let is_again = is_cluster && fault::was_not_run(&error);
            let error = self.lost(error, number).await;
            match waits.next() {
                Some(wait) if is_again => tokio::time::sleep(wait).await,
                _ => return Err(error),
            }
        }
    }

    async fn once<T: FromRedisValue>(
        &self,
        mut link: Link,
        script: &Script,
        arguments: &[&str],
    ) -> RedisResult<T> {
        let known = self.call("EVALSHA", script.hash(), arguments);
        match known.query_async(&mut link).await {
            Err(error) if is_unknown(&error) => {
                // The server forgot it, or is another: this way it learns it, too.
                self.call("EVAL", script.source(), arguments).query_async(&mut link).await
            }
            answer => answer,
        }
    }

    /// The keys it names are one that is never there and one that always is: a node that has only
    /// a part of the books, as they move from it or to it, does not run it.
    fn call(&self, verb: &str, script: &str, arguments: &[&str]) -> Cmd {
        let keys = &self.address.keys;
        let mut command = redis::cmd(verb);
        command.arg(script).arg(2).arg(keys.root()).arg(keys.layout()).arg(arguments);
        command
    }

    /// Returns the present connection, made anew if there is none.
    pub(super) async fn link(&self) -> Result<Link, StoreError> {
        self.line().await.map(|line| line.link)
    }

    async fn line(&self) -> Result<Line, StoreError> {
        let tries = self.tries.load(Ordering::Relaxed);
        let mut present = self.present.lock().await;
        present.line.take_if(|line| line.silence.is_given_up());
        if let Some(line) = &present.line {
            return Ok(line.clone());
        }
        let failed = present.failed.take();
        if let Some(error) = failed.filter(|_| self.tries.load(Ordering::Relaxed) != tries) {
            // It was tried while this call waited: those who wait do not try one after the other.
            present.failed = Some(error.clone());
            return Err(fault::of(error));
        }
        self.tries.fetch_add(1, Ordering::Relaxed);
        let mut link = connect(&self.address.servers).await.map_err(|error| {
            present.failed = Some(error.clone());
            fault::of(error)
        })?;
        let check = entry::check(&mut link, &self.address.keys);
        timeout(CONNECT, check).await.map_err(|_| fault::of(fault::silent()))??;
        present.number += 1;
        let line = Line { link, number: present.number, silence: Arc::default() };
        present.line = Some(line.clone());
        Ok(line)
    }

    /// Returns once the server has answered all that went out before.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let line = self.present.lock().await.line.clone();
        let Some(Line { mut link, .. }) = line else { return Ok(()) };
        let mut ask = redis::cmd("GET");
        ask.arg(self.address.keys.layout());
        ask.exec_async(&mut link).await.map_err(fault::of)
    }

    /// Gives up the connection with this number, if nothing else can help after `error`.
    async fn lost(&self, error: RedisError, number: u64) -> StoreError {
        if fault::ends_the_connection(&error) {
            let mut present = self.present.lock().await;
            if present.number == number {
                present.line = None;
            }
        }
        fault::of(error)
    }
}

fn is_unknown(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript)
}
