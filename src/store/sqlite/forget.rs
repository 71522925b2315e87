//! Forget: gives all that one subject did to a name that says nothing.

use rusqlite::{Connection, params};

use super::step::Step;
use super::{counters, open, policy};
use crate::clock::Timestamp;
use crate::quota::{PolicyVersion, Subject};
use crate::store::StoreError;

/// Where the name of a subject stands as whose something is, without more beside it.
const NAMED: [&str; 3] = [
    "UPDATE event SET subject = ?2, key = NULL, fingerprint = NULL WHERE subject = ?1",
    "UPDATE hold SET subject = ?2 WHERE subject = ?1",
    "UPDATE notice SET subject = ?2 WHERE subject = ?1",
];

/// Where it stands as an account; `?2` may stand there too.
const ACCOUNTS: [&str; 7] = [
    "INSERT INTO part SELECT resource, per, size_ms, ?2, start_ms, net FROM part
     WHERE account = ?1 AND per = 'subject'
     ON CONFLICT (resource, per, size_ms, account, start_ms) DO UPDATE SET net = net + excluded.net",
    "DELETE FROM part WHERE account = ?1 AND account <> ?2 AND per = 'subject'",
    "INSERT INTO balance SELECT resource, per, ?2, used, newest_ms FROM balance
     WHERE account = ?1 AND per = 'subject'
     ON CONFLICT (resource, per, account) DO UPDATE SET used = used + excluded.used,
        newest_ms = max(coalesce(newest_ms, excluded.newest_ms), coalesce(excluded.newest_ms, newest_ms))",
    "DELETE FROM balance WHERE account = ?1 AND account <> ?2 AND per = 'subject'",
    "UPDATE OR REPLACE mark SET account = ?2 WHERE account = ?1 AND per = 'subject'",
    "UPDATE OR REPLACE counter SET account = ?2
     WHERE account = ?1 AND bucket IN (SELECT id FROM bucket WHERE per = 'subject')",
    "UPDATE OR REPLACE member SET account = ?2
     WHERE account = ?1 AND bucket IN (SELECT id FROM bucket WHERE per = 'subject')",
];

pub(super) fn forget(
    step: &mut Step<'_>,
    subject: &Subject,
    pseudonym: &Subject,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !is_known(step.db, subject)? {
        return Ok(false);
    }
    let is_shared = is_known(step.db, pseudonym)?;
    let open = open::retire(step, subject, now)?;
    if !open.is_empty() {
        let text = format!("{subject} has reservations under way: try again when they have ended");
        return Err(StoreError::Conflict(text));
    }
    for statement in NAMED.iter().chain(&ACCOUNTS) {
        step.db.execute(statement, params![subject, pseudonym])?;
    }
    let had = step.db.execute("DELETE FROM grants WHERE subject = ?1", params![subject])?;
    step.known.forget();
    if is_shared {
        counters::fold_all_of(step, pseudonym)?;
    }
    if had > 0 {
        let seen: PolicyVersion = policy::version(step.db)?;
        policy::raise(step, seen)?;
    }
    Ok(true)
}

fn is_known(db: &Connection, subject: &Subject) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM event WHERE subject = ?1)
             OR EXISTS (SELECT 1 FROM grants WHERE subject = ?1)
             OR EXISTS (SELECT 1 FROM balance WHERE account = ?1 AND per = 'subject')
             OR EXISTS (SELECT 1 FROM hold WHERE subject = ?1)",
        params![subject],
        |row| row.get(0),
    )
}
