//! What a user may see of the own quota: figures, usage by MSC4034, and the page.

mod figures;
mod page;
mod usage;

use crate::support::Answer;

/// What lets a script of any origin read an answer.
#[track_caller]
fn is_readable(answer: &Answer) {
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
        ("access-control-allow-headers", "X-Requested-With, Content-Type, Authorization"),
        ("access-control-expose-headers", "Retry-After"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}
