//! Aligned: a clock that goes by another one, far away, which several machines share.
//!
//! It adds to the clock of this machine by how much the other was ahead when it was last asked.
//! While the other cannot be asked it goes on with what it knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::{Clock, Timestamp};

/// A clock of this machine, corrected by what another clock says.
#[derive(Debug)]
pub struct Aligned {
    own: Arc<dyn Clock>,
    /// By how many milliseconds the other clock is ahead; below zero, behind.
    ahead: AtomicI64,
}

impl Aligned {
    /// Returns a clock that shows what `own` does, until it is [aligned](Aligned::align).
    #[must_use]
    pub fn by(own: Arc<dyn Clock>) -> Self {
        Self { own, ahead: AtomicI64::new(0) }
    }

    /// Returns what the clock of this machine shows.
    #[must_use]
    pub fn own(&self) -> Timestamp {
        self.own.now()
    }

    /// Returns by how many milliseconds the other clock is ahead of this machine's.
    #[must_use]
    pub fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Goes by the other clock from now on, which showed `told` between the moments `before` and
    /// `after` of this machine's; returns by how many milliseconds that moves this clock.
    ///
    /// The other is taken to have been asked half way between. The difference counts at once, so
    /// that all who share that clock agree from now on; but one that may be no more than how long
    /// the question took counts for none, so that the clock does not tremble.
    pub fn align(&self, before: Timestamp, told: Timestamp, after: Timestamp) -> i64 {
        let unsure = after.millis().saturating_sub(before.millis()).saturating_add(1) / 2;
        let between = before.millis().saturating_add(unsure);
        let ahead = told.millis().saturating_sub(between);
        let moved = ahead.saturating_sub(self.ahead());
        // A clock that was set back meanwhile has measured nothing.
        if unsure < 0 || moved.abs() <= unsure.saturating_add(1) {
            return 0;
        }
        self.ahead.store(ahead, Ordering::Relaxed);
        moved
    }
}

impl Clock for Aligned {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.own().millis().saturating_add(self.ahead()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Manual;

    fn noon() -> Timestamp {
        "2026-06-18T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn it_shows_what_the_other_clock_does() {
        let own = Arc::new(Manual::at(noon()));
        let clock = Aligned::by(own.clone());
        assert_eq!(clock.now(), noon());
        let hour = Duration::from_hours(1);
        // Asked for 100 ms, it said what it showed in the middle.
        let (before, after) = (noon(), noon().after(Duration::from_millis(100)));
        let told = noon().after(hour).after(Duration::from_millis(50));
        assert_eq!(clock.align(before, told, after), 3_600_000);
        assert_eq!(clock.now(), noon().after(hour));
        own.advance(hour);
        assert_eq!(clock.now(), noon().after(2 * hour));
        let behind = noon().before(hour);
        clock.align(noon(), behind, noon());
        own.set(noon());
        assert_eq!(clock.now(), behind);
    }

    #[test]
    fn it_does_not_tremble() {
        let clock = Aligned::by(Arc::new(Manual::at(noon())));
        let later = |millis| noon().after(Duration::from_millis(millis));
        // What took 200 ms says nothing of a difference of 90.
        assert_eq!(clock.align(noon(), later(190), later(200)), 0);
        assert_eq!(clock.now(), noon());
        assert_eq!(clock.align(noon(), later(90), noon()), 90);
        // Nor does what was measured while this machine's clock was set back.
        assert_eq!(clock.align(later(5000), noon(), noon()), 0);
    }
}
