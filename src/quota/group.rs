//! Group: subjects that share limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::once::once;
use super::{Amount, Limit, Resource, Zone};

/// The limits of a tier, such as `free`. A resource that neither it nor one it extends names is
/// unlimited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group whose limits and settings hold where this one names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// The limit of each resource it names.
    #[serde(default, deserialize_with = "once")]
    pub limits: BTreeMap<Resource, Limit>,
    /// The most bytes one upload may have; none means any size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_upload_bytes: Option<Amount>,
    /// The zone in which its days begin; none means the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
}
