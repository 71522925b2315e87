//! What a client may cost before it costs nothing: each limit named where it strikes.

use std::time::Duration;

mod answers;
mod bodies;
mod connections;
mod heads;
mod homeserver;
mod uploads;

/// Short enough to wait for, and long enough not to strike by chance.
const SOON: Duration = Duration::from_millis(300);

/// Long before any limit that is not set to [`SOON`].
const NOT_LATE: Duration = Duration::from_secs(15);
