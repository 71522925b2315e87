//! Notice: what a charge did to a window that someone wants to be told of, each once per window.

use serde::{Deserialize, Serialize};

use super::plan::Bound;
use super::strictness::Mode;
use super::{Amount, Per, Period, Resource, Subject};
use crate::clock::Timestamp;

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A percentage of the limit was reached.
    Warn,
    /// The limit was passed.
    Over,
    /// What had reached its limit is below it again.
    Recovered,
    /// A charge went past a soft limit; every one is told.
    ChargeOver,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 4] = [Self::Warn, Self::Over, Self::Recovered, Self::ChargeOver];

    /// Returns the word for it, as the configuration writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Over => "over",
            Self::Recovered => "recovered",
            Self::ChargeOver => "charge_over",
        }
    }

    /// Returns the topic whose word is `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}

/// One crossing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Of what kind.
    pub topic: Topic,
    /// Of a warning: at which percentage of the limit.
    pub percentage: Option<u16>,
    /// Of a charge past a soft limit: the part of it that is past.
    pub part: Option<Amount>,
}

impl Crossing {
    /// Returns the name under which it is remembered that it was told of a window; none if it is
    /// told each time.
    #[must_use]
    pub fn mark(&self) -> Option<String> {
        match (self.topic, self.percentage) {
            (Topic::ChargeOver, _) => None,
            (topic, None) => Some(topic.name().to_owned()),
            (topic, Some(percentage)) => Some(format!("{} {percentage}", topic.name())),
        }
    }
}

/// Returns what became of `bound` when its count went from `before` to `after`.
#[must_use]
pub fn crossings(bound: &Bound, before: Amount, after: Amount) -> Vec<Crossing> {
    let Some(limit) = bound.limit else {
        return Vec::new();
    };
    if before == after {
        return Vec::new();
    }
    let plain = |topic| Crossing { topic, percentage: None, part: None };
    let mut all = Vec::new();
    let reached = |percentage: u16, used: Amount| {
        i128::from(used.get()) * 100 >= i128::from(limit.get()) * i128::from(percentage)
    };
    if limit > Amount::ZERO {
        let warned = bound.strictness.warnings.percentages();
        let now_reached = warned.filter(|it| reached(*it, after) && !reached(*it, before));
        all.extend(
            now_reached
                .map(|percentage| Crossing { percentage: Some(percentage), ..plain(Topic::Warn) }),
        );
    }
    if before <= limit && limit < after {
        all.push(plain(Topic::Over));
    }
    if limit > Amount::ZERO && before >= limit && after < limit {
        all.push(plain(Topic::Recovered));
    }
    if bound.strictness.mode == Mode::Soft
        && let Ok(part) = after.minus(before.max(limit))
        && part > Amount::ZERO
    {
        all.push(Crossing { part: Some(part), ..plain(Topic::ChargeOver) });
    }
    all
}

/// What is told, as it waits in the outbox of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its place in the outbox, from 1; the same however often it is told.
    pub id: u64,
    /// Of what kind it is.
    pub topic: Topic,
    /// Whose charge it was.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// Who shares the window.
    pub per: Per,
    /// The group, where a group shares it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<String>,
    /// Per which period.
    pub period: Period,
    /// The key of the bucket.
    pub bucket: String,
    /// How strict the window is.
    pub mode: Mode,
    /// Its limit.
    pub limit: Amount,
    /// What is used of it now.
    pub used: Amount,
    /// Of a warning: at which percentage of the limit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub percentage: Option<u16>,
    /// Of a charge past a soft limit: the part of it that is past.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<Amount>,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Bucket;

    fn soft(limit: i64) -> Bound {
        let mut bound = Bound::counting(Period::Never, Bucket::all());
        bound.limit = Some(Amount::new(limit));
        bound.strictness.mode = Mode::Soft;
        bound
    }

    fn told(bound: &Bound, before: i64, after: i64) -> Vec<String> {
        let all = crossings(bound, Amount::new(before), Amount::new(after));
        let words = |it: &Crossing| {
            it.mark().unwrap_or_else(|| format!("past by {}", it.part.unwrap_or_default()))
        };
        all.iter().map(words).collect()
    }

    #[test]
    fn a_threshold_is_crossed_where_it_is_reached() {
        let bound = soft(100);
        assert!(told(&bound, 0, 79).is_empty());
        assert_eq!(told(&bound, 79, 80), ["warn 80"]);
        assert!(told(&bound, 80, 99).is_empty());
        assert_eq!(told(&bound, 10, 100), ["warn 80", "warn 100"]);
        assert_eq!(told(&bound, 100, 103), ["over", "past by 3"]);
        assert_eq!(told(&bound, 103, 104), ["past by 1"]);
        assert_eq!(told(&bound, 104, 99), ["recovered"]);
        assert!(told(&bound, 99, 10).is_empty());
    }

    #[test]
    fn what_is_not_limited_is_not_told() {
        let mut bound = soft(100);
        bound.limit = None;
        assert!(told(&bound, 0, 1000).is_empty());
        assert_eq!(told(&soft(0), 0, 5), ["over", "past by 5"]);
        let mut hard = soft(10);
        hard.strictness = Strictness::default();
        assert_eq!(told(&hard, 10, 20), ["over"]);
    }

    use crate::quota::Strictness;
}
