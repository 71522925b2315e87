//! What binds many.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::There;
use super::call::Call;
use crate::cli::books::{Declaring, Told};
use crate::clock::Timestamp;
use crate::engine::{DeclaredBy, DeclaredResource, GroupChange};
use crate::quota::policy::Rule;
use crate::quota::{
    Amount, Capability, Group, Layer, Limit, Measure, OnOutage, Period, Policy, PolicyVersion,
    Resource, Zone,
};

/// The policy, as a server tells it: each entry with the layer that declares it. What another one
/// shadows is not told, and holds nowhere.
#[derive(Debug, Deserialize)]
struct Whole {
    version: PolicyVersion,
    timezone: Zone,
    period: Period,
    default_group: Option<String>,
    origin: Option<String>,
    groups: Vec<ToldGroup>,
    capabilities: Vec<ToldCapability>,
    rules: Vec<ToldRule>,
    resources: Vec<DeclaredResource>,
}

#[derive(Debug, Deserialize)]
struct ToldGroup {
    name: String,
    limits: Terms,
    from: String,
}

#[derive(Debug, Deserialize)]
struct Terms {
    #[serde(flatten)]
    by_resource: BTreeMap<Resource, Limit>,
    max_upload_bytes: Option<Amount>,
    extends: Option<String>,
    timezone: Option<Zone>,
}

#[derive(Debug, Deserialize)]
struct ToldCapability {
    name: String,
    resources: Vec<Resource>,
    on_outage: Option<OnOutage>,
    from: String,
}

#[derive(Debug, Deserialize)]
struct ToldRule {
    #[serde(flatten)]
    rule: Rule,
    from: String,
}

impl Whole {
    /// Returns the policy that says the same.
    fn policy(self) -> Told<Policy> {
        let Self { version, timezone, period, default_group, origin, .. } = self;
        let mut file = Layer { origin, ..Layer::default() };
        let mut store = Layer {
            timezone: Some(timezone),
            period: Some(period),
            default_group,
            ..Layer::default()
        };
        for ToldGroup { name, limits, from } in self.groups {
            let Terms { by_resource: limits, max_upload_bytes, extends, timezone } = limits;
            let group = Group { extends, limits, max_upload_bytes, timezone };
            let layer = if from == FILE { &mut file } else { &mut store };
            layer.groups.insert(name, group);
        }
        for ToldCapability { name, resources, on_outage, from } in self.capabilities {
            let capability = Capability::new(resources)?.when_out(on_outage);
            match from.as_str() {
                FILE => drop(file.capabilities.insert(name, capability)),
                STORE => drop(store.capabilities.insert(name, capability)),
                _ => {}
            }
        }
        for ToldRule { rule, from } in self.rules {
            let layer = if from == FILE { &mut file } else { &mut store };
            layer.rules.push(rule);
        }
        for DeclaredResource { resource, measure, declared_by } in self.resources {
            match declared_by {
                DeclaredBy::File => drop(file.resources.insert(resource, measure)),
                DeclaredBy::Store => drop(store.resources.insert(resource, measure)),
                DeclaredBy::Name => {}
            }
        }
        Ok(Policy { version, file, store })
    }
}

/// The words for the layers.
const FILE: &str = "file";
const STORE: &str = "store";

#[async_trait]
impl Declaring for There {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn policy(&self) -> Told<Policy> {
        self.0.ask::<Whole>(Call::get("/v1/policy")).await?.policy()
    }

    async fn set_group(&self, name: &str, change: &GroupChange) -> Told<()> {
        let GroupChange { limits, max_upload_bytes, extends, timezone, default } = change;
        let mut terms = terms(limits, max_upload_bytes.as_ref());
        if let Some(base) = extends {
            terms.insert("extends".to_owned(), json!(base));
        }
        if let Some(zone) = timezone {
            terms.insert("timezone".to_owned(), json!(zone));
        }
        let said = json!({ "name": name, "limits": terms, "default": default });
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

/// Returns limits as the API takes them, and the size of one upload if that is to change.
pub(super) fn terms(
    limits: &BTreeMap<Resource, Limit>,
    size: Option<&Option<Amount>>,
) -> Map<String, Value> {
    let each = limits.iter().map(|(resource, limit)| (resource.to_string(), json!(limit)));
    let size = size.map(|size| size.map_or_else(|| json!("unlimited"), |size| json!(size)));
    each.chain(size.map(|size| ("max_upload_bytes".to_owned(), size))).collect()
}
