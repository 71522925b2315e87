//! resource: how resources are counted that are not plain sums.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Done, complain};
use super::books::Books;
use super::exit::Failure;
use super::table::table;
use super::words;
use crate::engine::DeclaredResource;
use crate::quota::{Aggregate, Measure, Policy, Resource, Unit};

/// How resources are counted that are not plain sums
///
/// What a group or a capability names is a sum: of bytes where the name ends in bytes, otherwise
/// of things. Anything else is declared here.
#[derive(Debug, Subcommand)]
pub(super) enum ResourceCommand {
    /// Declare how a resource is counted
    ///
    /// What is not named stays as it is. What the ledger holds is counted anew.
    #[command(after_help = "Examples:
  metergate resource set seats --aggregate max --unit count
  metergate resource set storage_bytes --aggregate last
  metergate resource set visitors --aggregate unique
  metergate resource set credits --unit points --decimals 2")]
    Set {
        /// Its name
        name: Resource,
        /// How single amounts become one count: sum, max, last or unique
        #[arg(long)]
        aggregate: Option<Aggregate>,
        /// What it is measured in: bytes, count, or a word of your own
        #[arg(long)]
        unit: Option<Unit>,
        /// How many decimals an amount may have, up to 6
        #[arg(long, value_name = "N")]
        decimals: Option<u8>,
    },
    /// List every declared resource
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  metergate resource list
  metergate resource list --json"
    )]
    List,
    /// Count a resource as its name says again; the ledger keeps what was used
    #[command(
        visible_alias = "rm",
        after_help = "Examples:
  metergate resource remove seats"
    )]
    Remove {
        /// Its name
        name: Resource,
    },
}

/// One resource as programs read it.
#[derive(Debug, Serialize)]
struct Named<'a> {
    resource: &'a Resource,
    #[serde(flatten)]
    measure: &'a Measure,
}

impl ResourceCommand {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        match self {
            Self::Set { name, aggregate, unit, decimals } => {
                let policy = books.policy().await?;
                let before = policy.measure(&name);
                let measure = Measure {
                    aggregate: aggregate.unwrap_or(before.aggregate),
                    unit: unit.unwrap_or_else(|| before.unit.clone()),
                    decimals: decimals.unwrap_or(before.decimals),
                };
                set(books, &name, &policy, &measure).await
            }
            Self::List => list(books).await,
            Self::Remove { name } => {
                books.remove_resource(&name).await?;
                let done = Done::now(BTreeMap::from([("removed", &name)]));
                Ok(Answer::new(format!("resource {name} is counted as its name says"), &done)?)
            }
        }
    }
}

async fn set(
    books: &dyn Books,
    name: &Resource,
    before: &Policy,
    measure: &Measure,
) -> Result<Answer, Failure> {
    let known = before.resources().contains(name);
    books.set_resource(name, measure).await?;
    if known && before.measure(name).decimals != measure.decimals {
        complain(
            "warning",
            &format!(
                "limits and amounts of {name} that are there already are now read with {} decimals: look at them",
                measure.decimals
            ),
        );
    }
    let words = format!("resource {name} is {}", words::measured(measure));
    Ok(Answer::new(words, &Done::now(Named { resource: name, measure }))?)
}

async fn list(books: &dyn Books) -> Result<Answer, Failure> {
    let all = DeclaredResource::all(&books.policy().await?);
    let rows = all.iter().map(|DeclaredResource { resource, measure, declared_by }| {
        let decimals = Some(measure.decimals).filter(|decimals| *decimals > 0);
        [
            resource.to_string(),
            measure.aggregate.to_string(),
            measure.unit.to_string(),
            decimals.map(|decimals| decimals.to_string()).unwrap_or_default(),
            declared_by.name().to_owned(),
        ]
    });
    let header = ["RESOURCE", "AGGREGATE", "UNIT", "DECIMALS", "FROM"];
    Ok(Answer::new(table(header, rows, "there are no resources"), &all)?)
}
