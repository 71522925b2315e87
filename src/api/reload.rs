//! Reload: whoever can read the configuration again is told to, and says what came of it.

use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use super::Desk;
use super::asked::Body;
use super::reservations::Nothing;
use super::respond::Problem;
use super::statuses::Writes;
use crate::engine::EngineError;
use crate::quota::PolicyVersion;

/// How many may wait for it at the same time.
const WAITING: usize = 8;

/// What was taken over from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reloaded {
    /// The policy that holds now.
    pub policy_version: PolicyVersion,
    /// What looks like a slip.
    pub warnings: Vec<String>,
    /// What was changed, and counts only after a restart.
    pub needs_restart: Vec<String>,
}

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub enum NotReloaded {
    /// The configuration is wrong: one complaint each.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
    /// The store did not take it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Tells whoever can read the configuration again to do so. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Reload(Arc<OnceLock<mpsc::Sender<Told>>>);

/// Is told to read the configuration again.
#[derive(Debug)]
pub struct Reloads(mpsc::Receiver<Told>);

/// One who waits to be told what came of it.
pub type Told = oneshot::Sender<Result<Reloaded, NotReloaded>>;

impl Reload {
    /// Returns who is told from now on. Until then, nothing can be read again; and only the first
    /// one is told.
    #[must_use]
    pub fn heed(&self) -> Reloads {
        let (asks, asked) = mpsc::channel(WAITING);
        // A second one waits for ever.
        let _ = self.0.set(asks);
        Reloads(asked)
    }
}

impl Reloads {
    /// Returns the next who asks for it; never if nobody can any more.
    pub async fn next(&mut self) -> Told {
        match self.0.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }
}

/// Read the configuration again
///
/// As SIGHUP does: the policy, what is metered, certificates, whom to notify and the log level count at
/// once. A wrong file is
/// refused with all complaints, one a line, and nothing changes.
#[utoipa::path(post, path = "/v1/reload", tag = "watching",
    request_body(content = Option<Nothing>),
    responses((status = 200, description = "What was taken over", body = Reloaded), Writes)
)]
pub(super) async fn reload(
    State(desk): State<Arc<Desk>>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Reloaded>, Problem> {
    let nothing = || {
        let text = "this process has no configuration to read again".to_owned();
        Problem::Conflict(text)
    };
    let asks = desk.reload.0.get().ok_or_else(nothing)?;
    let (told, heard) = oneshot::channel();
    asks.send(told).await.map_err(|_| nothing())?;
    match heard.await.map_err(|_| nothing())? {
        Ok(reloaded) => Ok(Json(reloaded)),
        Err(wrong @ NotReloaded::Wrong(_)) => Err(Problem::BadRequest(wrong.to_string())),
        Err(NotReloaded::Engine(error)) => Err(error.into()),
    }
}
