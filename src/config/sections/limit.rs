//! One limit of a group: text, a number, a table, or a list of these.

use crate::config::error::Place;
use crate::config::section::Section;
use crate::config::tree::{Node, Value};
use crate::config::value::{only, parsed, wrong};
use crate::quota::{Invalid, Limit, Measure, Period, Window};

/// Reads the limit on the resource called `key` of `group`; nothing if something is wrong.
pub(super) fn limit(
    group: &Section<'_>,
    key: &str,
    place: &Place,
    measure: &Measure,
) -> Option<Limit> {
    let items = group.items(key);
    let alone = items.len() == 1;
    let mut windows = Vec::new();
    for node in &items {
        let read = match &node.value {
            Value::Table(_) => table(group, key, node, measure)?,
            _ => group.heed(key, &node.place, plain(node, measure))?,
        };
        if read.windows().is_empty() && !alone {
            let contradiction = Err(Invalid::new("\"unlimited\" stands beside other limits"));
            return group.heed(key, &node.place, contradiction);
        }
        windows.extend_from_slice(read.windows());
    }
    if items.is_empty() {
        let nothing = Err(Invalid::new("needs a limit, like \"500MB/month\""));
        return group.heed(key, place, nothing);
    }
    group.heed(key, place, Limit::new(windows))
}

/// Reads `"500MB/month"` or a number of base units.
fn plain(node: &Node, measure: &Measure) -> Result<Limit, Invalid> {
    match &node.value {
        Value::Text(text) | Value::Word(text) => Limit::parse(text, measure),
        Value::Integer(number) => Limit::parse(&number.to_string(), measure),
        other => Err(wrong(other, "a limit, like \"500MB/month\"")),
    }
}

/// Reads `{ limit = "500MB", period = "month" }`.
fn table(group: &Section<'_>, key: &str, node: &Node, measure: &Measure) -> Option<Limit> {
    let section = group.named(key, node);
    let limit = section.value("limit", |node| plain(node, measure));
    let period: Option<Period> = section.value("period", parsed);
    section.value("mode", only("hard", &["soft", "observe"]));
    section.value("per", only("subject", &["group", "server"]));
    section.value("admit", only("strict", &["trailing"]));
    for key in ["ceiling", "grace", "warn", "timezone"] {
        section.later(key, "leave it out");
    }
    section.needs("limit", "\"500MB\"");
    section.done();
    let limit = limit?;
    let Some(period) = period else {
        return Some(limit);
    };
    let per_period = |window: &Window| match window.period {
        None => Window::new(window.amount, Some(period)),
        Some(_) => Err(Invalid::new("names a period, and so does limit: keep one")),
    };
    let windows: Result<_, _> = limit.windows().iter().map(per_period).collect();
    group.heed(key, &node.place, windows.and_then(Limit::new))
}
