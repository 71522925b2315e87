//! The store for the length of one command.

use std::sync::Arc;

use super::answer;
use super::exit::Failure;
use crate::clock::System;
use crate::engine::{Engine, EngineError};
use crate::quota::Invalid;
use crate::store::{self, StorageSpec};

/// Opens the storage called `named`, or the default one.
pub(super) async fn open(named: Option<&str>) -> Result<Engine, Failure> {
    let spec = match named {
        Some(named) => {
            named.parse().map_err(|e: Invalid| Failure::bad_input(format!("--storage: {e}")))?
        }
        None => StorageSpec::default(),
    };
    match spec {
        StorageSpec::Memory => answer::complain(
            "warning",
            "memory: keeps nothing when the command ends; name a file with --storage sqlite:FILE",
        ),
        StorageSpec::Sqlite(_) => {}
    }
    let store = store::open(&spec).map_err(EngineError::from)?;
    Ok(Engine::visit(store, Arc::new(System)).await?)
}
