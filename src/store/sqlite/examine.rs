//! Examine: what could make books in a file lie, or be lost.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::migrate;
use crate::clock::Timestamp;
use crate::quota::{Amount, Measure};
use crate::store::{Finding, StoreError};

/// Below this many free bytes, books soon cannot be written.
const LITTLE_SPACE: u64 = 100_000_000;
/// Below this many, it is time to look.
const SOME_SPACE: u64 = 1_000_000_000;
/// A log is cut back to 64 MiB when it is carried over: one twice as long was not for a while.
const LONG_LOG: u64 = 128 << 20;

/// Looks at the database `db` that is in `file`; writes nothing.
pub(super) fn examine(
    db: &Connection,
    file: &Path,
    now: Timestamp,
) -> Result<Vec<Finding>, StoreError> {
    let mut found = vec![schema(db)?, journal(db)?, durability(), integrity(db)?];
    found.extend(system(file));
    found.push(log(file));
    found.extend(permissions(file));
    found.push(instances(db, now)?);
    Ok(found)
}

fn schema(db: &Connection) -> Result<Finding, StoreError> {
    let schema: usize = db
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?
        .try_into()
        .unwrap_or_default();
    let newest = migrate::newest();
    Ok(if schema == newest {
        Finding::good("schema", format!("schema {schema}, the newest that this metergate knows"))
    } else {
        let text = format!("schema {schema}, not {newest}: run the newest metergate you have");
        Finding::fault("schema", text)
    })
}

fn journal(db: &Connection) -> Result<Finding, StoreError> {
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    Ok(if mode.eq_ignore_ascii_case("wal") {
        Finding::good(
            "journal",
            "a write-ahead log: reading and writing do not wait for each other",
        )
    } else {
        let text = format!(
            "journal_mode is {mode}: let no other program change it, and start metergate again"
        );
        Finding::fault("journal", text)
    })
}

/// Each connection says for itself what it waits for; this is what the writer says.
fn durability() -> Finding {
    let text = "synchronous is FULL for what is charged, which is on disk before it is \
                acknowledged, and NORMAL for reservations, which outlive the process";
    Finding::good("durability", text)
}

fn integrity(db: &Connection) -> Result<Finding, StoreError> {
    let mut check = db.prepare("PRAGMA quick_check(3)")?;
    let said = check.query_map([], |row| row.get::<_, String>(0))?;
    let said: Vec<String> = said.collect::<rusqlite::Result<_>>()?;
    Ok(if said == ["ok"] {
        Finding::good("integrity", "every page is as it should be")
    } else {
        let text = format!("the file is damaged ({}): restore it from a backup", said.join("; "));
        Finding::fault("integrity", text)
    })
}

/// Looks at the file system that `file` is on.
#[cfg(unix)]
fn system(file: &Path) -> Vec<Finding> {
    let about = match rustix::fs::statvfs(file) {
        Ok(about) => about,
        Err(error) => return vec![unknown("space", &error.into())],
    };
    let mut found = vec![space(about.f_bavail.saturating_mul(about.f_frsize))];
    #[cfg(target_os = "linux")]
    match rustix::fs::statfs(file) {
        Ok(about) => found.push(sharing(about.f_type.into())),
        Err(error) => found.push(unknown("file system", &error.into())),
    }
    found
}

#[cfg(not(unix))]
fn system(_: &Path) -> Vec<Finding> {
    Vec::new()
}

fn space(free: u64) -> Finding {
    let told = bytes(free);
    if free < LITTLE_SPACE {
        return Finding::fault("space", format!("{told} are free on its disk: make room now"));
    }
    if free < SOME_SPACE {
        return Finding::warning("space", format!("{told} are free on its disk: make room"));
    }
    Finding::good("space", format!("{told} are free on its disk"))
}

/// Says what is known of the locks of a kind of file system, by its number in statfs(2).
#[cfg(any(target_os = "linux", test))]
fn sharing(kind: i128) -> Finding {
    let network = match kind & 0xFFFF_FFFF {
        0x6969 => "NFS",
        0x517B | 0xFF53_4D42 | 0xFE53_4D42 => "SMB",
        0x0102_1997 => "9P",
        0x5346_414F => "AFS",
        0x6573_5546 => {
            let text = "on FUSE, whose locks may not be seen by others: move it to a local disk, \
                        unless you know better";
            return Finding::warning("file system", text);
        }
        _ => return Finding::good("file system", "not one that is known to lose locks"),
    };
    let text = format!("on {network}, whose locks are not to be trusted: move it to a local disk");
    Finding::fault("file system", text)
}

fn log(file: &Path) -> Finding {
    let log = beside(file, "-wal");
    let length = match log.metadata() {
        Ok(log) => log.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return unknown("log", &error),
    };
    let told = bytes(length);
    if length > LONG_LOG {
        let text = format!(
            "{told} wait to be carried over into the file: end whatever program reads it all the time"
        );
        return Finding::warning("log", text);
    }
    Finding::good("log", format!("{told} wait to be carried over into the file"))
}

#[cfg(unix)]
fn permissions(file: &Path) -> Vec<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let name = file.display();
    let mode = match file.metadata() {
        Ok(about) => Metadata::permissions(&about).mode() & 0o777,
        Err(error) => return vec![unknown("permissions", &error)],
    };
    let text = format!("mode {mode:03o}: every user of this machine may");
    vec![if mode & 0o002 != 0 {
        Finding::fault("permissions", format!("{text} change it: chmod 600 {name}"))
    } else if mode & 0o004 != 0 {
        Finding::warning("permissions", format!("{text} read who uploads what: chmod 600 {name}"))
    } else {
        Finding::good("permissions", format!("mode {mode:03o}: not for every user of this machine"))
    }]
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Vec<Finding> {
    Vec::new()
}

/// Names those who hold, or held, reservations. One that has none gives no signs of life.
fn instances(db: &Connection, now: Timestamp) -> Result<Finding, StoreError> {
    let mut query = db.prepare("SELECT id, seen_ms FROM instance ORDER BY seen_ms DESC LIMIT 9")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let mut told = Vec::new();
    for row in rows {
        let (id, seen) = row?;
        let ago = Timestamp::from_millis(seen).until(now).as_secs();
        told.push(format!("{id}, last seen {ago} s ago"));
    }
    Ok(Finding::good(
        "instances",
        if told.is_empty() { "none".to_owned() } else { told.join("; ") },
    ))
}

/// Says that something could not be looked at.
fn unknown(about: &'static str, error: &io::Error) -> Finding {
    Finding::warning(about, format!("cannot be found out: {error}"))
}

/// Returns the file that SQLite keeps beside `file`.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn bytes(count: u64) -> String {
    Measure::BYTES.human(Amount::new(i64::try_from(count).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Severity;

    #[test]
    fn little_space_is_told_before_there_is_none() {
        assert_eq!(space(99_999_999).severity, Severity::Fault);
        assert_eq!(space(100_000_000).severity, Severity::Warning);
        let good = space(5_000_000_000);
        assert_eq!(
            (good.severity, good.text.as_str()),
            (Severity::Good, "5 GB are free on its disk")
        );
    }

    #[test]
    fn a_file_system_of_another_machine_is_no_place() {
        // ext4, and tmpfs.
        for local in [0xEF53, 0x0102_1994] {
            assert_eq!(sharing(local).severity, Severity::Good);
        }
        // As statfs tells it where the field is signed, too.
        for network in [0x6969, 0xFF53_4D42, i128::from(0xFF53_4D42_u32.cast_signed())] {
            assert_eq!(sharing(network).severity, Severity::Fault);
        }
        assert_eq!(sharing(0x6573_5546).severity, Severity::Warning);
    }
}
