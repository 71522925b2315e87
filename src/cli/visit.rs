//! The store for the length of one command.

use std::sync::Arc;

use super::answer;
use super::exit::Failure;
use crate::clock::System;
use crate::config;
use crate::engine::{Engine, EngineError};
use crate::quota::Invalid;
use crate::store::{self, StorageSpec, Store};

/// Returns which storage is called `named`, or named by the environment, or the default one.
pub(super) fn which(named: Option<String>) -> Result<StorageSpec, Failure> {
    match (named, config::variable("METERGATE_STORAGE")) {
        (Some(named), _) => read("--storage", &named),
        (None, Some(named)) => read("METERGATE_STORAGE", &named),
        (None, None) => Ok(StorageSpec::default()),
    }
}

/// Opens the storage called `named`, or the one of the environment, or the default one.
pub(super) async fn open(named: Option<String>) -> Result<Engine, Failure> {
    let spec = which(named)?;
    if spec == StorageSpec::Memory {
        let text =
            "memory: keeps nothing when the command ends; name a file with --storage sqlite:FILE";
        answer::complain("warning", text);
    }
    let store = store::open(&spec).map_err(EngineError::from)?;
    Ok(Engine::visit(store, Arc::new(System)).await?)
}

/// Opens the storage called `named` that books are to be moved to, as `place` says.
pub(super) fn target(place: &str, named: &str) -> Result<Arc<dyn Store>, Failure> {
    let spec = read(place, named)?;
    if spec == StorageSpec::Memory {
        return Err(Failure::bad_input(format!(
            "{place}: memory: is gone when the command ends: write sqlite:FILE"
        )));
    }
    Ok(store::open(&spec).map_err(EngineError::from)?)
}

/// Reads which storage `named` is, as `place` says.
fn read(place: &str, named: &str) -> Result<StorageSpec, Failure> {
    named.parse().map_err(|e: Invalid| Failure::bad_input(format!("{place}: {e}")))
}
