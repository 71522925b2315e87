//! Denials: which windows had no room, as they are counted.

use super::Proxy;
use super::action::{Action, Kind};
use crate::engine::{Decision, Reason};
use crate::quota::Period;
use crate::quota::strictness::Mode;
use crate::telemetry::Access;
use crate::telemetry::labels::{Outcome, Span, Strictness};
use crate::telemetry::metrics::Uploads;

impl Proxy {
    /// Counts a request of so many bytes of which none went up, for want of room.
    pub(super) fn count_refused(
        &self,
        action: &Action,
        decision: &Decision,
        bytes: u64,
        access: Option<&Access>,
    ) {
        ended(&self.metrics().uploads, action, Outcome::Refused, bytes);
        if let Some(access) = access {
            access.metered(Outcome::Refused);
        }
        self.count_no(action, decision, bytes);
    }

    /// Counts a no: the windows that said it, and when.
    pub(super) fn count_no(&self, action: &Action, decision: &Decision, bytes: u64) {
        count(action, decision, &self.metrics().uploads);
        if action.kind() == Kind::Upload {
            let now = self.engine().now().millis().div_euclid(1000);
            self.metrics().refusals.refused(now, bytes);
        }
    }
}

/// Counts what became of something that was metered.
pub(super) fn ended(uploads: &Uploads, action: &Action, outcome: Outcome, bytes: u64) {
    match action.kind() {
        Kind::Upload => uploads.ended(outcome, bytes),
        Kind::Download | Kind::Other => uploads.ended_as(action.capability(), outcome, bytes),
    }
}

/// Counts every window that denies, or would; returns true if there is one.
pub(super) fn count(action: &Action, decision: &Decision, uploads: &Uploads) -> bool {
    let (capability, mut any) = (action.capability(), false);
    if decision.reason == Reason::TooLarge {
        uploads.denied(capability, Span::File, Strictness::Hard);
        any = true;
    }
    let windows = decision.items.iter().flat_map(|item| &item.windows);
    for window in windows.filter(|window| window.would_deny) {
        uploads.denied(capability, span(window.period), strictness(window.mode));
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
