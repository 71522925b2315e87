//! Kinds: scratch books of each kind of store that there is.

use std::sync::Arc;

use async_trait::async_trait;

use super::scratch::{Books, Scratch};
use crate::store::memory::Memory;
#[cfg(feature = "postgres")]
use crate::store::postgres::Postgres;
use crate::store::{self, StorageSpec, Store, StoreError, StoreUrl};

/// Returns the place for books of the kind of `spec`, apart from those that are there: in memory,
/// in a folder beside the file, in a schema or under a prefix of their own.
#[must_use]
pub fn scratch(spec: &StorageSpec) -> Arc<dyn Scratch> {
    match spec {
        StorageSpec::Memory => Arc::new(InMemory),
        #[cfg(feature = "sqlite")]
        StorageSpec::Sqlite(file) => Arc::new(super::folder::Beside::file(file)),
        other => Arc::new(OnServer(other.clone())),
    }
}

/// Books in memory.
struct InMemory;

#[async_trait]
impl Scratch for InMemory {
    async fn books(&self) -> Result<Arc<dyn Books>, StoreError> {
        Ok(Arc::new(Kept(Arc::new(Memory::default()))))
    }

    fn is_lasting(&self) -> bool {
        false
    }
}

/// The one handle on books in memory.
struct Kept(Arc<Memory>);

#[async_trait]
impl Books for Kept {
    fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(self.0.clone())
    }

    async fn erase(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Books on a server.
struct OnServer(StorageSpec);

#[async_trait]
impl Scratch for OnServer {
    async fn books(&self) -> Result<Arc<dyn Books>, StoreError> {
        Ok(Arc::new(Namespace(apart(&self.0))))
    }

    fn is_lasting(&self) -> bool {
        true
    }

    fn sequences(&self) -> u32 {
        12
    }
}

/// Books under a name of their own.
struct Namespace(StorageSpec);

#[async_trait]
impl Books for Namespace {
    fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        store::open(&self.0)
    }

    async fn erase(&self) -> Result<(), StoreError> {
        erase(&self.0).await
    }
}

/// Takes away all that is under the name in `spec`.
#[cfg_attr(
    not(any(feature = "postgres", feature = "redis")),
    expect(clippy::unused_async, reason = "a server is asked")
)]
async fn erase(spec: &StorageSpec) -> Result<(), StoreError> {
    match spec {
        #[cfg(feature = "postgres")]
        StorageSpec::Postgres(url) => Postgres::open(url)?.erase().await,
        #[cfg(feature = "redis")]
        StorageSpec::Redis(url) => store::redis::Redis::open(url)?.erase().await,
        #[allow(unreachable_patterns, reason = "with all features no other has a place")]
        _ => Ok(()),
    }
}

/// Returns `spec` under a name that nobody else has.
fn apart(spec: &StorageSpec) -> StorageSpec {
    let name = format!("metergate_conformance_{}", uuid::Uuid::now_v7().simple());
    match spec {
        StorageSpec::Postgres(url) => StorageSpec::Postgres(with(url, "schema", &name)),
        StorageSpec::Redis(url) => StorageSpec::Redis(with(url, "prefix", &name)),
        other => other.clone(),
    }
}

/// Returns `url` whose `parameter` is `value`, and no other.
fn with(url: &StoreUrl, parameter: &str, value: &str) -> StoreUrl {
    let (bare, parameters) = url.secret().split_once('?').unwrap_or((url.secret(), ""));
    let others = parameters.split('&').filter(|one| !one.is_empty());
    let others = others.filter(|one| one.split('=').next() != Some(parameter));
    let own = format!("{parameter}={value}");
    let all: Vec<_> = others.chain([own.as_str()]).collect();
    StoreUrl::new(format!("{bare}?{}", all.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_takes_the_place_of_another_and_of_nothing_else() {
        for (written, own) in [
            ("redis://localhost", "redis://localhost?prefix=x"),
            ("redis://localhost/1?prefix=books", "redis://localhost/1?prefix=x"),
            ("redis://a?master=m&prefix=b&db=2", "redis://a?master=m&db=2&prefix=x"),
        ] {
            assert_eq!(with(&StoreUrl::new(written), "prefix", "x").secret(), own);
        }
    }
}
