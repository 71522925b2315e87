//! Family: a handle for each value of a label, made beforehand, so that counting looks nothing up.

use std::marker::PhantomData;

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use crate::telemetry::labels::Label;
use crate::telemetry::names::Figure;

/// What may go wrong only if two figures have one name.
pub(super) type Made<T> = Result<T, prometheus::Error>;

/// One handle for each value of `L`.
#[derive(Clone, Debug)]
pub(super) struct By<L, T> {
    handles: Box<[T]>,
    label: PhantomData<L>,
}

impl<L: Label, T> By<L, T> {
    pub(super) fn each(make: impl FnMut(L) -> Made<T>) -> Made<Self> {
        let handles = L::ALL.iter().copied().map(make).collect::<Made<_>>()?;
        Ok(Self { handles, label: PhantomData })
    }

    /// Returns the handle of `label`.
    pub(super) fn of(&self, label: L) -> &T {
        // Every value is in the list, and the list is short.
        let index = L::ALL.iter().position(|it| *it == label).unwrap_or_default();
        &self.handles[index]
    }
}

/// Where figures are made and told.
pub(super) struct Maker<'a>(pub(super) &'a Registry);

impl Maker<'_> {
    fn register<C: Collector + Clone + 'static>(&self, figure: C) -> Made<C> {
        self.0.register(Box::new(figure.clone()))?;
        Ok(figure)
    }

    pub(super) fn counter(&self, figure: Figure) -> Made<IntCounter> {
        self.register(IntCounter::with_opts(opts(figure))?)
    }

    pub(super) fn counters(&self, figure: Figure) -> Made<IntCounterVec> {
        self.register(IntCounterVec::new(opts(figure), figure.labels)?)
    }

    pub(super) fn counters_by<L: Label>(&self, figure: Figure) -> Made<By<L, IntCounter>> {
        let family = self.counters(figure)?;
        By::each(|label: L| family.get_metric_with_label_values(&[label.word()]))
    }

    pub(super) fn gauge(&self, figure: Figure) -> Made<IntGauge> {
        self.register(IntGauge::with_opts(opts(figure))?)
    }

    /// Returns a gauge that tells fractions.
    pub(super) fn fine_gauge(&self, figure: Figure) -> Made<Gauge> {
        self.register(Gauge::with_opts(opts(figure))?)
    }

    pub(super) fn gauges(&self, figure: Figure) -> Made<IntGaugeVec> {
        self.register(IntGaugeVec::new(opts(figure), figure.labels)?)
    }

    pub(super) fn times(&self, figure: Figure, buckets: &[f64]) -> Made<Histogram> {
        self.register(Histogram::with_opts(timed(figure, buckets))?)
    }

    pub(super) fn times_of_many(&self, figure: Figure, buckets: &[f64]) -> Made<HistogramVec> {
        self.register(HistogramVec::new(timed(figure, buckets), figure.labels)?)
    }

    pub(super) fn times_by<L: Label>(
        &self,
        figure: Figure,
        buckets: &[f64],
    ) -> Made<By<L, Histogram>> {
        let family = self.times_of_many(figure, buckets)?;
        By::each(|label: L| family.get_metric_with_label_values(&[label.word()]))
    }
}

fn opts(figure: Figure) -> Opts {
    Opts::new(figure.name, figure.help)
}

fn timed(figure: Figure, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts::new(figure.name, figure.help).buckets(buckets.to_vec())
}
