//! Shelves: where books of each kind of store are made. A server is started by the first test that
//! needs it, and ended with the last.

use std::sync::{Arc, OnceLock};

use metergate::conformance::{Scratch, scratch};
use metergate::store::StorageSpec;
use tempfile::TempDir;

use crate::servers::{Cluster, Postgres, Redis};

/// A kind of store.
#[derive(Clone, Copy)]
pub(crate) enum Shelf {
    Memory,
    Sqlite,
    Postgres,
    Redis,
    Cluster,
}

impl Shelf {
    const ALL: [Self; 5] = [Self::Memory, Self::Sqlite, Self::Postgres, Self::Redis, Self::Cluster];

    /// Returns every kind that this build has.
    pub(crate) fn built() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|shelf| shelf.is_built())
    }

    /// Returns what tests of it are called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Cluster => "cluster",
        }
    }

    /// Returns whether its books outlive their handles, as [`Scratch`] has it.
    pub(crate) const fn is_lasting(self) -> bool {
        !matches!(self, Self::Memory)
    }

    const fn is_built(self) -> bool {
        match self {
            Self::Memory | Self::Sqlite => true,
            Self::Postgres => cfg!(feature = "postgres"),
            Self::Redis | Self::Cluster => cfg!(feature = "redis"),
        }
    }
}

/// What the tests of one run share.
pub(crate) struct Shelves {
    folder: TempDir,
    postgres: OnceLock<Result<Postgres, String>>,
    redis: OnceLock<Result<Redis, String>>,
    cluster: OnceLock<Result<Cluster, String>>,
}

impl Default for Shelves {
    fn default() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            postgres: OnceLock::new(),
            redis: OnceLock::new(),
            cluster: OnceLock::new(),
        }
    }
}

impl Shelves {
    /// Returns the place for books of the kind `shelf`.
    pub(crate) fn scratch(&self, shelf: Shelf) -> Result<Arc<dyn Scratch>, String> {
        let file = self.folder.path().join("metergate.db");
        let spec = match shelf {
            Shelf::Memory => StorageSpec::Memory,
            Shelf::Sqlite => StorageSpec::Sqlite(file),
            Shelf::Postgres => on(&begun(&self.postgres, Postgres::start)?.base()),
            Shelf::Redis => on(&begun(&self.redis, Redis::start)?.base()),
            Shelf::Cluster => on(&begun(&self.cluster, Cluster::start)?.base()),
        };
        Ok(scratch(&spec))
    }

    /// Returns the address of books of the kind `shelf` that nobody else has, named `name`.
    pub(crate) fn apart(&self, shelf: Shelf, name: &str) -> Result<String, String> {
        Ok(match shelf {
            Shelf::Memory => "memory:".to_owned(),
            Shelf::Sqlite => format!("sqlite:{}/{name}.db", self.folder.path().display()),
            Shelf::Postgres => begun(&self.postgres, Postgres::start)?.url(name),
            Shelf::Redis => begun(&self.redis, Redis::start)?.url(name),
            Shelf::Cluster => begun(&self.cluster, Cluster::start)?.url(name),
        })
    }
}

/// Returns the server that is kept in `cell`, started at the first call.
fn begun<S>(
    cell: &OnceLock<Result<S, String>>,
    start: impl FnOnce() -> Result<S, String>,
) -> Result<&S, String> {
    cell.get_or_init(start).as_ref().map_err(String::clone)
}

fn on(url: &str) -> StorageSpec {
    url.parse().unwrap()
}
