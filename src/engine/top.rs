//! top: who used most.

use super::{Engine, EngineError, Span, Used};
use crate::quota::{Bucket, Period, Resource, Shape};
use crate::store::Charged;

impl Engine {
    /// Returns who used most of `resource` in the current stretch of `period`, without one of the
    /// default period: largest first, ties by name; only those behind `behind`, `most` of them.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use metergate::clock::Manual;
    /// # use metergate::store::memory::Memory;
    /// # use metergate::{Amount, Ask, Engine, GroupChange, Limit, Measure};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
    /// # let engine = Engine::visit(Arc::new(Memory::default()), clock).await?;
    /// # let limits = [("media_bytes".parse()?, Limit::parse("500MB/month", &Measure::BYTES)?)].into();
    /// # let free = GroupChange { limits, default: true, ..GroupChange::default() };
    /// # engine.set_group("free", &free).await?;
    /// for (who, bytes) in [("@alice:example.org", 300_000_000), ("@bob:example.org", 400_000_000)] {
    ///     engine.consume(&who.parse()?, &Ask::upload(Amount::new(bytes))).await?;
    /// }
    /// let top = engine.top(&"media_bytes".parse()?, None, None, 1).await?;
    /// assert_eq!(top[0].subject.as_str(), "@bob:example.org");
    /// assert_eq!(top[0].limit, Some(Amount::new(500_000_000)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn top(
        &self,
        resource: &Resource,
        period: Option<Period>,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Used>, EngineError> {
        let policy = &self.refresh().await?.policy;
        let period = period.unwrap_or(policy.period());
        let bucket = Bucket::of(period, &policy.zone(), self.now());
        let aggregate = policy.measure(resource).aggregate;
        let charged = self.0.store.top(resource, aggregate, &bucket, behind, most).await?;
        // Those that open by first use, and those that roll, end for each at another time.
        let resets_at = bucket.end.filter(|_| bucket.shape == Shape::Stretch);
        let mut top = Vec::with_capacity(charged.len());
        for Charged { subject, used } in charged {
            let asked = std::slice::from_ref(resource);
            let planned = self.planning(&subject, asked, None).next().await?;
            let plan = planned.within(Span::Period(period));
            let bound = plan.items.first().and_then(|item| item.bounds.first());
            let limit = bound.and_then(|bound| bound.limit);
            let (resource, measure) = (resource.clone(), planned.measure(resource));
            top.push(Used { subject, resource, measure, used, limit, period, resets_at });
        }
        Ok(top)
    }
}
