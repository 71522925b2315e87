//! Forget: gives all that one subject did to a name that says nothing.

use super::db::Db;
use super::step::Step;
use super::value::values;
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

/// Where it stands as an account; `?2` may stand there too. What is past 64 bits stays at the end of
/// the range.
const ACCOUNTS: [&str; 10] = [
    "INSERT INTO part SELECT resource, per, size_ms, ?2, start_ms, net FROM part
     WHERE account = ?1 AND per = 'subject'
     ON CONFLICT (resource, per, size_ms, account, start_ms) DO UPDATE SET net =
         CASE WHEN part.net > 0 AND excluded.net > 9223372036854775807 - part.net
                  THEN 9223372036854775807
              WHEN part.net < 0 AND excluded.net < -9223372036854775807 - part.net - 1
                  THEN -9223372036854775807 - 1
              ELSE part.net + excluded.net END",
    "DELETE FROM part WHERE account = ?1 AND account <> ?2 AND per = 'subject'",
    "INSERT INTO balance SELECT resource, per, ?2, used, newest_ms FROM balance
     WHERE account = ?1 AND per = 'subject'
     ON CONFLICT (resource, per, account) DO UPDATE SET used =
         CASE WHEN balance.used > 0 AND excluded.used > 9223372036854775807 - balance.used
                  THEN 9223372036854775807
              ELSE balance.used + excluded.used END,
        newest_ms = CASE WHEN balance.newest_ms > excluded.newest_ms THEN balance.newest_ms
                         ELSE coalesce(excluded.newest_ms, balance.newest_ms) END",
    "DELETE FROM balance WHERE account = ?1 AND account <> ?2 AND per = 'subject'",
    "DELETE FROM mark WHERE account = ?2 AND account <> ?1 AND per = 'subject'
     AND (resource, bucket, mode, mark) IN
         (SELECT resource, bucket, mode, mark FROM mark WHERE account = ?1 AND per = 'subject')",
    "UPDATE mark SET account = ?2 WHERE account = ?1 AND per = 'subject'",
    "DELETE FROM counter WHERE account = ?2 AND account <> ?1 AND bucket IN
         (SELECT bucket FROM counter JOIN bucket ON bucket.id = counter.bucket
          WHERE account = ?1 AND per = 'subject')",
    "UPDATE counter SET account = ?2
     WHERE account = ?1 AND bucket IN (SELECT id FROM bucket WHERE per = 'subject')",
    "DELETE FROM member WHERE account = ?2 AND account <> ?1 AND (bucket, member) IN
         (SELECT bucket, member FROM member JOIN bucket ON bucket.id = member.bucket
          WHERE account = ?1 AND per = 'subject')",
    "UPDATE member SET account = ?2
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
        step.db.write(statement, values![subject, pseudonym])?;
    }
    let had = step.db.change("DELETE FROM grants WHERE subject = ?1", values![subject])?;
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

fn is_known(db: &dyn Db, subject: &Subject) -> Result<bool, StoreError> {
    db.sure(
        "SELECT EXISTS (SELECT 1 FROM event WHERE subject = ?1)
             OR EXISTS (SELECT 1 FROM grants WHERE subject = ?1)
             OR EXISTS (SELECT 1 FROM balance WHERE account = ?1 AND per = 'subject')
             OR EXISTS (SELECT 1 FROM hold WHERE subject = ?1)",
        values![subject],
        |row| row.get(0),
    )
}
