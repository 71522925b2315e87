//! Members: which ones are counted in a bucket, where different ones are.

use std::collections::HashSet;

use rusqlite::{Connection, params};

/// Returns true if `member` is counted in an opened bucket already.
pub(super) fn has(db: &Connection, id: i64, account: &str, member: &str) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM member WHERE bucket = ?1 AND account = ?2 AND member = ?3)",
    )?
    .query_row(params![id, account, member], |row| row.get(0))
}

pub(super) fn add(db: &Connection, id: i64, account: &str, member: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO member (bucket, account, member) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?
    .execute(params![id, account, member])
    .map(|_| ())
}

pub(super) fn add_all(
    db: &Connection,
    id: i64,
    account: &str,
    members: &HashSet<Box<str>>,
) -> rusqlite::Result<()> {
    members.iter().try_for_each(|member| add(db, id, account, member))
}

/// Forgets all members of an account in a bucket.
pub(super) fn clear(db: &Connection, id: i64, account: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM member WHERE bucket = ?1 AND account = ?2")?
        .execute(params![id, account])
        .map(|_| ())
}
