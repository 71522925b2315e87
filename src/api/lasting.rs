//! Lasting: a span of time as callers write it: `"60s"`, or seconds.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::quota::duration;

/// How long something is to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lasting(pub(super) Duration);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Spans)
    }
}

struct Spans;

impl Visitor<'_> for Spans {
    type Value = Lasting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration, like 60 or \"60s\"")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Lasting, E> {
        // One rule for how long is too long, however it is written.
        self.visit_str(&format!("{seconds}s"))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Lasting, E> {
        let seconds = u64::try_from(seconds);
        seconds.map_or_else(
            |_| Err(E::custom("a duration is not below zero")),
            |it| self.visit_u64(it),
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Lasting, E> {
        duration(text).map(Lasting).map_err(E::custom)
    }
}
