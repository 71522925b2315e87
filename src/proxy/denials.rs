//! Denials: which windows had no room, as they are counted.

use super::Proxy;
use crate::engine::{Decision, Reason};
use crate::quota::Period;
use crate::quota::strictness::Mode;
use crate::telemetry::Access;
use crate::telemetry::labels::{Outcome, Span, Strictness};
use crate::telemetry::metrics::Uploads;

impl Proxy {
    /// Counts an upload of so many bytes of which none went up, for want of room.
    pub(super) fn count_refused(&self, decision: &Decision, bytes: u64, access: Option<&Access>) {
        self.metrics().uploads.ended(Outcome::Refused, bytes);
        if let Some(access) = access {
            access.metered(Outcome::Refused);
        }
        self.count_no(decision, bytes);
    }

    /// Counts a no: the windows that said it, and when.
    pub(super) fn count_no(&self, decision: &Decision, bytes: u64) {
        count(decision, &self.metrics().uploads);
        let now = self.engine().now().millis().div_euclid(1000);
        self.metrics().refusals.refused(now, bytes);
    }
}

/// Counts every window that denies, or would; returns true if there is one.
pub(super) fn count(decision: &Decision, uploads: &Uploads) -> bool {
    let mut any = false;
    if decision.reason == Reason::TooLarge {
        uploads.denied(Span::File, Strictness::Hard);
        any = true;
    }
    let windows = decision.items.iter().flat_map(|item| &item.windows);
    for window in windows.filter(|window| window.would_deny) {
        uploads.denied(span(window.period), strictness(window.mode));
        any = true;
    }
    any
}

const fn span(period: Period) -> Span {
    match period {
        Period::Minute => Span::Minute,
        Period::Hour => Span::Hour,
        Period::Day => Span::Day,
        Period::Week => Span::Week,
        Period::Month | Period::MonthFrom(_) => Span::Month,
        Period::Quarter => Span::Quarter,
        Period::Year | Period::YearFrom { .. } => Span::Year,
        Period::Never => Span::Never,
        Period::Days { .. } => Span::Days,
        Period::Rolling(_) => Span::Rolling,
    }
}

const fn strictness(mode: Mode) -> Strictness {
    match mode {
        Mode::Hard => Strictness::Hard,
        Mode::Soft => Strictness::Soft,
        Mode::Observe => Strictness::Observe,
    }
}
