//! Worded: what an action wants, as it is written: its amounts are read by the measure of what it
//! draws on.

use serde::Serialize;

use super::{Ask, Decision, Engine, EngineError};
use crate::quota::{Aggregate, Amount, Invalid, Limit, Measure, Policy, Said, Subject};

/// What an action wants, as command line and API are told it: a capability, a resource, or several
/// of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worded {
    /// What they want to do.
    pub capability: Option<String>,
    /// What they want of.
    pub resource: Option<String>,
    /// Several resources, and how much of each: all of it or nothing.
    pub items: Option<Vec<(String, Said)>>,
    /// How much: of a capability, in bytes; without it, one unit.
    pub amount: Option<Said>,
    /// Which one, of a resource that counts different ones.
    pub member: Option<String>,
    /// A limit in place of the subject's own.
    pub limit: Option<String>,
}

/// A decision with the question it answers, as programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Answered {
    /// Who asked.
    pub subject: Subject,
    /// What they want to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
    /// What they want of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What they are told.
    #[serde(flatten)]
    pub decision: Decision,
}

impl Worded {
    /// Returns `decision` as the answer to it, asked by `subject`.
    #[must_use]
    pub fn answered(self, subject: Subject, decision: Decision) -> Answered {
        let Self { capability, resource, .. } = self;
        Answered { subject, capability, resource, decision }
    }

    /// Returns what it asks, by `policy`.
    ///
    /// # Errors
    /// For what `policy` does not declare, and what is no amount.
    pub fn read(&self, policy: &Policy) -> Result<Ask, Invalid> {
        let (ask, measure) = match (&self.capability, &self.resource, &self.items) {
            (Some(name), None, None) => self.of_capability(name, policy)?,
            (None, Some(name), None) => self.of_resource(name, policy)?,
            (None, None, Some(items)) => self.of_items(items, policy)?,
            (None, None, None) => {
                return Err(Invalid::new("nothing is asked: name a capability, or a resource"));
            }
            (Some(_), Some(_), None) => {
                return Err(Invalid::new("name a capability or a resource, not both"));
            }
            (_, _, Some(_)) => {
                return Err(Invalid::new("name a capability, a resource or items: one of them"));
            }
        };
        let limit = self.limit.as_ref().map(|text| {
            let limit = Limit::parse(text, &measure)?;
            limit.is_one_s_own().map(|()| limit)
        });
        let limit = limit.transpose().map_err(|e| Invalid::new(format!("limit: {e}")))?;
        let ask = ask.within(limit);
        ask.items(policy)?;
        Ok(ask)
    }

    fn of_capability(&self, name: &str, policy: &Policy) -> Result<(Ask, Measure), Invalid> {
        let resources = policy.capability(name)?.resources();
        if self.member.is_some() {
            return Err(Invalid::new("a member is one of a resource: name that, not a capability"));
        }
        let amount = self.amount.as_ref().map(|said| said.read(&Measure::BYTES)).transpose()?;
        let measure = resources.first().map(|resource| policy.measure(resource));
        Ok((Ask::Capability { name: name.to_owned(), amount }, measure.unwrap_or_default()))
    }

    fn of_items(
        &self,
        items: &[(String, Said)],
        policy: &Policy,
    ) -> Result<(Ask, Measure), Invalid> {
        if items.is_empty() || self.amount.is_some() || self.member.is_some() {
            return Err(Invalid::new("items name each resource with its own amount, at least one"));
        }
        let read = |(name, said): &(String, Said)| {
            let resource = policy.resource(name)?.clone();
            let amount = said.read(&policy.measure(&resource));
            amount.map(|it| (resource, it)).map_err(|e| Invalid::new(format!("{name}: {e}")))
        };
        let items = items.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let measure = items.first().map(|(resource, _)| policy.measure(resource));
        Ok((Ask::Items(items), measure.unwrap_or_default()))
    }

    fn of_resource(&self, name: &str, policy: &Policy) -> Result<(Ask, Measure), Invalid> {
        let resource = policy.resource(name)?.clone();
        let measure = policy.measure(&resource);
        let ask = match (measure.aggregate, &self.amount, &self.member) {
            // One more, whichever it is.
            (Aggregate::Unique, None, None) => Ask::Resource { resource, amount: Amount::ONE },
            (Aggregate::Unique, Some(_), _) => {
                Ask::one(resource, Aggregate::Unique, Amount::ONE, None)?
            }
            (aggregate, amount, which) => {
                let amount = amount.as_ref().map(|said| said.read(&measure)).transpose()?;
                Ask::one(resource, aggregate, amount.unwrap_or(Amount::ONE), which.as_deref())?
            }
        };
        Ok((ask, measure))
    }
}

impl Engine {
    /// Returns what `worded` asks, by the policy as last seen; where that makes no sense of it,
    /// by the present one.
    ///
    /// # Errors
    /// Bad input for what is not declared, or no amount; unavailable if the store is.
    pub async fn understand(&self, worded: &Worded) -> Result<Ask, EngineError> {
        match worded.read(&self.snapshot().policy) {
            Ok(ask) => Ok(ask),
            Err(_) => Ok(worded.read(&self.refresh().await?.policy)?),
        }
    }
}
