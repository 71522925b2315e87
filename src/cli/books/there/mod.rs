//! There: the books of a running server, over its documented API.
//!
//! Each noun is a file: what is sent, and what becomes of the answer. What is typed is understood
//! here, by the policy of the server, so that whatever is wrong is said as it is of a store.

// The way there.
mod address;
mod call;
mod list;
// What is asked, and changed.
mod carrying;
mod counting;
mod declaring;
mod granting;
mod telling;

use async_trait::async_trait;
use serde::Deserialize;

pub(in crate::cli) use address::Address;

use self::call::{Call, Line};
use super::{Books, Told};
use crate::cli::place::Server;
use crate::store::Finding;

/// The books of a server.
#[derive(Debug)]
pub(in crate::cli) struct There(Line);

/// What a server found wrong with its store, and with what that stands on.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Examined {
    /// What the store is.
    pub(in crate::cli) storage: String,
    /// What was found.
    pub(in crate::cli) findings: Vec<Finding>,
}

impl There {
    /// Returns the books of `server`, which is not asked yet. Belongs to one runtime.
    pub(in crate::cli) fn at(server: Server) -> Self {
        Self(Line::to(server))
    }

    /// Returns what the server finds wrong with its store.
    pub(in crate::cli) async fn examine(&self) -> Told<Examined> {
        self.0.ask(Call::get("/v1/doctor")).await
    }
}

#[async_trait]
impl Books for There {
    async fn close(&self) -> Told<()> {
        Ok(())
    }
}
