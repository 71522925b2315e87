//! The words. Pure: no I/O, no async, no Matrix.
//!
//! They make one sentence: *a **subject** is in a **group**; a group sets **limits**; a limit caps
//! a **resource** by an **amount** of a **unit** per **period**; a **capability** is the resources
//! one action draws on.* A **measure** says how a resource adds up (its **aggregate**) and in what
//! unit. A **window** is one cap of a limit: **per** whom it is shared, and how **strict** it is;
//! a **grant** is what one subject has of its own; the **policy** is all that is declared.
//!
//! The rest is about keeping count: a **bucket** is the stretch of time a period is in now, an
//! **event** what happened, which a **line** of the ledger keeps, a **count** what the lines of an
//! account come to, a **held** reservation room set aside, a **plan** one question with all its
//! windows, the **rule** its answer, and a **notice** what others are to be told of it.

// How much, of what.
pub mod aggregate;
pub mod amount;
pub mod measure;
pub mod resource;
mod said;
pub mod unit;
// Until when.
pub mod bucket;
mod duration;
pub mod period;
// Who may how much.
pub mod capability;
pub mod grant;
pub mod group;
pub mod limit;
mod on_outage;
pub mod pattern;
pub mod per;
pub mod policy;
pub mod strictness;
pub mod subject;
pub mod window;
// What happened, and what may happen.
pub mod count;
pub mod event;
pub mod held;
mod hold_id;
pub mod idempotency;
pub mod notice;
pub mod plan;
pub mod rule;

mod invalid;
mod once;

pub use aggregate::Aggregate;
pub use amount::{Amount, Overflow};
pub use bucket::{Bucket, Shape, Zone};
pub use capability::Capability;
pub use duration::{duration, duration_text};
pub use grant::Grants;
pub use group::Group;
pub use invalid::Invalid;
pub(crate) use invalid::nearest;
pub use limit::Limit;
pub use measure::Measure;
pub use on_outage::OnOutage;
pub use pattern::Pattern;
pub use per::Per;
pub use period::{CivilDate, Length, Period};
pub use policy::{Layer, Policy, PolicyVersion};
pub use resource::Resource;
pub use said::Said;
pub use strictness::Strictness;
pub use subject::Subject;
pub use unit::Unit;
pub use window::Window;
