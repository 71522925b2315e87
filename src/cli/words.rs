//! Figures, limits and moments in the words of people.

use super::answer::complain;
use crate::clock::Timestamp;
use crate::engine::WindowDecision;
use crate::quota::grant::Grant;
use crate::quota::strictness::Mode;
use crate::quota::{
    Aggregate, Amount, Measure, Per, Period, Policy, Resource, Unit, Zone, nearest,
};

/// How figures are told: in which time zone, and in which units.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    zone: Zone,
    policy: &'a Policy,
}

impl<'a> Words<'a> {
    /// Returns the words of those who live by `policy`.
    pub(super) fn under(policy: &'a Policy) -> Self {
        Self { zone: policy.zone(), policy }
    }

    /// Returns the same words for those whose days begin in `zone`.
    pub(super) fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// Returns how `resource` is counted.
    pub(super) fn measure(&self, resource: &Resource) -> Measure {
        self.policy.measure(resource)
    }

    /// Returns `moment` as it is written where the policy lives.
    pub(super) fn moment(&self, moment: Timestamp) -> String {
        self.zone.tell(moment)
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
        let WindowDecision { period, per, limit, used, reserved, remaining, .. } = window;
        let mut said = amount(measure, *used);
        if let Some(limit) = limit {
            said = format!("{said} of {}", amount(measure, *limit));
        }
        let by = match per {
            Per::Subject => "",
            Per::Group => " by the whole group",
            Per::Server => " by everyone together",
        };
        said = format!("{said} used {}{by}", period.when());
        if *reserved != Amount::ZERO {
            said = format!("{said}, {} reserved", amount(measure, *reserved));
        }
        if let Some(past) = past_limit(window) {
            said = format!("{said}, {} over", amount(measure, past));
        } else if let Some(remaining) = remaining {
            said = format!("{said}, {} left", amount(measure, *remaining));
        }
        said.push_str(&self.mode(measure, window));
        match (window.resets_at, period) {
            (Some(moment), Period::Rolling(_)) if limit.is_some() => {
                format!("{said}, the first of it is free again {}", self.moment(moment))
            }
            (Some(moment), _) if limit.is_some() => {
                format!("{said}, resets {}", self.moment(moment))
            }
            _ => said,
        }
    }

    /// Returns what a limit does that does not simply deny: `, soft until 600 MB`.
    fn mode(&self, measure: &Measure, window: &WindowDecision) -> String {
        match (window.mode, window.ceiling, window.grace_ends) {
            (Mode::Hard, ..) => String::new(),
            (Mode::Observe, ..) => ", only observed".to_owned(),
            (Mode::Soft, None, None) => ", soft".to_owned(),
            (Mode::Soft, Some(ceiling), None) => {
                format!(", soft up to {}", amount(measure, ceiling))
            }
            (Mode::Soft, None, Some(end)) => format!(", soft until {}", self.moment(end)),
            (Mode::Soft, Some(ceiling), Some(end)) => {
                let ceiling = amount(measure, ceiling);
                format!(", soft up to {ceiling} and until {}", self.moment(end))
            }
        }
    }
}

/// Returns how much was used past the limit of a window.
pub(super) fn past_limit(window: &WindowDecision) -> Option<Amount> {
    let past = window.limit.and_then(|limit| window.used.minus(limit).ok());
    past.filter(|past| *past > Amount::ZERO)
}

/// Returns where a limit comes from, behind a sentence: ` (limits of group free)`.
pub(super) fn source(source: &str) -> String {
    match source.split_once(' ') {
        Some(("group", name)) => format!(" (limits of group {name})"),
        Some(("rule", name)) => format!(" (limits of group {name}, by a rule)"),
        Some(("default", name)) => format!(" (limits of group {name}, the default)"),
        Some(("pool", name)) => format!(" (shared by group {name})"),
        _ => match source {
            "exempt" => " (exempt from every limit)".to_owned(),
            "override" => " (limits of an override)".to_owned(),
            "call" => " (the limit of this call)".to_owned(),
            "server" => " (shared by the whole server)".to_owned(),
            _ => String::new(),
        },
    }
}

/// Returns `amount` as people write it, with the exact number where that says less.
pub(super) fn amount(measure: &Measure, amount: Amount) -> String {
    let human = measure.human(amount);
    if measure.parse(&human) == Ok(amount) { human } else { format!("{human} ({amount})") }
}

/// Returns how something is counted: `a sum in points with 2 decimals`.
pub(super) fn measured(measure: &Measure) -> String {
    let what = match measure.aggregate {
        Aggregate::Sum => "a sum",
        Aggregate::Max => "the highest amount",
        Aggregate::Last => "the last amount",
        Aggregate::Unique => "the number of different members",
    };
    let unit = match &measure.unit {
        Unit::Count => String::new(),
        unit => format!(" in {unit}"),
    };
    let decimals = match measure.decimals {
        0 => String::new(),
        1 => " with 1 decimal".to_owned(),
        several => format!(" with {several} decimals"),
    };
    format!("{what}{unit}{decimals}")
}

/// Returns an amount that may be missing, as a cell.
pub(super) fn amount_or(measure: &Measure, amount: Option<Amount>, otherwise: &str) -> String {
    amount.map_or_else(|| otherwise.to_owned(), |amount| self::amount(measure, amount))
}

/// Warns of resources that are declared only now, and look like a slip for one that is.
pub(super) fn warn_of_new_names<'a>(
    policy: &Policy,
    named: impl IntoIterator<Item = &'a Resource>,
) {
    let known = policy.resources();
    for new in named.into_iter().filter(|name| !known.contains(name)) {
        let hint = nearest(new.as_str(), known.iter().map(|name| name.as_str()));
        if !hint.is_empty() {
            complain("warning", &format!("{new} is a new resource{hint}"));
        }
    }
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
