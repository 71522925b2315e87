//! The contract of a store, clause by clause (S1 … S20 on `metergate::store::Store`), and what
//! each store promises beside it. Every clause is held against every store.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

/// Makes each clause a test of each store, so that a failure says which broke which.
macro_rules! clauses {
    ($($clause:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                super::$clause(&metergate::store::memory::Memory::default()).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("metergate.db");
                super::$clause(&metergate::store::sqlite::Sqlite::open(&file).unwrap()).await;
            })+
        }
    };
}

// What the clauses speak in.
mod crowd;
mod words;
// The clauses.
mod admission;
mod aggregates;
mod events;
mod holds;
mod idempotency;
mod instances;
mod keeping;
mod listing;
mod model;
mod moving;
mod notices;
mod patience;
mod policy;
mod pools;
// What only a file promises.
mod durability;
mod file;
mod inside;
mod processes;
