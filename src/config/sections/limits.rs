//! `[limits]`: what a client may cost.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::section::Section;
use crate::config::tree::{Node, Value};
use crate::config::value::{bytes, duration, number, wait};
use crate::proxy::Limits;
use crate::quota::Invalid;

/// The smallest head that must fit, and the largest that is kept in memory, in bytes.
const HEAD: RangeInclusive<i64> = 8 * 1024..=1024 * 1024;

/// How many requests at the same time over one HTTP/2 connection may be allowed.
const STREAMS: RangeInclusive<u32> = 1..=10_000;

pub(in crate::config) fn limits(whole: &Section<'_>) -> Limits {
    let section = whole.section("limits");
    let default = Limits::default();
    let timeout = |key, default: Duration| section.value(key, wait).unwrap_or(default);
    let grace = |key, default: Duration| section.value(key, duration).unwrap_or(default);
    let count = |key, most| section.value(key, |node| whole_number(node, most));
    let each = |key| section.value(key, count_or_unlimited).flatten();
    let read = Limits {
        head_timeout: timeout("head_timeout", default.head_timeout),
        body_idle_timeout: timeout("body_idle_timeout", default.body_idle_timeout),
        send_idle_timeout: timeout("send_idle_timeout", default.send_idle_timeout),
        connect_timeout: timeout("connect_timeout", default.connect_timeout),
        response_head_timeout: section.value("response_head_timeout", wait_or_unlimited).flatten(),
        drain_timeout: grace("drain_timeout", default.drain_timeout),
        shutdown_grace: grace("shutdown_grace", default.shutdown_grace),
        header_count: count("header_count", 10_000).unwrap_or(default.header_count),
        connections: count("connections", 10_000_000).unwrap_or(default.connections),
        head_bytes: section.value("head_bytes", head_bytes).unwrap_or(default.head_bytes),
        drain_bytes: section
            .value("drain_bytes", |node| bytes(node).map(|size| size.get().unsigned_abs()))
            .unwrap_or(default.drain_bytes),
        abandoned_timeout: default.abandoned_timeout,
        connections_per_client: each("connections_per_client"),
        uploads_per_subject: each("uploads_per_subject"),
        uploads_per_client: each("uploads_per_client"),
        http2_streams: section
            .value("http2_streams", |node| number(node, &STREAMS))
            .unwrap_or(default.http2_streams),
        http2_resets: count("http2_resets", 10_000).unwrap_or(default.http2_resets),
    };
    section.done();
    read
}

fn whole_number(node: &Node, most: u32) -> Result<usize, Invalid> {
    let count = number(node, &(1..=most))?;
    usize::try_from(count).map_err(|_| Invalid::new("is too large for this machine"))
}

fn head_bytes(node: &Node) -> Result<usize, Invalid> {
    let size = bytes(node)?.get();
    let fits = usize::try_from(size).ok().filter(|_| HEAD.contains(&size));
    fits.ok_or_else(|| {
        Invalid::new("must be from 8KiB to 1MiB: browsers send heads of several KiB")
    })
}

fn count_or_unlimited(node: &Node) -> Result<Option<usize>, Invalid> {
    match &node.value {
        _ if is_unlimited(node) => Ok(None),
        Value::Text(_) => Err(Invalid::new("needs a whole number or \"unlimited\"")),
        _ => whole_number(node, 1_000_000).map(Some),
    }
}

fn wait_or_unlimited(node: &Node) -> Result<Option<Duration>, Invalid> {
    if is_unlimited(node) { Ok(None) } else { wait(node).map(Some) }
}

fn is_unlimited(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) | Value::Word(text) if text.trim() == "unlimited")
}
