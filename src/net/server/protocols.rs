//! The two protocols, HTTP/1.1 and HTTP/2, and what a connection may hold and do in each.

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;

use super::streams::Tasks;
use super::{BUFFER, Limits};

/// As many headers as hyper takes without allocating for them.
pub(super) const DEFAULT_HEADER_COUNT: usize = 100;

/// What may be under way of one body over HTTP/2.
const STREAM_WINDOW: u32 = 256 * 1024;
/// And of all on one connection at the most: as much as each may have, so that bodies which nobody
/// reads yet leave room for the others.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
const SENT_AHEAD: usize = 64 * 1024;
/// The most faults of a client that may be waiting to be told (made-you-reset).
const LOCAL_RESETS: usize = 100;

pub(super) fn http1(limits: Limits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(BUFFER));
    if limits.header_count != DEFAULT_HEADER_COUNT {
        protocol.max_headers(limits.header_count);
    }
    protocol
}

/// A client is not asked whether it is there: its answer would wait behind all that it has not read
/// yet. Whether it is, the kernel finds out.
pub(super) fn http2(limits: Limits, tasks: Tasks) -> http2::Builder<Tasks> {
    let all = limits.http2_streams.saturating_mul(STREAM_WINDOW);
    let mut protocol = http2::Builder::new(tasks);
    protocol
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(limits.http2_streams)
        .max_pending_accept_reset_streams(limits.http2_resets)
        .max_local_error_reset_streams(LOCAL_RESETS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(all.min(CONNECTION_WINDOW))
        .max_send_buf_size(SENT_AHEAD);
    protocol
}
