//! StorageSpec: which store, as it is written: `memory:`, `sqlite:FILE`, a URL; opens it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::memory::Memory;
#[cfg(feature = "postgres")]
use super::postgres::Postgres;
#[cfg(feature = "redis")]
use super::redis::Redis;
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;
use super::{Store, StoreError, StoreUrl};
use crate::quota::Invalid;

/// Which store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageSpec {
    /// In this process, gone with it.
    Memory,
    /// In a file.
    Sqlite(PathBuf),
    /// In PostgreSQL.
    Postgres(StoreUrl),
    /// In Redis or Valkey: one server, several watched by Sentinel, or a Cluster.
    Redis(StoreUrl),
}

impl Default for StorageSpec {
    fn default() -> Self {
        Self::Sqlite(PathBuf::from("metergate.db"))
    }
}

impl FromStr for StorageSpec {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("memory", "") => Ok(Self::Memory),
            ("sqlite", "") => Err(Invalid::new("sqlite: needs a file: write sqlite:metergate.db")),
            ("sqlite", file) => Ok(Self::Sqlite(PathBuf::from(file))),
            // The text may hold a password: it is not repeated.
            (scheme, rest) if rest.starts_with("//") => Self::on_server(scheme, text),
            _ => Err(unknown()),
        }
    }
}

impl StorageSpec {
    fn on_server(scheme: &str, text: &str) -> Result<Self, Invalid> {
        let url = StoreUrl::new(text);
        match scheme {
            "postgresql" | "postgres" => {
                #[cfg(feature = "postgres")]
                Postgres::check(&url).map_err(|error| Invalid::new(error.to_string()))?;
                Ok(Self::Postgres(url))
            }
            "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+sentinel"
            | "rediss+sentinel" => {
                #[cfg(feature = "redis")]
                Redis::check(&url).map_err(|error| Invalid::new(error.to_string()))?;
                Ok(Self::Redis(url))
            }
            _ => Err(unknown()),
        }
    }

    /// Returns true if a store of this kind may be out and come back by itself: one on a server.
    #[must_use]
    pub const fn may_come_back(&self) -> bool {
        matches!(self, Self::Postgres(_) | Self::Redis(_))
    }
}

fn unknown() -> Invalid {
    Invalid::new(
        "storage is not known: write sqlite:FILE, memory:, postgresql://…, redis://…, \
         rediss://… or redis+cluster://…",
    )
}

impl fmt::Display for StorageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            Self::Postgres(url) | Self::Redis(url) => url.fmt(f),
        }
    }
}

/// Opens the store that `spec` names, making it if it is not there. One on a server is first
/// asked by the first call.
///
/// Blocks while it does; call it before serving.
///
/// # Errors
/// As [`StoreError`] says; misconfigured, too, if this build has no such store.
pub fn open(spec: &StorageSpec) -> Result<Arc<dyn Store>, StoreError> {
    match spec {
        StorageSpec::Memory => Ok(Arc::new(Memory::default())),
        #[cfg(feature = "sqlite")]
        StorageSpec::Sqlite(file) => Ok(Arc::new(Sqlite::open(file)?)),
        #[cfg(not(feature = "sqlite"))]
        StorageSpec::Sqlite(_) => Err(StoreError::Misconfigured("this build keeps no books in SQLite: build it with the feature \"sqlite\", or write memory:".to_owned())),
        #[cfg(feature = "postgres")]
        StorageSpec::Postgres(url) => Ok(Arc::new(Postgres::open(url)?)),
        #[cfg(not(feature = "postgres"))]
        StorageSpec::Postgres(_) => Err(StoreError::Misconfigured("this build keeps no books in PostgreSQL: build it with the feature \"postgres\", or write sqlite:FILE".to_owned())),
        #[cfg(feature = "redis")]
        StorageSpec::Redis(url) => Ok(Arc::new(Redis::open(url)?)),
        #[cfg(not(feature = "redis"))]
        StorageSpec::Redis(_) => Err(StoreError::Misconfigured("this build keeps no books in Redis: build it with the feature \"redis\", or write sqlite:FILE".to_owned())),
    }
}

#[cfg(all(test, not(feature = "sqlite")))]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_was_left_out_says_how_to_get_it() {
        let error = open(&StorageSpec::default()).unwrap_err();
        assert!(error.to_string().contains("this build keeps no books in SQLite"), "{error}");
        assert!(error.to_string().contains("the feature \"sqlite\""), "{error}");
    }
}
