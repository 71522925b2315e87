//! Target: who is told, of what, and how they know that it is us.

use std::collections::BTreeSet;

use super::{Endpoint, Signer};
use crate::quota::notice::Topic;

/// One `[[notify]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where.
    pub endpoint: Endpoint,
    /// Signs what is told.
    pub signer: Signer,
    /// Of what; all else is passed over.
    pub topics: BTreeSet<Topic>,
}
