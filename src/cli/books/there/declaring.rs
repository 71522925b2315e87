//! What binds many.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::There;
use super::call::Call;
use crate::cli::books::{Declaring, Told};
use crate::cli::exit::Failure;
use crate::clock::Timestamp;
use crate::engine::GroupChange;
use crate::quota::policy::Rule;
use crate::quota::{Capability, Layer, Limit, Measure, Policy, PolicyVersion, Resource};

/// The policy, as a server tells it.
#[derive(Debug, Deserialize)]
struct Layers {
    version: PolicyVersion,
    file: Layer,
    store: Layer,
}

#[async_trait]
impl Declaring for There {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn policy(&self) -> Told<Policy> {
        let Layers { version, file, store } = self.0.ask(Call::get("/v1/policy")).await?;
        Ok(Policy { version, file, store })
    }

    async fn set_group(&self, name: &str, change: &GroupChange) -> Told<()> {
        let GroupChange { limits, max_upload_bytes, extends, timezone, default } = change;
        let mut terms = terms(limits)?;
        let mut set = |key: &str, value: Value| terms.insert(key.to_owned(), value);
        if let Some(size) = max_upload_bytes {
            set("max_upload_bytes", size.map_or_else(|| json!("unlimited"), |size| json!(size)));
        }
        if let Some(base) = extends {
            set("extends", json!(base));
        }
        if let Some(zone) = timezone {
            set("timezone", json!(zone));
        }
        let mut said = json!({ "name": name, "limits": terms });
        if *default {
            said["default"] = json!(true);
        }
        self.0.tell(Call::post("/v1/groups").saying(&said)?).await
    }

    async fn remove_group(&self, name: &str) -> Told<()> {
        self.0.tell(Call::delete("/v1/groups").named(name)).await
    }

    async fn set_capability(&self, name: &str, capability: Capability) -> Told<()> {
        let said = json!({
            "resources": capability.resources(),
            "on_outage": capability.on_outage(),
        });
        self.0.tell(Call::put("/v1/capabilities").named(name).saying(&said)?).await
    }

    async fn remove_capability(&self, name: &str) -> Told<()> {
        self.0.tell(Call::delete("/v1/capabilities").named(name)).await
    }

    async fn add_rule(&self, rule: &Rule) -> Told<()> {
        self.0.tell(Call::post("/v1/rules").saying(rule)?).await
    }

    async fn remove_rule(&self, pattern: &str) -> Told<()> {
        self.0.tell(Call::delete("/v1/rules").named(pattern)).await
    }

    async fn set_resource(&self, resource: &Resource, measure: &Measure) -> Told<()> {
        let call = Call::put("/v1/resources").named(resource.as_str());
        self.0.tell(call.saying(measure)?).await
    }

    async fn remove_resource(&self, resource: &Resource) -> Told<()> {
        self.0.tell(Call::delete("/v1/resources").named(resource.as_str())).await
    }
}

/// Returns limits as the API takes them, beside what else a group or an override may say.
pub(super) fn terms<'a>(
    limits: impl IntoIterator<Item = (&'a Resource, &'a Limit)>,
) -> Result<Map<String, Value>, Failure> {
    let each = limits.into_iter().map(|(resource, limit)| {
        Ok((resource.to_string(), serde_json::to_value(limit).map_err(std::io::Error::from)?))
    });
    each.collect()
}
