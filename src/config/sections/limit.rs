//! One limit of a group: text, a number, a table, or a list of these.

use std::time::Duration;

use crate::config::error::Place;
use crate::config::section::Section;
use crate::config::tree::{Node, Value};
use crate::config::value::{duration, number, parsed, wrong};
use crate::quota::strictness::{Admit, Mode, Warnings};
use crate::quota::{Amount, Invalid, Limit, Measure, Per, Period, Window, Zone};

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

/// Reads `"500MB/month"` or a number.
fn plain(node: &Node, measure: &Measure) -> Result<Limit, Invalid> {
    match &node.value {
        Value::Text(text) | Value::Word(text) => Limit::parse(text, measure),
        Value::Integer(number) => Limit::parse(&number.to_string(), measure),
        other => Err(wrong(other, "a limit, like \"500MB/month\"")),
    }
}

/// Reads an amount that is not below zero.
fn amount(measure: &Measure) -> impl Fn(&Node) -> Result<Amount, Invalid> {
    move |node| {
        let read = match &node.value {
            Value::Text(text) | Value::Word(text) => measure.parse(text)?,
            Value::Integer(number) => measure.parse(&number.to_string())?,
            other => return Err(wrong(other, "an amount, like \"3GB\"")),
        };
        if read.is_negative() {
            return Err(Invalid::new("must not be below zero"));
        }
        Ok(read)
    }
}

/// Reads `{ limit = "500MB", period = "month", mode = "soft" }`.
fn table(group: &Section<'_>, key: &str, node: &Node, measure: &Measure) -> Option<Limit> {
    let section = group.named(key, node);
    let before = section.notes.count();
    let limit = section.value("limit", |node| plain(node, measure));
    let said = Said {
        period: section.value("period", parsed),
        mode: section.value("mode", parsed),
        per: section.value("per", parsed),
        admit: section.value("admit", parsed),
        ceiling: section.value("ceiling", amount(measure)),
        grace: section.value("grace", duration),
        warnings: warnings(&section),
        timezone: section.value("timezone", parsed),
    };
    section.needs("limit", "\"500MB\"");
    let (words, whole) = (section.place("limit").cloned(), section.notes.count() == before);
    let places = ["ceiling", "grace", "limit"].map(|key| section.place(key).cloned());
    let text = section.value("limit", |node| Ok(words_of(node)));
    section.done();
    let (limit, text) = limit.filter(|_| whole).zip(text)?;
    if limit.windows().is_empty() && said != Said::default() {
        let contradiction = Err(Invalid::new(
            "\"unlimited\" stands beside what only a limit has: leave one of them out",
        ));
        return group.heed(key, words.as_ref().unwrap_or(&node.place), contradiction);
    }
    let mut windows = Vec::new();
    for window in limit.windows() {
        let laid = said.over(window, &text);
        let laid = group.heed(key, words.as_ref().unwrap_or(&node.place), laid)?;
        let place = places.iter().flatten().next().unwrap_or(&node.place);
        windows.push(group.heed(key, place, laid.consistent())?);
    }
    group.heed(key, &node.place, Limit::new(windows))
}

/// Reads `warn = [80, 100]`, `warn = 90` or `warn = "none"`.
fn warnings(section: &Section<'_>) -> Option<Warnings> {
    let percentage = |node: &Node| match &node.value {
        Value::Text(text) | Value::Word(text) if text.trim() == "none" => Ok(None),
        _ => number(node, &(1..=1000)).map(|it| u16::try_from(it).ok()),
    };
    let said = section.list("warn", percentage)?;
    let percentages: Vec<_> = said.iter().flatten().copied().collect();
    if percentages.len() < said.len() && said.len() > 1 {
        section.refuse("warn", "\"none\" stands beside percentages: keep one");
    }
    let place = section.place("warn")?;
    section.heed("warn", place, Warnings::at(&percentages))
}

/// Returns the words of a limit that is text.
fn words_of(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Text(text) | Value::Word(text) => {
            text.split([' ', ',']).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// What the table says beside the limit itself.
#[derive(Default, PartialEq)]
struct Said {
    period: Option<Period>,
    mode: Option<Mode>,
    per: Option<Per>,
    admit: Option<Admit>,
    ceiling: Option<Amount>,
    grace: Option<Duration>,
    warnings: Option<Warnings>,
    timezone: Option<Zone>,
}

impl Said {
    /// Returns `window` with all this; `words` are those of the limit's own text.
    fn over(&self, window: &Window, words: &[String]) -> Result<Window, Invalid> {
        let Window { amount, period, per, strictness, timezone } = window.clone();
        let says = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
        let modes = Mode::ALL.map(Mode::name);
        let ways = Admit::ALL.map(Admit::name);
        let mut laid = Window { amount, period, per, strictness, timezone };
        if let Some(said) = self.period {
            if period.is_some() {
                return Err(twice("period"));
            }
            laid.period = Some(said);
        }
        lay(&mut laid.per, self.per, says(&["per"]), "per")?;
        let strict = &mut laid.strictness;
        lay(&mut strict.mode, self.mode, says(&modes), "mode")?;
        lay(&mut strict.admit, self.admit, says(&ways), "admit")?;
        lay(&mut strict.ceiling, self.ceiling.map(Some), says(&["ceiling"]), "ceiling")?;
        lay(&mut strict.grace, self.grace.map(Some), says(&["grace"]), "grace")?;
        lay(&mut strict.warnings, self.warnings, says(&["warn"]), "warn")?;
        lay(&mut laid.timezone, self.timezone.clone().map(Some), says(&["in"]), "timezone")?;
        Ok(laid)
    }
}

/// Puts what the table says in place of the default, unless the text says something else.
fn lay<T: PartialEq>(
    place: &mut T,
    said: Option<T>,
    in_text: bool,
    key: &str,
) -> Result<(), Invalid> {
    match said {
        Some(said) if in_text && *place != said => Err(twice(key)),
        Some(said) => {
            *place = said;
            Ok(())
        }
        None => Ok(()),
    }
}

fn twice(key: &str) -> Invalid {
    Invalid::new(format!("names a {key}, and so does limit: keep one"))
}
