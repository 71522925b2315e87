//! What is asked by `check` and `explain`, as it is typed.

use clap::{ArgGroup, Args};

use super::exit::Failure;
use crate::engine::{Ask, Worded};
use crate::quota::{Policy, Said, Subject};

/// Who asks for what.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["capability", "resource"])))]
pub(super) struct Asking {
    /// Who
    pub(super) subject: Subject,
    /// What they want to do
    #[arg(long = "cap", value_name = "CAPABILITY")]
    pub(super) capability: Option<String>,
    /// What they want of, in place of a capability
    #[arg(long)]
    pub(super) resource: Option<String>,
    /// How much; of a capability, in bytes. Without it: one unit
    #[arg(long, allow_hyphen_values = true)]
    pub(super) amount: Option<String>,
    /// Which one, of a resource that counts different ones
    #[arg(long)]
    member: Option<String>,
    /// A limit in place of their own, such as 10000/month; what they share with others holds all the same
    #[arg(long)]
    limit: Option<String>,
}

impl Asking {
    /// Returns what it asks, by `policy`.
    pub(super) fn understood(&self, policy: &Policy) -> Result<Ask, Failure> {
        if self.amount.as_ref().is_some_and(|text| text.trim_start().starts_with('-')) {
            return Err(Failure::bad_input("an action has no size below zero: write 10MB"));
        }
        Ok(self.worded().read(policy)?)
    }

    /// Returns it as the engine reads it.
    pub(super) fn worded(&self) -> Worded {
        Worded {
            capability: self.capability.clone(),
            resource: self.resource.clone(),
            amount: self.amount.clone().map(Said::Text),
            items: None,
            member: self.member.clone(),
            limit: self.limit.clone(),
        }
    }

    /// Returns what they want to do: `upload_media`, `use seats`.
    pub(super) fn action(&self) -> String {
        match (&self.capability, &self.resource) {
            (Some(capability), _) => capability.clone(),
            (None, resource) => format!("use {}", resource.as_deref().unwrap_or_default()),
        }
    }
}
