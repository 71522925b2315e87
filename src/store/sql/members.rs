//! Members: which ones are counted in a bucket, where different ones are.

use super::db::Db;
use super::value::values;
use crate::store::StoreError;

use std::collections::HashSet;

/// Returns true if `member` is counted in an opened bucket already.
pub(super) fn has(db: &dyn Db, id: i64, account: &str, member: &str) -> Result<bool, StoreError> {
    db.sure(
        "SELECT EXISTS (SELECT 1 FROM member WHERE bucket = ?1 AND account = ?2 AND member = ?3)",
        values![id, account, member],
        |row| row.get(0),
    )
}

pub(super) fn add(db: &dyn Db, id: i64, account: &str, member: &str) -> Result<(), StoreError> {
    db.write(
        "INSERT INTO member (bucket, account, member) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        values![id, account, member],
    )
}

pub(super) fn add_all(
    db: &dyn Db,
    id: i64,
    account: &str,
    members: &HashSet<Box<str>>,
) -> Result<(), StoreError> {
    members.iter().try_for_each(|member| add(db, id, account, member))
}

/// Forgets all members of an account in a bucket.
pub(super) fn clear(db: &dyn Db, id: i64, account: &str) -> Result<(), StoreError> {
    db.write("DELETE FROM member WHERE bucket = ?1 AND account = ?2", values![id, account])
}
