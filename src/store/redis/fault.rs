//! Fault: what the driver's errors mean for whoever asked, and what to do about them.

use redis::{ErrorKind, RedisError};

use crate::store::StoreError;

/// Who is not let in.
const REFUSED: &str =
    "Redis does not take this user and password: write the right ones into the address";

/// What a Cluster says of keys of which one node has some and another has the rest.
const MOVING: &str = "the Redis Cluster is moving the books to another node: try again in a moment";

/// What the server says at the beginning of an error, and what that means.
const MEANINGS: [(&str, &str); 15] = [
    ("OOM", "Redis is out of memory: raise its maxmemory, or prune the ledger"),
    ("READONLY", "Redis is a replica that only reads: name the master, or ask its Sentinels"),
    ("MISCONF", "Redis cannot write to its disk and refuses changes: see its log"),
    ("LOADING", "Redis is still reading its data: try again in a moment"),
    ("MASTERDOWN", "Redis is a replica whose master is gone: name the new master"),
    ("CLUSTERDOWN", "the Redis Cluster is down: see its nodes"),
    ("TRYAGAIN", MOVING),
    ("ASK", MOVING),
    (
        "MOVED",
        "Redis is a node of a Cluster, and another has the books: name its nodes in the address, \
         by redis+cluster://",
    ),
    ("NOREPLICAS", "Redis has too few replicas to take changes: see min-replicas-to-write"),
    ("NOAUTH", "Redis asks for a password: write it into the address of the store"),
    ("WRONGPASS", REFUSED),
    (
        "NOPERM",
        "Redis does not allow this user what the books need: all keys of the prefix, +@all -@admin",
    ),
    ("BUSY", "Redis is busy with a script: see its log"),
    ("UNKILLABLE", "Redis is busy with a script: see its log"),
];

/// Returns what `error` means.
pub(super) fn of(error: RedisError) -> StoreError {
    let code = error.code().unwrap_or_default().to_owned();
    let known = MEANINGS.iter().find(|(begins, _)| code == *begins);
    let what = match known {
        Some((_, what)) => what,
        None if error.kind() == ErrorKind::AuthenticationFailed => REFUSED,
        None if error.is_timeout() => "Redis did not answer in time",
        None if error.is_io_error() || error.is_connection_dropped() => {
            "Redis cannot be reached: is it running there?"
        }
        None => "Redis refuses a call",
    };
    let is_kept_out = ["NOAUTH", "WRONGPASS", "NOPERM"].contains(&code.as_str());
    if is_kept_out || what == REFUSED {
        return StoreError::Misconfigured(what.to_owned());
    }
    StoreError::unavailable(what, error)
}

/// Returns the error of a server that does not answer.
pub(super) fn silent() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// Returns true if after `error` only another connection can help.
pub(super) fn ends_the_connection(error: &RedisError) -> bool {
    let elsewhere = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH"];
    error.is_connection_dropped()
        || (error.is_io_error() && !error.is_timeout())
        || error.is_unrecoverable_error()
        || error.code().is_some_and(|code| elsewhere.contains(&code))
}

/// Returns true if a Cluster says by `error` that it did not run the call, and may soon.
pub(super) fn was_not_run(error: &RedisError) -> bool {
    let soon = ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING"];
    error.code().is_some_and(|code| soon.contains(&code))
}

/// Returns the error of books in which `what` is not what it should be.
pub(super) fn corrupt(what: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("the books in Redis are damaged: {what}"))
}
