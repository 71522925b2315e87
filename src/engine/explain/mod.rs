//! explain: why the answer is what it is, and what would have to change. Writes nothing.

mod remedy;

use serde::{Deserialize, Serialize};

pub use crate::quota::policy::Standing;
pub use remedy::Remedy;

use super::decision::source;
use super::known::TRIES;
use super::plan::{Planned, capped, plan, zone_of};
use super::{Ask, Decision, Engine, EngineError, WindowDecision};
use crate::clock::Timestamp;
use crate::quota::grant::Grant;
use crate::quota::plan::Readings;
use crate::quota::policy::{Capped, Claim, Source};
use crate::quota::rule::{self, Verdict};
use crate::quota::strictness::{Admit, Mode};
use crate::quota::{Amount, Grants, Measure, Policy, Resource, Subject, Window};

/// A decision, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// Who asks.
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
    /// What they are told.
    pub decision: Decision,
    /// The group they are in; none without one.
    pub group: Option<Source>,
    /// The groups that it extends, nearest first.
    pub extends: Vec<String>,
    /// The zone in which their days begin.
    pub timezone: String,
    /// Every resource that was asked for.
    pub resources: Vec<Explained>,
    /// What would have to change for a yes; none after a yes.
    pub remedy: Option<Remedy>,
}

/// One resource that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Explained {
    /// Its name.
    pub resource: Resource,
    /// How it is counted.
    #[serde(flatten)]
    pub measure: Measure,
    /// How much of it was asked for.
    pub amount: Amount,
    /// All that could limit the subject's own use of it; the first that stands is in force.
    pub claims: Vec<Claim>,
    /// What the subject's own windows are raised by, and what they were or will be.
    pub boosts: Vec<Grant<Amount>>,
    /// Every window that was looked at; empty if nothing is limited.
    pub windows: Vec<ExplainedWindow>,
}

/// One window, with what made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ExplainedWindow {
    /// Its figures.
    #[serde(flatten)]
    pub window: WindowDecision,
    /// Where its limit comes from: `override`, `group free`, `pool free`, `server` …
    pub source: String,
    /// The group that declares it, if one does.
    pub declared_in: Option<String>,
    /// The limit as it is declared, without boosts.
    pub declared: Amount,
    /// What boosts add to it.
    pub boost: Amount,
    /// How much must fit.
    pub admit: Admit,
    /// The first moment of what it counts.
    pub starts: Timestamp,
    /// The zone in which its days begin.
    pub timezone: String,
    /// It denies.
    pub denies: bool,
    /// It is the one that decides.
    pub binding: bool,
}

/// One question with all that its answer depends on.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    engine: &'a Engine,
    policy: &'a Policy,
    grants: &'a Grants,
    subject: &'a Subject,
    ask: &'a Ask,
    now: Timestamp,
}

impl Engine {
    /// Tells how the answer to a [`check`](Engine::check) comes about, and what would have to
    /// change for a yes.
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
    /// let ask = Ask::upload(Amount::new(600_000_000));
    /// let why = engine.explain(&"@alice:example.org".parse()?, &ask).await?;
    /// assert!(!why.decision.allowed);
    /// let remedy = why.remedy.ok_or("it was a no")?;
    /// assert_eq!(remedy.wait_until, None, "no month is long enough");
    /// assert_eq!(remedy.lacks.values().next(), Some(&Amount::new(100_000_000)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Engine::check`].
    pub async fn explain(&self, subject: &Subject, ask: &Ask) -> Result<Explanation, EngineError> {
        for _ in 0..TRIES {
            let (snapshot, grants) = self.grants(subject).await?;
            let (policy, now) = (&snapshot.policy, self.now());
            let asked = Asked { engine: self, policy, grants: &grants, subject, ask, now };
            if let Some(explanation) = asked.explain().await? {
                return Ok(explanation);
            }
            self.refresh().await?;
        }
        Err(EngineError::outrun())
    }
}

impl Asked<'_> {
    /// Explains it; none if the policy has changed meanwhile.
    async fn explain(&self) -> Result<Option<Explanation>, EngineError> {
        let Some((planned, readings)) = self.read(self.grants, self.now).await? else {
            return Ok(None);
        };
        let too_large = self.too_large(&planned);
        let decision = Decision::of(&planned, &readings, too_large, self.now)?;
        let remedy = if decision.allowed {
            None
        } else {
            let Some(remedy) = self.remedy(&planned, &readings).await? else { return Ok(None) };
            Some(remedy)
        };
        let terms = self.policy.terms(self.subject, self.grants, self.now);
        let group = terms.group().cloned();
        let line = group.as_ref().and_then(Source::group).map(|name| self.policy.line_of(name));
        let bases = line.into_iter().flatten().skip(1).map(|(name, _)| name.to_owned());
        Ok(Some(Explanation {
            subject: self.subject.clone(),
            at: self.now,
            group: group.clone(),
            extends: bases.collect(),
            timezone: terms.zone.name().to_owned(),
            resources: self.resources(&planned, &readings, &decision),
            decision,
            remedy,
        }))
    }

    /// Works the question out for the buckets of `at`, as if the subject had `grants`, and reads
    /// its windows; none if the policy has changed meanwhile.
    async fn read(
        &self,
        grants: &Grants,
        at: Timestamp,
    ) -> Result<Option<(Planned, Readings)>, EngineError> {
        let planned = plan(self.policy, grants, self.subject, self.ask.into(), at, self.now)?;
        let readings = self.engine.0.store.read(&planned.plan, self.now).await?;
        Ok(readings.map(|readings| (planned, readings)))
    }

    fn too_large(&self, planned: &Planned) -> bool {
        planned.too_large(self.ask.amount().unwrap_or(Amount::ONE))
    }

    fn resources(
        &self,
        planned: &Planned,
        readings: &Readings,
        decision: &Decision,
    ) -> Vec<Explained> {
        let call = self.ask.limit();
        let items = planned.plan.items.iter().zip(&planned.measures);
        let explained = items.map(|(item, measure)| Explained {
            resource: item.resource.clone(),
            measure: measure.clone(),
            amount: item.amount,
            claims: self.policy.claims(self.subject, self.grants, &item.resource, call, self.now),
            boosts: self.grants.boosts.get(&item.resource).cloned().unwrap_or_default(),
            windows: self.windows(planned, readings, &item.resource, decision),
        });
        explained.collect()
    }

    /// Explains the limited windows of `resource`: the first bounds of its item.
    fn windows(
        &self,
        planned: &Planned,
        readings: &Readings,
        resource: &Resource,
        decision: &Decision,
    ) -> Vec<ExplainedWindow> {
        let terms = self.policy.terms(self.subject, self.grants, self.now);
        let (capped, _) = capped(&terms, resource, self.ask.limit());
        let cases = rule::cases(&planned.plan, readings, self.now);
        let cases = cases.filter(|case| case.item.resource == *resource);
        let binding = decision.binding.as_ref().filter(|it| it.resource == *resource);
        let mut windows: Vec<_> = cases
            .zip(&capped)
            .map(|(case, Capped { window, boost })| {
                let figures = WindowDecision::of(&case);
                let observed = window.strictness.mode == Mode::Observe;
                ExplainedWindow {
                    source: source(&planned.plan, &case),
                    declared_in: self.group_that_declares(resource, window),
                    declared: window.amount,
                    boost: if observed { Amount::ZERO } else { *boost },
                    admit: window.strictness.admit,
                    starts: case.bound.stretch(&case.reading).start,
                    timezone: zone_of(self.policy, &terms, window).name().to_owned(),
                    denies: case.judge() != Ok(Verdict::Fits),
                    binding: false,
                    window: figures,
                }
            })
            .collect();
        let decides = |it: &&mut ExplainedWindow| binding.is_some_and(|b| b.window == it.window);
        if let Some(window) = windows.iter_mut().find(decides) {
            window.binding = true;
        }
        windows
    }

    fn group_that_declares(&self, resource: &Resource, window: &Window) -> Option<String> {
        let mut groups = self.policy.groups().into_iter();
        let declares = groups.find(|(_, group)| {
            let limit = group.limits.get(resource);
            limit.is_some_and(|limit| limit.windows().iter().any(|it| std::ptr::eq(it, window)))
        });
        declares.map(|(name, _)| name.to_owned())
    }
}
