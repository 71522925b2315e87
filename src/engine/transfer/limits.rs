//! Limits as a document says them: text, a number, a table, or a list of these.

use super::place::{Place, said};
use super::tree::Tree;
use crate::engine::EngineError;
use crate::quota::strictness::Warnings;
use crate::quota::{Invalid, Limit, Measure, Window, duration};

/// Reads the limit at `place` on what is counted in `measure`.
pub(super) fn limit(place: &Place<'_>, measure: &Measure) -> Result<Limit, EngineError> {
    let items = place.items();
    let mut windows = Vec::new();
    for item in &items {
        let read = match item.tree {
            Tree::Table(_) => vec![window(item, measure)?],
            _ => plain(item, measure)?.windows().to_vec(),
        };
        if read.is_empty() && items.len() > 1 {
            return Err(item.wrong("\"unlimited\" stands beside other limits"));
        }
        windows.extend(read);
    }
    if items.is_empty() {
        return Err(place.wrong("needs a limit, like \"500MB/month\" or \"unlimited\""));
    }
    place.heed(Limit::new(windows))
}

/// Reads `"500MB/month"`, or a number of base units.
fn plain(place: &Place<'_>, measure: &Measure) -> Result<Limit, EngineError> {
    match place.tree {
        Tree::Text(text) => place.heed(Limit::parse(text, &said(text, measure))),
        Tree::Number(number) => place.heed(Limit::parse(&number.to_string(), &Measure::COUNT)),
        _ => Err(place.needs("a limit, like \"500MB/month\"")),
    }
}

const KEYS: [&str; 9] =
    ["limit", "period", "mode", "per", "admit", "ceiling", "grace", "warn", "timezone"];

/// Reads `{"limit": "500MB", "period": "month", "mode": "soft"}`.
fn window(place: &Place<'_>, measure: &Measure) -> Result<Window, EngineError> {
    let table = place.table(&KEYS)?;
    let amount = table.needed("limit")?;
    let limit = plain(amount, measure)?;
    let [window] = limit.windows() else {
        return Err(amount.wrong("needs one amount: write the others beside this table"));
    };
    let mut window = window.clone();
    if window != place.heed(Window::new(window.amount, window.period))? {
        return Err(amount.wrong("says more than an amount and a period: write that as keys"));
    }
    if let Some(period) = table.value("period", Place::parsed)? {
        if window.period.is_some() {
            return Err(amount.wrong("names a period, and so does its table: keep one"));
        }
        window.period = Some(period);
    }
    let strictness = &mut window.strictness;
    strictness.mode = table.value("mode", Place::parsed)?.unwrap_or(strictness.mode);
    strictness.admit = table.value("admit", Place::parsed)?.unwrap_or(strictness.admit);
    strictness.ceiling = table.value("ceiling", |it| it.size(measure))?.or(strictness.ceiling);
    strictness.grace =
        table.value("grace", |it| it.heed(duration(it.text()?)))?.or(strictness.grace);
    strictness.warnings = table.value("warn", warnings)?.unwrap_or(strictness.warnings);
    window.per = table.value("per", Place::parsed)?.unwrap_or(window.per);
    window.timezone = table.value("timezone", Place::parsed)?.or(window.timezone);
    place.heed(window.consistent())
}

/// Reads percentages, or none.
fn warnings(place: &Place<'_>) -> Result<Warnings, EngineError> {
    if place.tree == &Tree::Text("none".to_owned()) {
        return place.heed(Warnings::at(&[]));
    }
    let percentage = |item: &Place<'_>| match item.tree {
        Tree::Number(number) => {
            let whole = u16::try_from(*number);
            item.heed(whole.map_err(|_| Invalid::new("is no percentage: write 1 to 1000")))
        }
        _ => Err(item.needs("a percentage, like 80")),
    };
    let all = place.items().iter().map(percentage).collect::<Result<Vec<_>, _>>()?;
    place.heed(Warnings::at(&all))
}
