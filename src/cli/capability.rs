//! cap: actions, and the resources they draw on.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::books::Books;
use super::exit::Failure;
use super::table::table;
use super::words;
use crate::quota::{Capability, Invalid, OnOutage, Resource, resource};

/// Actions, and the resources they draw on
///
/// An action is denied if any of its resources has no room. upload_media, which draws on
/// media_bytes, is built in.
#[derive(Debug, Subcommand)]
pub(super) enum CapabilityCommand {
    /// Make or replace a capability
    ///
    /// A resource named here is thereby declared. Of those in bytes the size of the action is
    /// asked, of the others one.
    #[command(after_help = "Examples:
  metergate cap set upload_media media_bytes
  metergate cap set upload_media media_bytes uploads
  metergate cap set upload_media media_bytes --on-outage open")]
    Set {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
        /// What it draws on
        #[arg(required = true, value_name = "RESOURCE")]
        resources: Vec<Resource>,
        /// While the store is out: refuse it (closed), or let it pass and charge it later (open)
        /// [default: as the settings of each server say]
        #[arg(long, value_name = "WORD")]
        on_outage: Option<OnOutage>,
    },
    /// List the capabilities
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  metergate cap list"
    )]
    List,
    /// Remove a capability; the built-in one becomes what it was
    #[command(
        visible_alias = "rm",
        after_help = "Examples:
  metergate cap remove upload_media"
    )]
    Remove {
        /// Its name
        name: String,
    },
}

fn name(text: &str) -> Result<String, Invalid> {
    resource::name(text, "capability").map(|name| name.as_ref().to_owned())
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    name: &'a str,
    resources: &'a [Resource],
    #[serde(skip_serializing_if = "Option::is_none")]
    on_outage: Option<OnOutage>,
}

impl CapabilityCommand {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        match self {
            Self::Set { name, resources, on_outage } => {
                set(books, &name, resources, on_outage).await
            }
            Self::List => list(books).await,
            Self::Remove { name } => {
                books.remove_capability(&name).await?;
                let done = Done::now(BTreeMap::from([("removed", &name)]));
                Ok(Answer::new(format!("capability {name} is removed"), &done)?)
            }
        }
    }
}

async fn set(
    books: &dyn Books,
    name: &str,
    resources: Vec<Resource>,
    on_outage: Option<OnOutage>,
) -> Result<Answer, Failure> {
    let capability = Capability::new(resources.clone());
    let capability =
        capability.map_err(|e| Failure::bad_input(format!("capability {name} {e}")))?;
    words::warn_of_new_names(&books.policy().await?, &resources);
    books.set_capability(name, capability.when_out(on_outage)).await?;
    let out = on_outage.map(|word| format!(", and is {word} while the store is out"));
    let out = out.unwrap_or_default();
    let words = format!("capability {name} draws on {}{out}", joined(&resources));
    let done = Done::now(Named { name, resources: &resources, on_outage });
    Ok(Answer::new(words, &done)?)
}

async fn list(books: &dyn Books) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let all = policy.capabilities();
    let rows = all.iter().map(|(name, it)| {
        let out = it.on_outage().map_or("", OnOutage::name);
        [(*name).to_owned(), joined(it.resources()), out.to_owned()]
    });
    let words = table(["CAPABILITY", "DRAWS ON", "ON OUTAGE"], rows, "there are no capabilities");
    Ok(Answer::new(words, &all)?)
}

fn joined(resources: &[Resource]) -> String {
    let names: Vec<_> = resources.iter().map(Resource::as_str).collect();
    names.join(", ")
}
