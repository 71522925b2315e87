//! Reservations by their id: for those who have nothing else in hand, perhaps in another process.

use std::time::Duration;

use serde::Serialize;

use super::settle::unknown;
use super::{Ask, Decision, Engine, EngineError, Hold};
use crate::clock::{Timestamp, exact};
use crate::quota::capability::UPLOAD;
use crate::quota::held::{Held, HoldId, Life, State};
use crate::quota::{Amount, Policy, Resource, Subject};

/// How many open reservations are looked through at most.
const MOST: usize = 100_000;

/// A reservation, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Reservation {
    /// Its id.
    pub id: HoldId,
    /// Whose room.
    pub subject: Subject,
    /// The group whose pools it draws on, too.
    pub group: Option<String>,
    /// The moment that says in which buckets it counts.
    #[serde(with = "exact")]
    pub at: Timestamp,
    /// The moment it lapses; none if it lives as long as a process does.
    #[serde(serialize_with = "exact::optional")]
    pub until: Option<Timestamp>,
    /// `open`, `lapsed`, `released`, `settled` or `refunded`.
    pub state: &'static str,
    /// The room on each resource; once settled, what was charged.
    pub items: Vec<ReservedItem>,
}

/// Room on one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ReservedItem {
    /// Of what.
    pub resource: Resource,
    /// How much.
    pub amount: Amount,
}

impl Reservation {
    fn of(held: &Held, now: Timestamp) -> Self {
        let until = match held.life {
            Life::Until(end) => Some(end),
            Life::While(_) => None,
        };
        // One whose time is over may not have been written down as such yet.
        let over = held.state == State::Open && until.is_some_and(|end| end <= now);
        let state = if over { State::Lapsed } else { held.state };
        let items = held.items.iter().map(|item| {
            let (resource, amount) = (item.resource.clone(), item.amount);
            ReservedItem { resource, amount }
        });
        Self {
            id: held.id,
            subject: held.subject.clone(),
            group: held.group.as_deref().map(str::to_owned),
            at: held.at,
            until,
            state: state.name(),
            items: items.collect(),
        }
    }
}

impl Engine {
    /// Returns the reservation `id`, open or not.
    ///
    /// # Errors
    /// Not found; unavailable if the store is.
    pub async fn reservation(&self, id: HoldId) -> Result<Reservation, EngineError> {
        let held = self.0.store.held(id).await?.ok_or_else(unknown)?;
        Ok(Reservation::of(&held, self.now()))
    }

    /// Returns open reservations, of everyone or of `subject`, oldest first; only those behind
    /// `behind`, `most` of them.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn open_reservations(
        &self,
        subject: Option<&Subject>,
        behind: Option<(Timestamp, HoldId)>,
        most: usize,
    ) -> Result<Vec<Reservation>, EngineError> {
        let now = self.now();
        let mut looked = most.saturating_add(1);
        loop {
            let open = self.0.store.open(now, looked).await?;
            let all = open.len() < looked || looked >= MOST;
            let wanted = open.iter().filter(|held| {
                behind.is_none_or(|behind| (held.at, held.id) > behind)
                    && subject.is_none_or(|subject| held.subject == *subject)
            });
            let found: Vec<_> = wanted.take(most).map(|held| Reservation::of(held, now)).collect();
            if all || found.len() == most {
                return Ok(found);
            }
            looked = looked.saturating_mul(4).min(MOST);
        }
    }

    /// Asks for `more` room for the reservation `id`; none if it is no longer open.
    ///
    /// # Errors
    /// Bad input for less than nothing; not found; unavailable if the store is.
    pub async fn grow_reservation(
        &self,
        id: HoldId,
        more: Amount,
    ) -> Result<Option<Decision>, EngineError> {
        if more.is_negative() {
            let text = "a reservation does not shrink: settle it with what was used".to_owned();
            return Err(EngineError::BadInput(text));
        }
        let held = self.0.store.held(id).await?.ok_or_else(unknown)?;
        let ask = asked(&held, &self.refresh().await?.policy);
        let hold = Hold::new(self.clone(), id, held.subject, ask, held.at).kept();
        let total = hold.room().plus(more)?;
        self.grow_if_open(&hold, more, total).await
    }

    /// Makes the reservation `id` live for `span` from now; false if it is no longer open.
    ///
    /// # Errors
    /// Not found; unavailable if the store is.
    pub async fn extend_reservation(
        &self,
        id: HoldId,
        span: Duration,
    ) -> Result<bool, EngineError> {
        let now = self.now();
        if self.0.store.extend(id, now.after(span), now).await? {
            return Ok(true);
        }
        self.0.store.held(id).await?.ok_or_else(unknown)?;
        Ok(false)
    }
}

/// Returns what a reservation was asked for, as far as that is remembered: what holds just what an
/// upload draws on is one, and has the size of one.
fn asked(held: &Held, policy: &Policy) -> Ask {
    let items = held.items.iter().filter(|item| item.metered);
    let items: Vec<_> = items.map(|item| (item.resource.clone(), item.amount)).collect();
    let upload = policy.capability(UPLOAD).is_ok_and(|upload| {
        let drawn = upload.resources();
        drawn.len() == held.items.len()
            && held.items.iter().all(|item| drawn.contains(&item.resource))
    });
    match items.iter().map(|(_, amount)| *amount).max() {
        Some(room) if upload => Ask::upload(room),
        _ => Ask::Items(items),
    }
}
