//! The one rule: used + held + asked ≤ limit.

use super::plan::{Bound, Item, Plan, Reading, Readings};
use super::strictness::{Admit, Mode};
use super::{Aggregate, Amount, Overflow};
use crate::clock::Timestamp;

/// What the rule says of one window, or of all windows of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is room.
    Fits,
    /// There would be room if the open reservations of others were given back.
    Waits,
    /// There is no room, whatever becomes of the reservations.
    Exceeds,
}

/// What is known when one window is judged.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is asked.
    pub item: &'a Item,
    /// It is added to something that was admitted before.
    pub growing: bool,
    /// The window.
    pub bound: &'a Bound,
    /// What was found in it.
    pub reading: Reading,
    /// The present moment.
    pub now: Timestamp,
}

impl Case<'_> {
    /// Decides by mode, ceiling and grace of the window.
    ///
    /// # Errors
    /// [`Overflow`] if the sum does not fit in 64 bits.
    pub fn judge(&self) -> Result<Verdict, Overflow> {
        let Some(limit) = self.bound.limit else {
            return Ok(Verdict::Fits);
        };
        let strict = self.against(limit)?;
        let strictness = &self.bound.strictness;
        match strictness.mode {
            Mode::Hard => Ok(strict),
            Mode::Observe => Ok(Verdict::Fits),
            Mode::Soft if strict == Verdict::Fits || self.grace_is_over() => Ok(strict),
            Mode::Soft => match strictness.ceiling {
                Some(ceiling) => self.against(ceiling),
                None => Ok(Verdict::Fits),
            },
        }
    }

    /// Returns true if the limit does not hold what is asked, whatever the mode.
    ///
    /// # Errors
    /// [`Overflow`] if the sum does not fit in 64 bits.
    pub fn passes_limit(&self) -> Result<bool, Overflow> {
        let limit = self.bound.limit.map(|limit| self.against(limit)).transpose()?;
        Ok(limit.is_some_and(|verdict| verdict != Verdict::Fits))
    }

    /// Returns from when on a soft limit that was passed denies; none if it has no grace, or
    /// was not passed.
    #[must_use]
    pub fn grace_ends(&self) -> Option<Timestamp> {
        let grace = self.bound.strictness.grace.zip(self.reading.over_since);
        grace.map(|(grace, since)| since.after(grace))
    }

    fn grace_is_over(&self) -> bool {
        self.grace_ends().is_some_and(|end| end <= self.now)
    }

    /// Returns by how much limit and ceiling would have to be higher for what is asked to fit;
    /// zero if it does.
    ///
    /// # Errors
    /// [`Overflow`] if that does not fit in 64 bits.
    pub fn lacks(&self) -> Result<Amount, Overflow> {
        if self.judge()? == Verdict::Fits {
            return Ok(Amount::ZERO);
        }
        let strictness = &self.bound.strictness;
        let ceiling = strictness.ceiling.filter(|_| !self.grace_is_over());
        let (Some(end), Some(needed)) = (ceiling.or(self.bound.limit), self.needed()?) else {
            return Ok(Amount::ZERO);
        };
        let taken = self.reading.used.plus(self.held())?;
        Ok(taken.plus(needed)?.minus(end)?.at_least_zero())
    }

    /// Decides what is asked against `limit`.
    fn against(&self, limit: Amount) -> Result<Verdict, Overflow> {
        let Some(asked) = self.needed()? else {
            return Ok(Verdict::Fits);
        };
        let alone = self.reading.used.plus(asked)?;
        if alone.plus(self.held())? <= limit {
            Ok(Verdict::Fits)
        } else if alone <= limit {
            Ok(Verdict::Waits)
        } else {
            Ok(Verdict::Exceeds)
        }
    }

    /// Returns how much must fit; none if anything does: giving back (a negative amount), and
    /// going on with what was admitted by its beginning alone.
    fn needed(&self) -> Result<Option<Amount>, Overflow> {
        let trailing = self.bound.strictness.admit == Admit::Trailing;
        let asked = self.asked()?;
        if asked.is_negative() || (trailing && self.growing) {
            return Ok(None);
        }
        Ok(Some(if trailing { asked.min(Amount::ONE) } else { asked }))
    }

    /// Returns by how much the count would rise.
    ///
    /// # Errors
    /// [`Overflow`] if that does not fit in 64 bits.
    pub fn asked(&self) -> Result<Amount, Overflow> {
        let amount = self.item.amount;
        match self.item.aggregate {
            Aggregate::Sum => Ok(amount),
            Aggregate::Max => amount.minus(self.reading.used).map(Amount::at_least_zero),
            Aggregate::Last => amount.minus(self.reading.used),
            Aggregate::Unique if self.reading.known => Ok(Amount::ZERO),
            Aggregate::Unique => Ok(amount.min(Amount::ONE)),
        }
    }

    /// Returns how much reservations take away: of what does not add up, nothing.
    fn held(&self) -> Amount {
        match self.item.aggregate {
            Aggregate::Sum | Aggregate::Unique => self.reading.held,
            Aggregate::Max | Aggregate::Last => Amount::ZERO,
        }
    }
}

/// Decides all windows of a plan at once: as bad as the worst of them.
///
/// # Errors
/// [`Overflow`] if a sum does not fit in 64 bits, even in a window without a limit.
pub fn judge_all(plan: &Plan, readings: &Readings, now: Timestamp) -> Result<Verdict, Overflow> {
    let mut worst = Verdict::Fits;
    for case in cases(plan, readings, now) {
        let (used, held) = (case.reading.used, case.held());
        used.plus(held)?.plus(case.asked()?)?;
        worst = worst.max(case.judge()?);
    }
    Ok(worst)
}

/// Returns every window of `plan` with what was found in it; not the pools of a group where the
/// subject is in none.
pub fn cases<'a>(
    plan: &'a Plan,
    readings: &'a Readings,
    now: Timestamp,
) -> impl Iterator<Item = Case<'a>> {
    let growing = plan.growing;
    plan.items.iter().zip(readings).flat_map(move |(item, found)| {
        let pairs = item.bounds.iter().zip(found);
        let pairs = pairs.filter(|(bound, _)| plan.account(bound.per).is_some());
        pairs.map(move |(bound, reading)| Case { item, growing, bound, reading: *reading, now })
    })
}

/// Returns what is left in a window: never below zero.
#[must_use]
pub fn remaining(reading: Reading, limit: Amount) -> Amount {
    let taken = reading.used.plus(reading.held).unwrap_or(Amount::MAX);
    limit.minus(taken).unwrap_or(Amount::ZERO).at_least_zero()
}

#[cfg(test)]
mod tests;
