//! Figures, limits and moments in the words of people.

use super::answer::complain;
use crate::clock::Timestamp;
use crate::engine::{Engine, EngineError, WindowDecision};
use crate::quota::grant::Grant;
use crate::quota::{Amount, Measure, Policy, Resource, Zone, nearest};

/// How figures are told: in which time zone.
#[derive(Clone, Debug)]
pub(super) struct Words(Zone);

impl Words {
    /// Returns the words of those who live by the policy in the store.
    pub(super) async fn of(engine: &Engine) -> Result<Self, EngineError> {
        Ok(Self::under(&engine.policy().await?))
    }

    /// Returns the words of those who live by `policy`.
    pub(super) fn under(policy: &Policy) -> Self {
        let zone = policy.file.timezone.as_ref();
        let zone = zone.or(policy.store.timezone.as_ref());
        Self(zone.cloned().unwrap_or_default())
    }

    /// Returns `moment` as it is written where the policy lives.
    pub(super) fn moment(&self, moment: Timestamp) -> String {
        self.0.tell(moment)
    }

    /// Returns when a count starts anew: `1 December 2026 00:00 UTC`, or `never`.
    pub(super) fn reset(&self, resets_at: Option<Timestamp>) -> String {
        resets_at.map_or_else(|| "never".to_owned(), |moment| self.moment(moment))
    }

    /// Returns how long something holds, as a cell: a moment, or nothing.
    pub(super) fn until(&self, until: Option<Timestamp>) -> String {
        until.map(|end| self.moment(end)).unwrap_or_default()
    }

    /// Returns the same within a sentence: ` until 1 December 2026 00:00 UTC`, or nothing.
    pub(super) fn until_clause(&self, until: Option<Timestamp>) -> String {
        until.map_or_else(String::new, |end| format!(" until {}", self.moment(end)))
    }

    /// Returns what is granted and for how long.
    pub(super) fn grant<T>(&self, what: &str, grant: &Grant<T>, now: Timestamp) -> String {
        let ended = if grant.live(now).is_none() { " (ended)" } else { "" };
        format!("{what}{}{ended}", self.until_clause(grant.until))
    }

    /// Returns the count of a window: `300 MB of 1 GB used this month, 700 MB left, resets …`.
    pub(super) fn window(&self, measure: &Measure, window: &WindowDecision) -> String {
        let WindowDecision { period, limit, used, reserved, remaining, resets_at, .. } = window;
        let mut said = amount(measure, *used);
        if let Some(limit) = limit {
            said = format!("{said} of {}", amount(measure, *limit));
        }
        said = format!("{said} used {}", period.when());
        if *reserved != Amount::ZERO {
            said = format!("{said}, {} reserved", amount(measure, *reserved));
        }
        if let Some(remaining) = remaining {
            said = format!("{said}, {} left", amount(measure, *remaining));
        }
        match resets_at {
            Some(moment) if limit.is_some() => format!("{said}, resets {}", self.moment(*moment)),
            _ => said,
        }
    }
}

/// Returns `amount` as people write it, with the exact number where that says less.
pub(super) fn amount(measure: &Measure, amount: Amount) -> String {
    let human = measure.human(amount);
    if measure.parse(&human) == Ok(amount) { human } else { format!("{human} ({amount})") }
}

/// Returns an amount that may be missing, as a cell.
pub(super) fn amount_or(measure: &Measure, amount: Option<Amount>, otherwise: &str) -> String {
    amount.map_or_else(|| otherwise.to_owned(), |amount| self::amount(measure, amount))
}

/// Warns of resources that are declared only now, and look like a slip for one that is.
pub(super) async fn warn_of_new_names(
    engine: &Engine,
    named: impl IntoIterator<Item = &Resource>,
) -> Result<(), EngineError> {
    let known = engine.resources().await?;
    for new in named.into_iter().filter(|name| !known.contains(name)) {
        let hint = nearest(new.as_str(), known.iter().map(Resource::as_str));
        if !hint.is_empty() {
            complain("warning", &format!("{new} is a new resource{hint}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounded_figure_is_followed_by_the_exact_one() {
        let told = |units| amount(&Measure::BYTES, Amount::new(units));
        assert_eq!(told(498_000_000), "498 MB");
        assert_eq!(told(1_999_999), "1.99 MB (1999999)");
        assert_eq!(amount(&Measure::COUNT, Amount::new(1_999_999)), "1999999");
    }
}
