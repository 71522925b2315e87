//! Room for a body of unknown length: asked for in steps, waited for where waiting can help.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::action::Action;
use crate::engine::{Decision, Engine, EngineError, Hold, Reserved};
use crate::quota::{Amount, Subject};

/// The smallest step.
pub(super) const STEP_MIN: i64 = 64 * 1024;
/// The largest step.
const STEP_MAX: i64 = 4 * 1024 * 1024;
/// For how long others' reservations are waited for, in milliseconds. Chance decides where in
/// this span somebody gives way, so that those who wait for each other do not all give way.
const PATIENCE_MS: std::ops::Range<u64> = 500..2000;
/// How long until it is tried again, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 10..40;

/// Reserves the first step for a body of unknown length; if that does not fit, the least.
pub(super) async fn first(
    engine: &Engine,
    subject: &Subject,
    action: &Action,
) -> Result<Reserved, EngineError> {
    let step = engine.reserve(subject, &action.ask(Some(Amount::new(STEP_MIN)))).await?;
    if step.decision.allowed {
        return Ok(step);
    }
    let deadline = patience();
    loop {
        let least = engine.reserve(subject, &action.ask(Some(Amount::ONE))).await?;
        if least.decision.allowed || !least.decision.may_fit_later() || Instant::now() >= deadline {
            return Ok(least);
        }
        pause().await;
    }
}

/// Makes room for `counted` bytes in all, a step ahead if that fits; returns the last answer.
pub(super) async fn up_to(hold: &mut Hold, counted: Amount) -> Result<Decision, EngineError> {
    let needed = counted.minus(hold.room())?;
    let step = Amount::new((counted.get() / 8).clamp(STEP_MIN, STEP_MAX));
    if step > needed {
        let decision = hold.grow(step).await?;
        if decision.allowed {
            return Ok(decision);
        }
    }
    let deadline = patience();
    loop {
        let decision = hold.grow(needed).await?;
        if decision.allowed || !decision.may_fit_later() || Instant::now() >= deadline {
            return Ok(decision);
        }
        pause().await;
    }
}

fn patience() -> Instant {
    Instant::now() + Duration::from_millis(fastrand::u64(PATIENCE_MS))
}

async fn pause() {
    sleep(Duration::from_millis(fastrand::u64(PAUSE_MS))).await;
}
