//! What single subjects have of their own.

use std::collections::BTreeMap;
use std::io;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::There;
use super::call::Call;
use super::declaring::terms;
use crate::cli::books::{Granting, Told};
use crate::clock::Timestamp;
use crate::engine::{BoostChange, OverrideChange, SubjectView};
use crate::quota::grant::Grant;
use crate::quota::{Amount, Grants, Invalid, Resource, Subject};

/// How many are read in one step.
const PAGE: usize = 1000;
/// The name of the setting that is no resource.
const SIZE: &str = "max_upload_bytes";

/// The place of one subject, as a server tells it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Place")]
struct Read(SubjectView);

#[derive(Debug, Deserialize)]
struct Place {
    subject: Subject,
    group: Option<String>,
    by: Option<String>,
    assigned: Option<Assigned>,
    exempt: bool,
    exempt_until: Option<Timestamp>,
    overrides: BTreeMap<String, Override>,
    boosts: BTreeMap<Resource, Vec<Boost>>,
}

#[derive(Debug, Deserialize)]
struct Assigned {
    group: String,
    until: Option<Timestamp>,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Override {
    limit: Value,
    until: Option<Timestamp>,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Boost {
    amount: Amount,
    until: Option<Timestamp>,
    note: Option<String>,
}

impl TryFrom<Place> for Read {
    type Error = Invalid;

    fn try_from(told: Place) -> Result<Self, Invalid> {
        let Place { subject, group, by, assigned, exempt, exempt_until, .. } = told;
        let mut grants = Grants {
            group: assigned.map(|Assigned { group: what, until, note }| Grant {
                what,
                until,
                note,
            }),
            exempt: exempt.then_some(Grant { what: (), until: exempt_until, note: None }),
            ..Grants::default()
        };
        for (name, Override { limit, until, note }) in told.overrides {
            let wrong = |error: serde_json::Error| Invalid::new(format!("{name}: {error}"));
            if name == SIZE {
                let what = serde_json::from_value(limit).map_err(wrong)?;
                grants.max_upload_bytes = Some(Grant { what, until, note });
            } else {
                let what = serde_json::from_value(limit).map_err(wrong)?;
                grants.overrides.insert(name.parse()?, Grant { what, until, note });
            }
        }
        let boost = |Boost { amount: what, until, note }| Grant { what, until, note };
        let boosts = told.boosts.into_iter();
        grants.boosts =
            boosts.map(|(name, all)| (name, all.into_iter().map(boost).collect())).collect();
        let group = by.zip(group).map(|(by, group)| format!("{by} {group}"));
        Ok(Self(SubjectView { subject, grants, group }))
    }
}

/// Who somebody is now.
#[derive(Debug, Deserialize)]
struct Forgotten {
    pseudonym: Subject,
}

#[async_trait]
impl Granting for There {
    async fn subject(&self, subject: &Subject) -> Told<SubjectView> {
        let Read(view) = self.0.ask(Call::get("/v1/subjects").named(subject.as_str())).await?;
        Ok(view)
    }

    async fn everyone(&self) -> Told<Vec<(Subject, Grants)>> {
        let mut all = Vec::new();
        let mut reader = |part: &[Read]| -> io::Result<bool> {
            all.extend(part.iter().map(|Read(it)| (it.subject.clone(), it.grants.clone())));
            Ok(true)
        };
        self.0.read(|| Call::get("/v1/grants"), PAGE, &mut reader).await?;
        Ok(all)
    }

    async fn assign(&self, subject: &Subject, group: &str, until: Option<Timestamp>) -> Told<()> {
        let until = until.map(Timestamp::exact);
        let said = json!({ "subject": subject, "group": group, "until": until });
        self.0.tell(Call::post("/v1/subjects").saying(&said)?).await
    }

    async fn exempt(&self, subject: &Subject, until: Option<Timestamp>) -> Told<()> {
        let until = until.map(Timestamp::exact);
        let said = json!({ "subject": subject, "exempt": true, "until": until });
        self.0.tell(Call::post("/v1/subjects").saying(&said)?).await
    }

    async fn unassign(&self, subject: &Subject) -> Told<()> {
        self.0.tell(Call::delete("/v1/subjects").named(subject.as_str())).await
    }

    async fn forget(&self, subject: &Subject) -> Told<Subject> {
        let call = Call::post("/v1/forget").saying(&json!({ "subject": subject }))?;
        let Forgotten { pseudonym } = self.0.ask(call).await?;
        Ok(pseudonym)
    }

    async fn set_overrides(&self, subject: &Subject, change: &OverrideChange) -> Told<()> {
        let OverrideChange { limits, max_upload_bytes, until, note } = change;
        let said = json!({
            "subject": subject,
            "limits": terms(limits, max_upload_bytes.as_ref()),
            "until": until.map(Timestamp::exact),
            "note": note,
        });
        self.0.tell(Call::post("/v1/overrides").saying(&said)?).await
    }

    async fn remove_overrides(&self, subject: &Subject, names: &[String]) -> Told<()> {
        let names = Some(names.join(",")).filter(|names| !names.is_empty());
        let call = Call::delete("/v1/overrides").named(subject.as_str());
        self.0.tell(call.with_some("resources", names)).await
    }

    async fn add_boosts(&self, subject: &Subject, change: &BoostChange) -> Told<()> {
        let BoostChange { amounts, until, note } = change;
        let said = json!({
            "subject": subject,
            "amounts": amounts,
            "until": until.map(Timestamp::exact),
            "note": note,
        });
        self.0.tell(Call::post("/v1/boosts").saying(&said)?).await
    }

    async fn remove_boosts(
        &self,
        subject: &Subject,
        resource: Option<&str>,
        number: Option<usize>,
    ) -> Told<()> {
        let call = Call::delete("/v1/boosts").named(subject.as_str());
        self.0.tell(call.with_some("resource", resource).with_some("number", number)).await
    }
}
