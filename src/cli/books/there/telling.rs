//! What was used.

use async_trait::async_trait;
use serde::Deserialize;

use super::There;
use super::call::Call;
use super::list::Page;
use crate::cli::books::{Declaring, Granting, Reader, Telling, Told};
use crate::clock::Timestamp;
use crate::engine::{Lines, Someone, Span, Step, Summary, UsageReport, Used};
use crate::quota::event::{Event, Kind, Line};
use crate::quota::idempotency::Key;
use crate::quota::{Amount, Bucket, Invalid, Period, Resource, Subject};

/// A line of the ledger, as a server tells it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Happened")]
struct Read(Line);

#[derive(Debug, Deserialize)]
struct Happened {
    id: u64,
    subject: Subject,
    group: Option<String>,
    resource: Resource,
    kind: String,
    amount: Amount,
    member: Option<String>,
    at: Timestamp,
    recorded: Timestamp,
    reservation: Option<String>,
    key: Option<String>,
    bucket: Option<String>,
}

impl TryFrom<Happened> for Read {
    type Error = Invalid;

    fn try_from(told: Happened) -> Result<Self, Invalid> {
        let Happened { id, subject, group, resource, kind, amount, member, at, .. } = told;
        let unknown = || Invalid::new(format!("\"{kind}\" is no kind of event"));
        let event = Event {
            subject,
            group: group.map(Into::into),
            resource,
            kind: Kind::named(&kind).ok_or_else(unknown)?,
            amount,
            member: member.map(Into::into),
            at,
            hold: told.reservation.as_deref().map(str::parse).transpose()?,
            bucket: told.bucket,
        };
        // What was asked under the key, nobody is told.
        let key = told.key.map(|name| Key { name, fingerprint: Vec::new() });
        Ok(Self(Line { id, event, recorded: told.recorded, key }))
    }
}

#[async_trait]
impl Telling for There {
    async fn usage(&self, subject: &Subject, resource: &Resource, span: Span) -> Told<UsageReport> {
        let call = Call::get("/v1/usage").with("subject", subject).with("resource", resource);
        let call = match span {
            Span::Limits => call,
            Span::Period(period) => call.with("period", &period),
            Span::Range(start, end) => call.with("start", &start.exact()).with("end", &end.exact()),
        };
        self.0.ask(call).await
    }

    async fn summary(&self, subject: &Subject) -> Told<Summary> {
        self.0.ask(Call::get("/v1/summary").with("subject", subject)).await
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        step: Period,
        start: Timestamp,
        end: Timestamp,
    ) -> Told<Vec<Step>> {
        let call = Call::get("/v1/history")
            .with_some("subject", subject)
            .with("resource", resource)
            .with("step", &step)
            .with("start", &start.exact())
            .with("end", &end.exact());
        let mut steps: Vec<Step> = self.0.ask(call).await?;
        let policy = self.policy().await?;
        let zone = match subject {
            Some(subject) => {
                let grants = self.subject(subject).await?.grants;
                policy.terms(subject, &grants, self.now()).zone
            }
            None => policy.zone(),
        };
        for told in &mut steps {
            told.bucket = Bucket::of(step, &zone, told.start).key;
        }
        Ok(steps)
    }

    async fn events(&self, which: &Lines) -> Told<Vec<Line>> {
        let Lines { subject, resource, behind, newest_first, most } = which;
        let call = |behind: Option<u64>| {
            Call::get("/v1/events")
                .with_some("subject", subject.as_ref())
                .with_some("resource", resource.as_ref())
                .with("order", if *newest_first { "newest" } else { "oldest" })
                .with_some("after", behind)
        };
        let (mut lines, mut behind): (Vec<Line>, _) = (Vec::new(), *behind);
        while lines.len() < *most {
            let page: Page<Read> = self.0.page(call(behind), most - lines.len()).await?;
            lines.extend(page.items.into_iter().map(|Read(line)| line));
            behind = lines.last().map(|line| line.id).or(behind);
            if page.next_cursor.is_none() {
                break;
            }
        }
        Ok(lines)
    }

    async fn subjects(&self, prefix: &str, most: usize, reader: Reader<'_, Someone>) -> Told<()> {
        self.0.read(|| Call::get("/v1/subjects").with("prefix", prefix), most, reader).await
    }

    async fn over(&self, resource: &Resource, most: usize, reader: Reader<'_, Used>) -> Told<()> {
        self.0.read(|| Call::get("/v1/over").with("resource", resource), most, reader).await
    }

    async fn top(
        &self,
        resource: &Resource,
        period: Option<Period>,
        most: usize,
    ) -> Told<Vec<Used>> {
        let call = || Call::get("/v1/top").with("resource", resource).with_some("period", period);
        self.0.first(call, most).await
    }
}
