//! What single subjects have of their own.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::There;
use super::call::Call;
use super::declaring::terms;
use crate::cli::books::{Declaring, Granting, Told};
use crate::clock::Timestamp;
use crate::engine::{BoostChange, Draft, OverrideChange, SubjectView};
use crate::quota::{Grants, Subject};

/// Who somebody is now.
#[derive(Debug, Deserialize)]
struct Forgotten {
    pseudonym: Subject,
}

#[async_trait]
impl Granting for There {
    async fn subject(&self, subject: &Subject) -> Told<SubjectView> {
        self.0.ask(Call::get("/v1/subjects").named(subject.as_str())).await
    }

    async fn everyone(&self) -> Told<Vec<(Subject, Grants)>> {
        // One document tells it all, as it was at one moment.
        let draft: Draft = self.0.ask(Call::get("/v1/export").patiently()).await?;
        let grants = draft.grants(&self.policy().await?)?.into_iter();
        Ok(grants.filter(|(_, grants)| !grants.is_empty()).collect())
    }

    async fn assign(&self, subject: &Subject, group: &str, until: Option<Timestamp>) -> Told<()> {
        let said = json!({ "group": group, "until": until.map(Timestamp::exact) });
        self.0.tell(Call::put("/v1/subjects").named(subject.as_str()).saying(&said)?).await
    }

    async fn exempt(&self, subject: &Subject, until: Option<Timestamp>) -> Told<()> {
        let said = json!({ "exempt": true, "until": until.map(Timestamp::exact) });
        self.0.tell(Call::put("/v1/subjects").named(subject.as_str()).saying(&said)?).await
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
        let mut terms = terms(limits)?;
        if let Some(size) = max_upload_bytes {
            let size = size.map_or_else(|| json!("unlimited"), |size| json!(size));
            terms.insert("max_upload_bytes".to_owned(), size);
        }
        let said = json!({
            "subject": subject,
            "limits": terms,
            "until": until.map(Timestamp::exact),
            "note": note,
        });
        self.0.tell(Call::post("/v1/overrides").saying(&said)?).await
    }

    async fn remove_overrides(&self, subject: &Subject, names: &[String]) -> Told<()> {
        let mut call = Call::delete("/v1/overrides").named(subject.as_str());
        if !names.is_empty() {
            call = call.with("resources", names.join(","));
        }
        self.0.tell(call).await
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
