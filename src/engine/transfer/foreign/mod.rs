//! Foreign: quotas as other programs write them, and what they come to here.

mod media_repo;
mod synapse;

use super::draft::Draft;
use super::tree::Tree;
use crate::engine::EngineError;
use crate::quota::Policy;

/// A block of another program, understood.
#[derive(Debug)]
pub struct Foreign {
    /// What it comes to.
    pub draft: Draft,
    /// What was understood, in words.
    pub words: Vec<String>,
}

/// Reads `tree` as the configuration, or the part of one, of a program whose quotas are known;
/// `policy` is what they are to join.
///
/// # Errors
/// Bad input if it is none, or makes no sense.
pub fn foreign(tree: &Tree, policy: &Policy) -> Result<Foreign, EngineError> {
    if let Some(limits) = tree.at(synapse::BLOCK) {
        return synapse::read(limits);
    }
    let uploads = tree.at("uploads").unwrap_or(tree);
    if let Some(quotas) = uploads.at(media_repo::BLOCK) {
        let pointer = if tree.at("uploads").is_some() { "/uploads/quotas" } else { "/quotas" };
        return media_repo::read(pointer, quotas, policy);
    }
    Err(EngineError::BadInput(
        "the document is neither an export, nor has it media_upload_limits as Synapse does or quotas as matrix-media-repo does"
            .to_owned(),
    ))
}
