//! Replay: tells lines of a ledger to other books, and notes what these refuse.

use std::collections::HashSet;

use super::{Found, OverAt, Refused, Simulation, Stretch};
use crate::clock::{Manual, Timestamp};
use crate::engine::plan::Planned;
use crate::engine::report::windows;
use crate::engine::{Ask, Decision, Engine, EngineError, Reason};
use crate::quota::capability::UPLOAD;
use crate::quota::event::{Event, Kind, Line};
use crate::quota::held::HoldId;
use crate::quota::{Aggregate, Amount, Resource};

/// The books that are told, and what they said so far.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    engine: &'a Engine,
    clock: &'a Manual,
    stretch: Stretch,
    /// Lines of one reservation that may go on with the next line.
    waiting: Vec<Event>,
    /// Reservations that were refused: they are not taken back either.
    refused_holds: HashSet<HoldId>,
    asked: u64,
    denied: u64,
    refused: Found<Refused>,
    over: Found<OverAt>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(engine: &'a Engine, clock: &'a Manual, stretch: Stretch) -> Self {
        Self {
            engine,
            clock,
            stretch,
            waiting: Vec::new(),
            refused_holds: HashSet::new(),
            asked: 0,
            denied: 0,
            refused: Found::new(),
            over: Found::new(),
        }
    }

    /// Tells the next line.
    pub(super) async fn tell(&mut self, Line { event, .. }: Line) -> Result<(), EngineError> {
        let goes_on = |last: &Event| {
            event.kind == Kind::Settle && event.hold.is_some() && last.hold == event.hold
        };
        if !self.waiting.last().is_some_and(goes_on) {
            self.decide().await?;
        }
        if self.stretch.end.is_some_and(|end| event.at >= end) {
            return Ok(());
        }
        match event.kind {
            Kind::Settle => self.waiting.push(event),
            Kind::Use if !event.amount.is_negative() => {
                self.waiting.push(event);
                self.decide().await?;
            }
            Kind::Use | Kind::Set => self.happened(&[event]).await?,
            Kind::Refund => {
                if event.hold.is_none_or(|hold| !self.refused_holds.contains(&hold)) {
                    self.happened(&[event]).await?;
                }
            }
            Kind::Reset => self.reset(&event).await?,
            Kind::Lapse => {}
        }
        Ok(())
    }

    /// Returns what was found, once all lines are told.
    pub(super) async fn end(mut self) -> Result<Simulation, EngineError> {
        self.decide().await?;
        let Self { asked, denied, refused, over, .. } = self;
        Ok(Simulation {
            asked,
            allowed: asked - denied,
            denied,
            refused: refused.into_values().collect(),
            over: over.into_values().collect(),
        })
    }

    /// Judges the lines that wait, which are one action, and counts them if they fit.
    async fn decide(&mut self) -> Result<(), EngineError> {
        let action = std::mem::take(&mut self.waiting);
        let Some(first) = action.first() else { return Ok(()) };
        if self.stretch.start.is_some_and(|start| first.at < start) {
            return self.happened(&action).await;
        }
        let at = first.at;
        self.clock.set(at);
        self.asked += 1;
        let planned = self.plan(&action).await?;
        let readings = self.engine.0.store.read(&planned.plan, at).await?.unwrap_or_default();
        let decision = Decision::of(&planned, &readings, self.too_large(&action).await?, at)?;
        if decision.allowed {
            return self.count(&planned, at).await;
        }
        self.denied += 1;
        self.refused_holds.extend(first.hold);
        self.note(&action, &decision);
        Ok(())
    }

    /// Counts `action` whether it fits or not.
    async fn happened(&mut self, action: &[Event]) -> Result<(), EngineError> {
        let Some(first) = action.first() else { return Ok(()) };
        self.clock.set(first.at);
        let planned = self.plan(action).await?;
        self.count(&planned, first.at).await
    }

    async fn plan(&self, action: &[Event]) -> Result<Planned, EngineError> {
        let policy = &self.engine.snapshot().policy;
        let unique = |resource: &Resource| policy.measure(resource).aggregate == Aggregate::Unique;
        let ask = match action {
            [Event { resource, member: Some(member), .. }] if unique(resource) => {
                Ask::Member { resource: resource.clone(), member: member.clone() }
            }
            _ => {
                let item = |event: &Event| (event.resource.clone(), event.amount);
                Ask::Items(action.iter().map(item).collect())
            }
        };
        let subject = action.first().map(|event| event.subject.clone());
        let subject = subject.ok_or_else(|| EngineError::BadInput("nothing to plan".to_owned()))?;
        self.engine.planning(&subject, &ask, action.first().map(|event| event.at)).next().await
    }

    async fn count(&mut self, planned: &Planned, at: Timestamp) -> Result<(), EngineError> {
        let recorded = self.engine.0.store.record(&planned.plan, None, at).await?;
        let judged = self.stretch.start.is_none_or(|start| at >= start);
        let Some(recorded) = recorded.filter(|_| judged) else { return Ok(()) };
        let mut looked = planned.plan.clone();
        looked.items.iter_mut().for_each(|item| item.amount = Amount::ZERO);
        for (item, found) in looked.items.iter().zip(recorded.readings) {
            let alone = crate::quota::plan::Plan { items: vec![item.clone()], ..looked.clone() };
            let reached = windows(&alone, &vec![found], at).into_iter();
            if let Some(window) = reached.filter(|it| it.limit.is_some()).find(|it| it.over) {
                let measure = planned.measure(&item.resource);
                let key = (looked.subject.clone(), item.resource.clone());
                let (subject, resource) = key.clone();
                let over = OverAt { subject, resource, measure, first: at, window };
                self.over.entry(key).or_insert(over);
            }
        }
        Ok(())
    }

    /// Notes a refusal under the resource that had no room; the whole of it, if it was too large.
    fn note(&mut self, action: &[Event], decision: &Decision) {
        let figures = decision.binding.as_ref().filter(|_| decision.reason == Reason::OverLimit);
        let of = |event: &&Event| figures.is_none_or(|it| it.resource == event.resource);
        let Some(event) = action.iter().find(of) else { return };
        let key = (event.subject.clone(), event.resource.clone());
        let (subject, resource) = key.clone();
        let measure = self.engine.snapshot().policy.measure(&resource);
        let noted = self.refused.entry(key).or_insert_with(|| Refused {
            subject,
            resource,
            measure,
            times: 0,
            amount: Amount::ZERO,
            first: event.at,
            window: figures.map(|it| it.window.clone()),
        });
        noted.times += 1;
        noted.amount = noted.amount.plus(event.amount).unwrap_or(Amount::MAX);
    }

    /// Returns true if it was an upload larger than one may be.
    async fn too_large(&self, action: &[Event]) -> Result<bool, EngineError> {
        let Some(event) = action.iter().find(|event| event.hold.is_some()) else {
            return Ok(false);
        };
        let (snapshot, grants) = self.engine.grants(&event.subject).await?;
        let policy = &snapshot.policy;
        let terms = policy.terms(&event.subject, &grants, event.at);
        let Some(most) = terms.max_upload().0 else { return Ok(false) };
        let upload = policy.capability(UPLOAD)?;
        let uploaded = |event: &&Event| {
            upload.resources().contains(&event.resource)
                && policy.measure(&event.resource).in_bytes()
        };
        Ok(action.iter().filter(uploaded).any(|event| event.amount > most))
    }

    async fn reset(&self, event: &Event) -> Result<(), EngineError> {
        self.clock.set(event.at);
        let resources = std::slice::from_ref(&event.resource);
        let planned =
            self.engine.planning(&event.subject, resources, Some(event.at)).next().await?;
        let bounds = planned.plan.items.iter().flat_map(|item| &item.bounds);
        let bucket = event.bucket.as_ref().map(|key| {
            bounds.clone().find(|bound| bound.bucket.key == *key).map(|bound| bound.bucket.clone())
        });
        match bucket {
            // The other policy has no such window: there is nothing to bring to zero.
            Some(None) => {}
            bucket => {
                let bucket = bucket.flatten();
                self.engine.0.store.reset(&planned.plan, bucket.as_ref(), event.at).await?;
            }
        }
        Ok(())
    }
}
