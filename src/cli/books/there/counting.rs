//! May they, and what did they?

use async_trait::async_trait;
use serde_json::json;

use super::There;
use super::call::Call;
use crate::cli::books::{Counting, Told};
use crate::clock::Timestamp;
use crate::engine::{Decision, Explanation, Fact, Recorded, Worded};
use crate::quota::{Amount, Period, Resource, Said, Subject};

#[async_trait]
impl Counting for There {
    async fn check(&self, subject: &Subject, asked: &Worded) -> Told<Decision> {
        self.0.ask(question("/v1/check", subject, asked)).await
    }

    async fn explain(&self, subject: &Subject, asked: &Worded) -> Told<Explanation> {
        self.0.ask(question("/v1/explain", subject, asked)).await
    }

    async fn record(&self, fact: &Fact) -> Told<Recorded> {
        let Fact { subject, resource, amount, member, key, at } = fact;
        let amount = Some(amount).filter(|_| member.is_none());
        let at = at.map(Timestamp::exact);
        let said = json!({
            "subject": subject,
            "resource": resource,
            "amount": amount,
            "value": member,
            "key": key,
            "at": at,
        });
        self.0.ask(Call::post("/v1/use").with("window", &true).saying(&said)?).await
    }

    async fn set(&self, subject: &Subject, resource: &Resource, value: Amount) -> Told<Recorded> {
        let said = json!({ "subject": subject, "resource": resource, "value": value });
        self.0.ask(Call::post("/v1/set").with("window", &true).saying(&said)?).await
    }

    async fn reset(
        &self,
        subject: &Subject,
        resources: &[Resource],
        period: Option<Period>,
    ) -> Told<()> {
        // Several are all there are.
        let resource = Some(resources).filter(|all| all.len() == 1).and_then(<[Resource]>::first);
        let said = json!({ "subject": subject, "resource": resource, "period": period });
        self.0.tell(Call::post("/v1/reset").saying(&said)?).await
    }
}

fn question(path: &str, subject: &Subject, asked: &Worded) -> Call {
    let Worded { capability, resource, items: _, amount, member, limit } = asked;
    let amount = amount.as_ref().map(|said| match said {
        Said::Units(units) => units.to_string(),
        Said::Text(text) => text.clone(),
    });
    Call::get(path)
        .with("subject", subject)
        .with_some("capability", capability.as_ref())
        .with_some("resource", resource.as_ref())
        .with_some("amount", amount)
        .with_some("member", member.as_ref())
        .with_some("limit", limit.as_ref())
}
