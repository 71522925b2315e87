//! Everything at once.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::There;
use super::call::Call;
use crate::cli::books::{Carrying, Told, Writer};
use crate::clock::Timestamp;
use crate::engine::{
    Document, Draft, Drift, How, Imported, Rebuilt, Simulation, Steps, Stretch, Wanted,
};
use crate::quota::{Layer, Subject};

/// What a rebuild found, as a server tells it.
#[derive(Debug, Deserialize)]
struct Recounted {
    buckets: usize,
    drift: Vec<Drift>,
}

#[async_trait]
impl Carrying for There {
    async fn export(&self, wanted: Wanted, writer: Writer<'_>, _steps: Steps<'_>) -> Told<()> {
        let Wanted { both_layers, ledger } = wanted;
        let call = Call::get("/v1/export").with("all", &both_layers).with("usage", &ledger);
        self.0.stream(call, |piece| writer(piece)).await
    }

    async fn import(
        &self,
        draft: &Draft,
        how: How,
        dry_run: bool,
        _steps: Steps<'_>,
    ) -> Told<Imported> {
        let mode = match how {
            How::Merge => "merge",
            How::Replace => "replace",
        };
        let call = Call::post("/v1/import").with("mode", mode).with("dry_run", &dry_run);
        self.0.ask(call.saying(draft)?.patiently()).await
    }

    async fn simulate(
        &self,
        policy: &Layer,
        stretch: Stretch,
        _steps: Steps<'_>,
    ) -> Told<Simulation> {
        let Stretch { start, end } = stretch;
        let policy = Document { layer: policy.clone(), ..Document::default() };
        let said = json!({
            "policy": serde_json::to_value(policy).map_err(std::io::Error::from)?,
            "start": start.map(Timestamp::exact),
            "end": end.map(Timestamp::exact),
        });
        self.0.ask(Call::post("/v1/simulate").saying(&said)?.patiently()).await
    }

    async fn rebuild(
        &self,
        subject: Option<&Subject>,
        dry_run: bool,
        _steps: Steps<'_>,
    ) -> Told<Rebuilt> {
        let said = json!({ "subject": subject, "dry_run": dry_run });
        let call = Call::post("/v1/rebuild").saying(&said)?.patiently();
        let Recounted { buckets, drift } = self.0.ask(call).await?;
        Ok(Rebuilt { buckets, drift })
    }
}
