//! Forget: gives all that one subject did to a name that says nothing.

use rusqlite::{Connection, params};

use super::step::Step;
use super::{open, policy};
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
const ACCOUNTS: [&str; 5] = [
    "UPDATE OR REPLACE counter SET account = ?2
     WHERE account = ?1 AND bucket IN (SELECT id FROM bucket WHERE per = 'subject')",
    "UPDATE OR REPLACE member SET account = ?2
     WHERE account = ?1 AND bucket IN (SELECT id FROM bucket WHERE per = 'subject')",
    "UPDATE OR REPLACE part SET account = ?2 WHERE account = ?1 AND per = 'subject'",
    "UPDATE OR REPLACE balance SET account = ?2 WHERE account = ?1 AND per = 'subject'",
    "UPDATE OR REPLACE mark SET account = ?2 WHERE account = ?1 AND per = 'subject'",
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
    if is_known(step.db, pseudonym)? {
        return conflict("there is someone of that name already: take another");
    }
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

fn conflict<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Conflict(text.to_owned()))
}
