//! Grants: what groups, overrides and boosts of one subject have in common: whose, and until when.

use super::books::{Books, Told};
use super::exit::Failure;
use crate::clock::Timestamp;
use crate::quota::{Grants, Subject};

/// Refuses a date that has passed: what is given until then would take away what was there, and
/// never be in force.
pub(super) fn refuse_past(until: Option<Timestamp>, now: Timestamp) -> Result<(), Failure> {
    match until.filter(|end| *end <= now) {
        Some(end) => Err(Failure::bad_input(format!("{end} has passed: write a later --until"))),
        None => Ok(()),
    }
}

/// Returns what `subject` has of its own, or everyone who has something.
pub(super) async fn whose(
    books: &dyn Books,
    subject: Option<Subject>,
) -> Told<Vec<(Subject, Grants)>> {
    match subject {
        Some(subject) => {
            let grants = books.subject(&subject).await?.grants;
            Ok(vec![(subject, grants)])
        }
        None => books.everyone().await,
    }
}
