//! record: what happened, happened; reset: the count starts anew.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::report::windows;
use super::{Ask, Engine, EngineError, WindowDecision};
use crate::clock::Timestamp;
use crate::quota::idempotency::Key;
use crate::quota::{Amount, Measure, Per, Period, Resource, Subject};

/// How far back a fact may be recorded.
const LATEST: Duration = Duration::from_hours(35 * 24);
/// How far ahead, for clocks that disagree.
const AHEAD: Duration = Duration::from_mins(5);

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Whose usage.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// How much; a negative amount takes back. Of a highest or last one: what it is.
    pub amount: Amount,
    /// Which one, of a resource that counts different ones; its amount is not looked at.
    pub member: Option<String>,
    /// The caller's name for it: recorded once, however often it is told.
    pub key: Option<String>,
    /// When it happened; none means now.
    pub at: Option<Timestamp>,
}

/// What a fact did to the count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Recorded {
    /// Whose usage.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// What its window counts after it.
    pub used: Amount,
    /// In what it is measured.
    pub unit: String,
    /// A limit is reached, perhaps one that is shared with others.
    pub over: bool,
    /// It had been recorded before; nothing was changed.
    pub replayed: bool,
    /// The subject's own window with the least room after it; without a limit that of the
    /// default period. Programs are told what it counts, as `used`.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "server", schema(ignore))]
    pub window: WindowDecision,
}

impl Recorded {
    pub(super) fn of(
        subject: &Subject,
        resource: &Resource,
        measure: &Measure,
        window: WindowDecision,
        (over, replayed): (bool, bool),
    ) -> Self {
        Self {
            subject: subject.clone(),
            resource: resource.clone(),
            used: window.used,
            unit: measure.unit.name().to_owned(),
            over,
            replayed,
            window,
        }
    }
}

impl Engine {
    /// Records a fact, whatever the limits; durable when it returns.
    ///
    /// Dropped half way, or after an error, it may have been recorded: only with a key can it be
    /// told again without being counted twice.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use metergate::clock::Manual;
    /// # use metergate::store::memory::Memory;
    /// # use metergate::{Amount, Engine, Fact, GroupChange, Limit, Measure};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
    /// # let engine = Engine::visit(Arc::new(Memory::default()), clock).await?;
    /// # let limits = [("media_bytes".parse()?, Limit::parse("500MB/month", &Measure::BYTES)?)].into();
    /// # let free = GroupChange { limits, default: true, ..GroupChange::default() };
    /// # engine.set_group("free", &free).await?;
    /// let fact = Fact {
    ///     subject: "@alice:example.org".parse()?,
    ///     resource: "media_bytes".parse()?,
    ///     amount: Amount::new(300_000_000),
    ///     member: None,
    ///     key: Some("import-17".to_owned()),
    ///     at: None,
    /// };
    /// assert!(!engine.record(&fact).await?.replayed);
    /// let again = engine.record(&fact).await?;
    /// assert!(again.replayed);
    /// assert_eq!(again.window.remaining, Some(Amount::new(200_000_000)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Bad input for a time too far away or a sum past 64 bits; conflict for a key that was used
    /// for something else; unavailable if the store is.
    pub async fn record(&self, fact: &Fact) -> Result<Recorded, EngineError> {
        let now = self.now();
        let at = fact.at.unwrap_or(now);
        if at < now.before(LATEST) || at > now.after(AHEAD) {
            return Err(EngineError::BadInput(format!(
                "{at} cannot be recorded now: at most 35 days back and 5 minutes ahead"
            )));
        }
        let (key, member) = (fact.key.as_deref(), fact.member.as_deref());
        let key =
            key.map(|name| Key::of_record(name, &fact.resource, fact.amount, member, fact.at));
        let key = key.transpose()?;
        let ask = self.asked(fact)?;
        let mut planning = self.planning(&fact.subject, &ask, Some(at));
        let (recorded, planned) = loop {
            let planned = planning.next().await?;
            if let Some(recorded) = self.0.store.record(&planned.plan, key.clone(), now).await? {
                break (recorded, planned);
            }
        };
        self.charged();
        let windows = windows(&planned.plan, &recorded.readings, now);
        let over = windows.iter().any(|window| window.over);
        let room = |window: &WindowDecision| window.remaining.unwrap_or(Amount::MAX);
        let own = windows.into_iter().filter(|window| window.per == Per::Subject);
        let window = own.min_by_key(room);
        let window = window.ok_or_else(|| EngineError::BadInput("nothing to record".to_owned()))?;
        let Fact { subject, resource, .. } = fact;
        let told = (over, recorded.replayed);
        Ok(Recorded::of(subject, resource, &planned.measure(resource), window, told))
    }

    /// Returns what a fact asks of its windows, if it says what its resource counts.
    fn asked(&self, fact: &Fact) -> Result<Ask, EngineError> {
        let resource = fact.resource.clone();
        let measure = self.snapshot().policy.measure(&resource);
        Ok(Ask::one(resource, measure.aggregate, fact.amount, fact.member.as_deref())?)
    }

    /// Brings the current counts of `resources` to zero, in every window or only that of
    /// `period`, in one step. The ledger keeps what was used; reservations stay.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn reset(
        &self,
        subject: &Subject,
        resources: &[Resource],
        period: Option<Period>,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let mut planning = self.planning(subject, resources, Some(now));
        loop {
            let planned = planning.next().await?;
            let bucket = period.map(|period| planned.bucket(period));
            if let Some(()) = self.0.store.reset(&planned.plan, bucket.as_ref(), now).await? {
                self.charged();
                return Ok(());
            }
        }
    }
}
