//! Here: the books of a store that this process opens itself.

use async_trait::async_trait;

use super::{Books, Carrying, Counting, Declaring, Granting, Reader, Telling, Told, Writer};
use crate::clock::Timestamp;
use crate::engine::{
    BoostChange, Decision, Draft, Engine, Explanation, Fact, GroupChange, How, Imported, Lines,
    OverrideChange, Page, Rebuilt, Recorded, Simulation, Someone, Span, Step, Steps, Stretch,
    SubjectView, Summary, UsageReport, Used, Wanted, Worded,
};
use crate::quota::event::Line;
use crate::quota::policy::Rule;
use crate::quota::{Amount, Capability, Grants, Layer, Measure, Period, Policy, Resource, Subject};

/// How many subjects are read in one step.
const PAGE: usize = 1000;

/// The engine on a store.
#[derive(Debug)]
pub(in crate::cli) struct Here(Engine);

impl Here {
    /// Returns the books of `engine`.
    pub(in crate::cli) const fn on(engine: Engine) -> Self {
        Self(engine)
    }
}

#[async_trait]
impl Books for Here {
    async fn close(&self) -> Told<()> {
        Ok(self.0.close().await?)
    }
}

#[async_trait]
impl Declaring for Here {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn policy(&self) -> Told<Policy> {
        Ok(self.0.policy().await?)
    }

    async fn set_group(&self, name: &str, change: &GroupChange) -> Told<()> {
        Ok(self.0.set_group(name, change).await?)
    }

    async fn remove_group(&self, name: &str) -> Told<()> {
        Ok(self.0.remove_group(name).await?)
    }

    async fn set_capability(&self, name: &str, capability: Capability) -> Told<()> {
        Ok(self.0.set_capability(name, capability).await?)
    }

    async fn remove_capability(&self, name: &str) -> Told<()> {
        Ok(self.0.remove_capability(name).await?)
    }

    async fn add_rule(&self, rule: &Rule) -> Told<()> {
        Ok(self.0.add_rule(rule).await?)
    }

    async fn remove_rule(&self, pattern: &str) -> Told<()> {
        Ok(self.0.remove_rule(pattern).await?)
    }

    async fn set_resource(&self, resource: &Resource, measure: &Measure) -> Told<()> {
        Ok(self.0.set_resource(resource, measure).await?)
    }

    async fn remove_resource(&self, resource: &Resource) -> Told<()> {
        Ok(self.0.remove_resource(resource).await?)
    }
}

#[async_trait]
impl Granting for Here {
    async fn subject(&self, subject: &Subject) -> Told<SubjectView> {
        Ok(self.0.subject(subject).await?)
    }

    async fn everyone(&self) -> Told<Vec<(Subject, Grants)>> {
        let mut all = Vec::new();
        let mut page = Page::first(PAGE);
        loop {
            let part = self.0.subjects_with_grants(page).await?;
            let Some((last, _)) = part.last() else {
                return Ok(all);
            };
            page = Page::behind(last.clone(), PAGE);
            all.extend(part.into_iter().filter(|(_, grants)| !grants.is_empty()));
        }
    }

    async fn assign(&self, subject: &Subject, group: &str, until: Option<Timestamp>) -> Told<()> {
        Ok(self.0.assign(subject, group, until).await?)
    }

    async fn exempt(&self, subject: &Subject, until: Option<Timestamp>) -> Told<()> {
        Ok(self.0.exempt(subject, until).await?)
    }

    async fn unassign(&self, subject: &Subject) -> Told<()> {
        Ok(self.0.unassign(subject).await?)
    }

    async fn forget(&self, subject: &Subject) -> Told<Subject> {
        Ok(self.0.forget(subject).await?)
    }

    async fn set_overrides(&self, subject: &Subject, change: &OverrideChange) -> Told<()> {
        Ok(self.0.set_overrides(subject, change).await?)
    }

    async fn remove_overrides(&self, subject: &Subject, names: &[String]) -> Told<()> {
        Ok(self.0.remove_overrides(subject, names).await?)
    }

    async fn add_boosts(&self, subject: &Subject, change: &BoostChange) -> Told<()> {
        Ok(self.0.add_boosts(subject, change).await?)
    }

    async fn remove_boosts(
        &self,
        subject: &Subject,
        resource: Option<&str>,
        number: Option<usize>,
    ) -> Told<()> {
        Ok(self.0.remove_boosts(subject, resource, number).await?)
    }
}

#[async_trait]
impl Counting for Here {
    async fn check(&self, subject: &Subject, asked: &Worded) -> Told<Decision> {
        let ask = self.0.understand(asked).await?;
        Ok(self.0.check(subject, &ask).await?)
    }

    async fn explain(&self, subject: &Subject, asked: &Worded) -> Told<Explanation> {
        let ask = self.0.understand(asked).await?;
        Ok(self.0.explain(subject, &ask).await?)
    }

    async fn record(&self, fact: &Fact) -> Told<Recorded> {
        Ok(self.0.record(fact).await?)
    }

    async fn set(&self, subject: &Subject, resource: &Resource, value: Amount) -> Told<Recorded> {
        Ok(self.0.set(subject, resource, value).await?)
    }

    async fn reset(
        &self,
        subject: &Subject,
        resources: &[Resource],
        period: Option<Period>,
    ) -> Told<()> {
        Ok(self.0.reset(subject, resources, period).await?)
    }
}

#[async_trait]
impl Telling for Here {
    async fn usage(&self, subject: &Subject, resource: &Resource, span: Span) -> Told<UsageReport> {
        Ok(self.0.usage(subject, resource, span).await?)
    }

    async fn summary(&self, subject: &Subject) -> Told<Summary> {
        Ok(self.0.summary(subject).await?)
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        step: Period,
        start: Timestamp,
        end: Timestamp,
    ) -> Told<Vec<Step>> {
        Ok(self.0.history(subject, resource, step, start, end).await?)
    }

    async fn events(&self, which: &Lines) -> Told<Vec<Line>> {
        Ok(self.0.events(which).await?)
    }

    async fn subjects(&self, prefix: &str, most: usize, reader: Reader<'_, Someone>) -> Told<()> {
        let mut page = Page::first(most);
        loop {
            let part = self.0.subjects(prefix, page).await?;
            let is_read = reader(&part)?;
            let last = part.last().filter(|_| part.len() == most && is_read);
            let Some(last) = last else { return Ok(()) };
            page = Page::behind(last.subject.clone(), most);
        }
    }

    async fn over(&self, resource: &Resource, most: usize, reader: Reader<'_, Used>) -> Told<()> {
        let mut page = Page::first(most);
        loop {
            let part = self.0.over(resource, page).await?;
            let is_read = reader(&part)?;
            let last = part.last().filter(|_| part.len() == most && is_read);
            let Some(last) = last else { return Ok(()) };
            page = Page::behind(last.subject.clone(), most);
        }
    }

    async fn top(
        &self,
        resource: &Resource,
        period: Option<Period>,
        most: usize,
    ) -> Told<Vec<Used>> {
        Ok(self.0.top(resource, period, None, most).await?)
    }
}

#[async_trait]
impl Carrying for Here {
    async fn export(&self, wanted: Wanted, writer: Writer<'_>, steps: Steps<'_>) -> Told<()> {
        let document = self.0.export(wanted, steps).await?;
        let text = serde_json::to_vec_pretty(&document).map_err(std::io::Error::from)?;
        writer(&text)?;
        Ok(())
    }

    async fn import(
        &self,
        draft: &Draft,
        how: How,
        dry_run: bool,
        _steps: Steps<'_>,
    ) -> Told<Imported> {
        Ok(self.0.import(draft, how, dry_run).await?)
    }

    async fn simulate(
        &self,
        policy: &Layer,
        stretch: Stretch,
        steps: Steps<'_>,
    ) -> Told<Simulation> {
        Ok(self.0.simulate(policy, stretch, steps).await?)
    }

    async fn rebuild(
        &self,
        subject: Option<&Subject>,
        dry_run: bool,
        steps: Steps<'_>,
    ) -> Told<Rebuilt> {
        Ok(self.0.rebuild(subject, dry_run, steps).await?)
    }
}
