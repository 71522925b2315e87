//! The ledger: its lines, those who are in it, and what was used day by day.

use serde::{Deserialize, Serialize};

use super::{Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::Line;
use crate::quota::policy::Source;
use crate::quota::{Bucket, Grants, Period, Resource, Shape, Subject};
use crate::store::{Lines, Page};

/// The most steps that are told at once.
const MOST_STEPS: usize = 10_000;

/// Someone the books know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Someone {
    /// Who.
    pub subject: Subject,
    /// The latest moment something of theirs counts in; none if they have only been declared.
    pub last_activity: Option<Timestamp>,
    /// The group they are in now.
    pub group: Option<String>,
}

/// What was used in one step of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Step {
    /// Its first moment.
    pub start: Timestamp,
    /// How much.
    pub used: Amount,
    /// The key of its bucket.
    #[serde(skip)]
    pub bucket: String,
}

impl Engine {
    /// Returns everyone the books know whose name begins with `prefix`, by name, a page at a time.
    /// A page that is not full is the last.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Someone>, EngineError> {
        let known = self.0.store.subjects(prefix, page).await?;
        let (Some(first), Some(last)) = (known.first(), known.last()) else {
            return Ok(Vec::new());
        };
        let (snapshot, grants) = self.grants_between(&first.subject, &last.subject).await?;
        let (now, nothing) = (self.now(), Grants::default());
        let told = known.into_iter().map(|it| {
            let grants = grants.get(&it.subject).unwrap_or(&nothing);
            let terms = snapshot.policy.terms(&it.subject, grants, now);
            let group = terms.group().and_then(Source::group).map(ToString::to_string);
            Someone { subject: it.subject, last_activity: it.last, group }
        });
        Ok(told.collect())
    }

    /// Returns lines of the ledger.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn events(&self, which: &Lines) -> Result<Vec<Line>, EngineError> {
        Ok(self.0.store.lines(which).await?)
    }

    /// Returns what `subject`, or everyone, used of `resource` in each `step` that `[start, end)`
    /// touches; the first and the last are told whole. Days begin where the subject's do.
    ///
    /// # Errors
    /// Bad input for a step that does not lie still in the calendar, a range that ends before it
    /// starts, and one of too many steps; unavailable if the store is.
    pub async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        step: Period,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<Vec<Step>, EngineError> {
        if end <= start {
            return Err(EngineError::BadInput(format!(
                "the history ends at {end}, before it starts"
            )));
        }
        let snapshot = self.refresh().await?;
        let aggregate = snapshot.policy.measure(resource).aggregate;
        let zone = if let Some(subject) = subject {
            let resources = std::slice::from_ref(resource);
            self.planning(subject, resources, None).next().await?.zone
        } else {
            snapshot.policy.zone()
        };
        let buckets = steps(start, end, |moment| Bucket::of(step, &zone, moment))?;
        let ends = buckets.last().and_then(|last| last.end);
        let cuts: Vec<_> = buckets.iter().map(|bucket| bucket.start).chain(ends).collect();
        let used = self.0.store.history(subject, resource, aggregate, &cuts).await?;
        let all = buckets.into_iter().zip(used);
        let step = |(bucket, used): (Bucket, Amount)| Step {
            start: bucket.start,
            used,
            bucket: bucket.key,
        };
        Ok(all.map(step).collect())
    }
}

/// Returns the buckets that `[start, end)` touches.
pub(super) fn steps(
    start: Timestamp,
    end: Timestamp,
    at: impl Fn(Timestamp) -> Bucket,
) -> Result<Vec<Bucket>, EngineError> {
    let mut steps = Vec::new();
    let mut next = Some(start);
    while let Some(moment) = next.filter(|moment| *moment < end) {
        let bucket = at(moment);
        if bucket.shape != Shape::Stretch || bucket.end.is_none_or(|end| end <= moment) {
            return Err(EngineError::BadInput(
                "a history goes by steps of the calendar: write minute, hour, day, week, month …"
                    .to_owned(),
            ));
        }
        if steps.len() == MOST_STEPS {
            return Err(EngineError::BadInput(format!(
                "a history has at most {MOST_STEPS} steps: write a later start, or longer steps"
            )));
        }
        next = bucket.end;
        steps.push(bucket);
    }
    Ok(steps)
}
