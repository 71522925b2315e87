//! The one rule: used + held + asked ≤ limit.

use super::plan::{Plan, Reading, Readings};
use super::{Amount, Overflow};

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

/// Decides one window. No limit always fits, and so does giving back (a negative amount).
///
/// # Errors
/// [`Overflow`] if the sum does not fit in 64 bits.
pub fn judge(reading: Reading, asked: Amount, limit: Option<Amount>) -> Result<Verdict, Overflow> {
    let Some(limit) = limit else {
        return Ok(Verdict::Fits);
    };
    if asked.is_negative() {
        return Ok(Verdict::Fits);
    }
    let alone = reading.used.plus(asked)?;
    if alone.plus(reading.held)? <= limit {
        Ok(Verdict::Fits)
    } else if alone <= limit {
        Ok(Verdict::Waits)
    } else {
        Ok(Verdict::Exceeds)
    }
}

/// Decides all windows of a plan at once: as bad as the worst of them.
///
/// # Errors
/// [`Overflow`] if a sum does not fit in 64 bits, even in a window without a limit.
pub fn judge_all(plan: &Plan, readings: &Readings) -> Result<Verdict, Overflow> {
    let mut worst = Verdict::Fits;
    for (item, found) in plan.items.iter().zip(readings) {
        for (bound, reading) in item.bounds.iter().zip(found) {
            if bound.limit.is_none() {
                reading.used.plus(reading.held)?.plus(item.amount)?;
            }
            worst = worst.max(judge(*reading, item.amount, bound.limit)?);
        }
    }
    Ok(worst)
}

/// Returns what is left in a window: never below zero.
#[must_use]
pub fn remaining(reading: Reading, limit: Amount) -> Amount {
    let taken = reading.used.plus(reading.held).unwrap_or(Amount::MAX);
    limit.minus(taken).unwrap_or(Amount::ZERO).at_least_zero()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reading(used: i64, held: i64) -> Reading {
        Reading { used: Amount::new(used), held: Amount::new(held) }
    }

    fn judged(used: i64, held: i64, asked: i64, limit: i64) -> Verdict {
        judge(reading(used, held), Amount::new(asked), Some(Amount::new(limit))).unwrap()
    }

    #[test]
    fn the_exact_limit_fits_and_one_more_does_not() {
        assert_eq!(judged(7, 0, 3, 10), Verdict::Fits);
        assert_eq!(judged(7, 0, 4, 10), Verdict::Exceeds);
    }

    #[test]
    fn room_held_by_others_can_be_waited_for() {
        assert_eq!(judged(5, 3, 3, 10), Verdict::Waits);
        assert_eq!(judged(8, 1, 3, 10), Verdict::Exceeds);
    }

    #[test]
    fn nothing_fits_at_the_limit_and_a_refund_past_it() {
        assert_eq!(judged(10, 0, 0, 10), Verdict::Fits);
        assert_eq!(judged(11, 0, 0, 10), Verdict::Exceeds);
        assert_eq!(judged(11, 0, -1, 10), Verdict::Fits);
        assert_eq!(judged(0, 0, 1, 0), Verdict::Exceeds);
    }

    #[test]
    fn a_sum_past_64_bits_is_an_error() {
        let full = judge(reading(i64::MAX, 0), Amount::ONE, Some(Amount::MAX));
        assert_eq!(full, Err(Overflow));
    }

    proptest! {
        #[test]
        fn whatever_fits_stays_within_the_limit(
            limit in 0_i64..1000,
            asked in prop::collection::vec(0_i64..300, 0..40),
        ) {
            let (mut used, mut denied) = (0, Vec::new());
            for amount in asked {
                match judged(used, 0, amount, limit) {
                    Verdict::Fits => used += amount,
                    Verdict::Waits | Verdict::Exceeds => denied.push((used, amount)),
                }
                prop_assert!(used <= limit);
            }
            for (used, amount) in denied {
                prop_assert!(used + amount > limit, "{used} + {amount} was denied under {limit}");
            }
        }

        #[test]
        fn less_is_never_judged_worse(used: u32, held: u32, asked: u32, limit: u32) {
            let asked = i64::from(asked);
            let (used, held, limit) = (i64::from(used), i64::from(held), i64::from(limit));
            prop_assert!(judged(used, held, asked / 2, limit) <= judged(used, held, asked, limit));
            prop_assert!(judged(used, held / 2, asked, limit) <= judged(used, held, asked, limit));
        }

        #[test]
        fn what_remains_fits_exactly(used in 0_i64..100, held in 0_i64..100, limit in 0_i64..300) {
            let left = remaining(reading(used, held), Amount::new(limit)).get();
            if used + held <= limit {
                prop_assert_eq!(judged(used, held, left, limit), Verdict::Fits);
                prop_assert_ne!(judged(used, held, left + 1, limit), Verdict::Fits);
            } else {
                prop_assert_eq!(left, 0);
            }
        }
    }
}
