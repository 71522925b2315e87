//! What `/metrics` tells, as a test reads it.

use std::collections::BTreeMap;

use super::{Answer, eventually};

/// Every series and its value, as written: `name{label="word"}`.
#[derive(Clone, Debug)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        let series = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        Self(series.collect())
    }

    /// Returns the value of a series; one that is not there yet is zero.
    pub(crate) fn of_series(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    pub(crate) fn has(&self, series: &str) -> bool {
        self.0.contains_key(series)
    }
}

/// Waits until these series have grown by so much since `before`; asserts that they did not grow
/// by more.
#[track_caller]
pub(crate) fn grow(before: &Figures, now: impl Fn() -> Figures, expected: &[(&str, f64)]) {
    for (series, by) in expected {
        let grown = || now().of_series(series) - before.of_series(series);
        eventually(&format!("{series} grows by {by}"), || grown() >= *by - 1e-9);
        assert!((grown() - by).abs() < 1e-9, "{series} grew by {}", grown());
    }
}
