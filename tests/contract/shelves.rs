//! Shelves: where books of each kind of store are made; a server is started by the first test that
//! needs it.

use std::sync::{Arc, OnceLock};

use metergate::conformance::{Scratch, scratch};
use metergate::store::StorageSpec;
use tempfile::TempDir;

use crate::redis::{Cluster, Server};

/// A kind of store.
#[derive(Clone, Copy)]
pub(crate) enum Shelf {
    Memory,
    Sqlite,
    Redis,
    RedisCluster,
}

impl Shelf {
    /// Every kind there is.
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Sqlite, Self::Redis, Self::RedisCluster];

    /// Returns what tests of it are called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
            Self::RedisCluster => "redis_cluster",
        }
    }

    /// Returns whether its books outlive their handles, as [`Scratch`] has it.
    pub(crate) const fn is_lasting(self) -> bool {
        !matches!(self, Self::Memory)
    }
}

/// What the tests of one run share.
pub(crate) struct Shelves {
    folder: TempDir,
    redis: OnceLock<Server>,
    cluster: OnceLock<Cluster>,
}

impl Default for Shelves {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, redis: OnceLock::new(), cluster: OnceLock::new() }
    }
}

impl Shelves {
    /// Returns the place for books of the kind `shelf`.
    pub(crate) fn scratch(&self, shelf: Shelf) -> Arc<dyn Scratch> {
        scratch(&match shelf {
            Shelf::Memory => StorageSpec::Memory,
            Shelf::Sqlite => StorageSpec::Sqlite(self.folder.path().join("metergate.db")),
            Shelf::Redis => self.redis.get_or_init(|| Server::start(&[])).url().parse().unwrap(),
            Shelf::RedisCluster => self.cluster.get_or_init(Cluster::start).url().parse().unwrap(),
        })
    }
}
