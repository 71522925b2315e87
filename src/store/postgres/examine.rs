//! Examine: what on the server could make the books lie or be lost.

use std::time::Duration;

use super::driver::Driver;
use super::migrate::KNOWN;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::store::sql::db::Db;
use crate::store::{Finding, INSTANCE_LEASE, StoreError};

/// Clocks that differ by more are worth knowing of, and by much more are wrong.
const SKEW_TOLD: Duration = Duration::from_secs(1);
const SKEW_WRONG: Duration = Duration::from_secs(5);

/// The oldest server these statements are made for.
const OLDEST: i64 = 13;

/// Connections that should be left: for a metergate more, and someone who looks after it.
const SPARE: i64 = 10;

/// Returns the present moment by the clock of the server.
pub(super) fn time(driver: &Driver) -> Result<Timestamp, StoreError> {
    let now = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    driver.number(now, &[]).map(Timestamp::from_millis)
}

pub(super) fn examine(driver: &Driver, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
    let mut found = vec![schema(driver)?, version(driver)?];
    found.extend(durability(driver)?);
    found.push(clock(time(driver)?, now));
    found.push(connections(driver)?);
    found.extend(instances(driver)?);
    Ok(found)
}

fn schema(driver: &Driver) -> Result<Finding, StoreError> {
    let found = driver.number("SELECT format FROM book", &[])?;
    Ok(Finding::good("schema", format!("the tables are of schema {found}, of {KNOWN} known.")))
}

fn version(driver: &Driver) -> Result<Finding, StoreError> {
    let number = driver.number("SELECT current_setting('server_version_num')::bigint", &[])?;
    let (major, minor) = (number / 10_000, number % 10_000);
    let about = "version";
    Ok(if major < OLDEST {
        let text = format!(
            "the server is PostgreSQL {major}.{minor}, which metergate is not tested with: use \
             {OLDEST} or newer."
        );
        Finding::warning(about, text)
    } else {
        Finding::good(about, format!("the server is PostgreSQL {major}.{minor}."))
    })
}

fn durability(driver: &Driver) -> Result<Vec<Finding>, StoreError> {
    let about = "durability";
    let mut found = Vec::new();
    if setting(driver, "fsync")? != "on" {
        found.push(Finding::fault(
            about,
            "fsync is off, so a loss of power can destroy the whole database: set fsync = on.",
        ));
    }
    if setting(driver, "full_page_writes")? != "on" {
        found.push(Finding::warning(
            about,
            "full_page_writes is off, so a loss of power can tear pages: set full_page_writes = \
             on, unless the file system writes pages whole.",
        ));
    }
    // What the server says; a session of ours is never set to off.
    let db: &dyn Db = driver;
    let query = "SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'";
    let level: String = db.sure(query, &[], |row| row.get(0))?;
    found.push(if level == "off" {
        Finding::warning(
            about,
            "synchronous_commit is off on the server; metergate sets it to on for itself, so no \
             charge is lost, but set it there too if other programs should be as safe.",
        )
    } else {
        Finding::good(about, format!("commits wait for the disk: synchronous_commit is {level}."))
    });
    Ok(found)
}

fn setting(driver: &Driver, name: &str) -> Result<String, StoreError> {
    let db: &dyn Db = driver;
    let query = format!("SELECT current_setting('{name}')");
    db.sure(&query, &[], |row| row.get(0))
}

fn clock(theirs: Timestamp, ours: Timestamp) -> Finding {
    let about = "clock";
    let skew = if theirs > ours { ours.until(theirs) } else { theirs.until(ours) };
    let way = if theirs > ours { "ahead of" } else { "behind" };
    let told =
        format!("the clock of the database is {:.1} s {way} this machine's", skew.as_secs_f64());
    let mend = "set both by NTP, since windows end and signs of life grow old by them.";
    if skew > SKEW_WRONG {
        Finding::fault(about, format!("{told}: {mend}"))
    } else if skew > SKEW_TOLD {
        Finding::warning(about, format!("{told}: {mend}"))
    } else {
        Finding::good(about, "the clocks of the database and of this machine agree.")
    }
}

fn connections(driver: &Driver) -> Result<Finding, StoreError> {
    let about = "connections";
    let most = "SELECT current_setting('max_connections')::bigint
                     - current_setting('superuser_reserved_connections')::bigint";
    let most = driver.number(most, &[])?;
    let used = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let used = driver.number(used, &[])?;
    let free = most.saturating_sub(used).max(0);
    let told = format!("{used} of {most} connections are in use");
    Ok(if free < SPARE {
        let text = format!("{told}: raise max_connections, or close what does not need one.");
        Finding::warning(about, text)
    } else {
        Finding::good(about, format!("{told}."))
    })
}

/// One finding for each process that keeps reservations here, by its last sign of life. By the
/// clock of the server, since that is the one they share.
fn instances(driver: &Driver) -> Result<Vec<Finding>, StoreError> {
    let now = time(driver)?;
    let db: &dyn Db = driver;
    let known: Vec<(Instance, Timestamp)> =
        db.all("SELECT id, seen_ms FROM instance ORDER BY id", &[], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let told = known.iter().map(|(instance, seen)| {
        let (name, silent) = (instance.as_str(), seen.until(now));
        let ago = format!("{:.0} s ago", silent.as_secs_f64());
        let about = "instances";
        if silent > INSTANCE_LEASE {
            let text = format!(
                "instance \"{name}\" gave its last sign of life {ago}, so what it had reserved is \
                 free again: if it should be running, look at its log and its clock."
            );
            Finding::warning(about, text)
        } else {
            Finding::good(about, format!("instance \"{name}\" gave its last sign of life {ago}."))
        }
    });
    Ok(told.collect())
}
