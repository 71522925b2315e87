//! Upload quotas in front of a Matrix homeserver, and the quota engine behind them.
//!
//! Metergate stands between the public web server and the homeserver. Every request passes through
//! it untouched; the few that cost something are metered first. Each user has a quota per period;
//! when it is spent, uploads are refused, and everything else still works.
//!
//! # The life of one upload
//!
//! 1. [`net`] accepts a connection, and [`proxy`] gets a request. [`matrix`] says what it means (an
//!    upload), who asks, and, having asked the homeserver, who that is.
//! 2. The [`engine`] is asked for room. It works the question out into windows, buckets and limits,
//!    which takes no I/O; the [`store`] applies the one rule of [`quota`] to all of them at once,
//!    and remembers. A no becomes a [`Decision`], and that a refusal in Matrix' words.
//! 3. A yes is a [`Hold`]. The body goes up as it comes, counted; the hold grows where its length
//!    is not known.
//! 4. Before the last byte goes up, the hold is settled, durably: so a crash at any moment leaves
//!    either a charge, or a homeserver that cannot have the whole file. If the homeserver refuses
//!    the upload, the [`Charge`] is refunded. A hold that is dropped ends itself.
//! 5. What the charge makes of its windows (a warning, a limit that is reached) is put into an
//!    outbox with it, or not at all. [`notify`] tells it to whoever asked, until it is taken.
//!
//! # The modules, in reading order
//!
//! | | module | is about | may import, of ours |
//! |---|---|---|---|
//! | words | [`quota`] | amounts, limits, windows, groups; pure | the [`Timestamp`] of `clock` |
//! | memory | [`store`] | a trait, its contract S1 … S20, and those who keep it | words |
//! | | [`conformance`] | the contract clause by clause, held against any store | memory, words |
//! | mind | [`engine`] | decide, charge, record, tell, explain, declare, carry | words, memory |
//! | meaning | [`matrix`] | what a path means, who asks, errors in Matrix' words | words, wire |
//! | wire | [`net`] | listeners, connections, bodies, the client to the homeserver | nothing |
//! | doors | [`proxy`] [`api`] | what clients and operators meet | mind, meaning, words, wire |
//! | | [`dashboard`] | the pages that an admin sees, which ask `api` | nothing |
//! | | [`notify`] | who is told of warnings and overages | mind, words, wire |
//! | | [`config`] | file, environment and flags become settings | the settings of all above |
//! | | [`app`] | settings in, running listeners out | all above |
//! | | [`cli`] | arguments become a command and an exit code | `app`, `config`, mind, memory, words |
//!
//! Below them all, [`clock`] alone reads the time, and [`telemetry`] is what is told, and what is
//! never told. The doors see neither each other nor a store; mind and meaning never see each
//! other. A test holds every file to this (`tests/architecture.rs`).
//!
//! # The engine as a library
//!
//! What is not Matrix can use the engine alone: any subject, any resource.
//!
//! ```
//! use std::sync::Arc;
//!
//! use metergate::clock::Manual;
//! use metergate::store::memory::Memory;
//! use metergate::{Amount, Ask, Engine, GroupChange, Limit, Measure, Subject};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
//! let engine = Engine::start(Arc::new(Memory::default()), clock.clone()).await?;
//!
//! // Everyone may upload 500 MB a month.
//! let limit = Limit::parse("500MB/month", &Measure::BYTES)?;
//! let limits = [("media_bytes".parse()?, limit)].into();
//! let free = GroupChange { limits, default: true, ..GroupChange::default() };
//! engine.set_group("free", &free).await?;
//!
//! // Room is held before the first byte, and then replaced by what was really used.
//! let alice: Subject = "@alice:example.org".parse()?;
//! let reserved = engine.reserve(&alice, &Ask::upload(Amount::new(499_000_000))).await?;
//! let hold = reserved.hold.ok_or("there was no room")?;
//! let charge = hold.settle(Amount::new(498_000_000)).await?;
//! assert_eq!(charge.total(), Amount::new(498_000_000));
//!
//! // What is left is too little for 12 MB, for two more hours.
//! let ask = Ask::upload(Amount::new(12_000_000));
//! let decision = engine.check(&alice, &ask).await?;
//! assert!(!decision.allowed);
//! assert_eq!(decision.source, "default free");
//! assert_eq!(decision.retry_after, Some(2 * 60 * 60));
//! let window = decision.binding.ok_or("there is no limit")?.window;
//! assert_eq!(window.remaining, Some(Amount::new(2_000_000)));
//!
//! // A new month is a new count.
//! clock.set("2026-12-01".parse()?);
//! assert!(engine.check(&alice, &ask).await?.allowed);
//!
//! engine.close().await?;
//! # Ok(())
//! # }
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(example()).unwrap();
//! ```
//!
//! A store in a file is `store::open(&"sqlite:metergate.db".parse()?)?`; several processes may
//! share it. [`Timed`] around it gives it up when it does not answer. What needs room for longer
//! than a process lives reserves by [`Engine::reserve_until`]; what has happened already is told
//! by [`Engine::record`]. Longer examples that run are under `tests/examples`.
//!
//! # Features
//!
//! All are on unless `default-features = false`, which leaves the engine, and books in memory.
//!
//! | feature | adds |
//! |---|---|
//! | `server` | the proxy, its API and the command line: [`net`], [`matrix`], [`proxy`], [`api`], [`dashboard`], [`notify`], [`config`], [`app`], [`cli`], [`telemetry::log`] and the binary |
//! | `sqlite` | the store in a file, [`store::sqlite`]; [`store::open`] says what is missing without it |
//! | `postgres` | the store in PostgreSQL, [`store::postgres`] |
//! | `redis` | the store in Redis, Valkey or Redis Cluster, [`store::redis`] |
//! | `conformance` | the contract of a store as a suite, [`conformance`], for `metergate doctor --conformance` and for authors of stores |

// Words.
pub mod quota;
// Memory.
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod store;
// Mind, and meaning.
pub mod engine;
#[cfg(feature = "server")]
pub mod matrix;
// Wire.
#[cfg(feature = "server")]
pub mod net;
// Doors.
#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "server")]
pub mod dashboard;
#[cfg(feature = "server")]
pub mod notify;
#[cfg(feature = "server")]
pub mod proxy;
// Putting it together.
#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod config;
// Below them all.
pub mod clock;
pub mod telemetry;

// The library's face.
pub use clock::{Clock, Timestamp};
pub use engine::{
    Among, Answered, Ask, BoostChange, Charge, Charged, Consumed, Decision, DeclaredResource,
    Document, Draft, Drift, Engine, EngineError, Explanation, Fact, Figures, GroupChange, Hold,
    How, Imported, ItemDecision, LEAST_KEPT, Lines, MissingGroup, Moved, Once, Outages,
    OverrideChange, Page, PlaceChange, Preview, Reason, Rebuilt, Recorded, Reservation, Reserved,
    ReservedItem, Simulation, Someone, Span, Spent, Step, StoreStanding, Stretch, SubjectView,
    Summary, UsageReport, Used, Wanted, WindowDecision, Worded,
};
pub use quota::policy::Rule;
pub use quota::{
    Aggregate, Amount, Capability, Grants, Group, Invalid, Layer, Limit, Measure, OnOutage,
    Overflow, Pattern, Period, Policy, Resource, Subject, Unit, Window, Zone,
};
pub use store::{StorageSpec, Store, StoreError, Timed};

/// Runs what the README shows in Rust.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
