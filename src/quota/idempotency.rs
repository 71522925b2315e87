//! Key and fingerprint: the same call again changes nothing.

use sha2::{Digest, Sha256};

use super::invalid::Invalid;
use super::{Amount, Resource};
use crate::clock::Timestamp;

/// A caller's name for one call, unique per subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: String,
    /// What was asked under it: a replay must ask the same.
    pub fingerprint: Vec<u8>,
}

impl Key {
    /// Returns the key `name` of a call with this fingerprint.
    ///
    /// # Errors
    /// If the name is empty or longer than 255 bytes.
    pub fn new(name: &str, fingerprint: Vec<u8>) -> Result<Self, Invalid> {
        if name.is_empty() || name.len() > 255 {
            return Err(Invalid::new("a key has 1 to 255 bytes"));
        }
        Ok(Self { name: name.to_owned(), fingerprint })
    }

    /// Returns the key `name` of a call that records `amount`, or `member`, of `resource` at `at`.
    ///
    /// # Errors
    /// If the name is empty or longer than 255 bytes.
    pub fn of_record(
        name: &str,
        resource: &Resource,
        amount: Amount,
        member: Option<&str>,
        at: Option<Timestamp>,
    ) -> Result<Self, Invalid> {
        let mut hash = Sha256::new();
        hash.update(format!("record\0{resource}\0{amount}\0"));
        if let Some(member) = member {
            hash.update(format!("{member}\0"));
        }
        hash.update(at.map(|at| at.millis().to_be_bytes()).unwrap_or_default());
        Self::new(name, hash.finalize().to_vec())
    }
}
