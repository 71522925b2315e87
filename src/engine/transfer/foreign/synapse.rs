//! The `media_upload_limits` of Synapse: for everyone, so much in the last so many days.
//!
//! <https://element-hq.github.io/synapse/latest/usage/configuration/config_documentation.html#media_upload_limits>

use std::collections::BTreeMap;

use super::Foreign;
use crate::engine::EngineError;
use crate::engine::transfer::changes::amount;
use crate::engine::transfer::draft::Draft;
use crate::engine::transfer::place::Place;
use crate::engine::transfer::tree::Tree;
use crate::quota::{Amount, Invalid, Measure, Overflow, Period};

/// Its name in Synapse's configuration.
pub(super) const BLOCK: &str = "media_upload_limits";

/// The group that is made of it.
const GROUP: &str = "synapse";

/// What a limit may hold.
const KEYS: [&str; 7] = [
    "can_upgrade",
    "info_uri",
    "max_size",
    "msc4335_increase_uri",
    "msc4335_info_uri",
    "msc4335_soft_limit",
    "time_period",
];

/// Sizes: a letter means a power of 1024.
const SIZES: [(char, i64); 4] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30), ('T', 1 << 40)];

/// Durations in milliseconds, as is a number without a letter.
const SPANS: [(char, i64); 6] = [
    ('s', 1_000),
    ('m', 60_000),
    ('h', 3_600_000),
    ('d', 86_400_000),
    ('w', 7 * 86_400_000),
    ('y', 365 * 86_400_000),
];

pub(super) fn read(limits: &Tree) -> Result<Foreign, EngineError> {
    let place = Place::new(format!("/{BLOCK}"), limits);
    let Tree::List(_) = limits else { return Err(place.needs("a list of limits")) };
    let mut windows: BTreeMap<Period, Amount> = BTreeMap::new();
    let mut words = Vec::new();
    for place in place.items() {
        let table = place.table(&KEYS)?;
        let size = table.needed("max_size")?;
        let size = size.heed(number(size.tree, &SIZES, "100M"))?;
        let span = table.needed("time_period")?;
        let millis = span.heed(number(span.tree, &SPANS, "1w"))?;
        let period: Period = span.heed(format!("rolling {millis}ms").parse())?;
        // Of two for the same time only the smaller ever denies.
        let least = windows.entry(period).or_insert(size);
        *least = size.min(*least);
        let stays = KEYS.into_iter().filter(|key| !["max_size", "time_period"].contains(key));
        let stays: Vec<_> = stays.filter(|key| table.get(key).is_some()).collect();
        if !stays.is_empty() {
            words.push(format!(
                "{} of the limit {} stays behind: write [reject] info_uri",
                stays.join(", "),
                period.when()
            ));
        }
    }
    if windows.is_empty() {
        return Err(place.wrong("is empty: there is nothing to import"));
    }
    let human = |(period, size): (&Period, &Amount)| {
        format!("{} {}", amount(*size, &Measure::BYTES), period.when())
    };
    let said: Vec<_> = windows.iter().map(human).collect();
    words.insert(
        0,
        format!(
            "media_upload_limits of Synapse: everyone is in group {GROUP}, which may upload {}",
            said.join(" and ")
        ),
    );
    let texts = windows.iter().map(|(period, size)| Tree::from(format!("{size}/{period}")));
    let limits = Tree::Table(vec![("media_bytes".to_owned(), Tree::List(texts.collect()))]);
    let draft = Draft::of(vec![
        ("default_group", Tree::from(GROUP)),
        ("groups", Tree::Table(vec![(GROUP.to_owned(), limits)])),
    ]);
    Ok(Foreign { draft, words })
}

/// Reads a whole number, perhaps with one of these letters behind it.
fn number(tree: &Tree, units: &[(char, i64)], example: &str) -> Result<Amount, Invalid> {
    let unclear = || Invalid::new(format!("needs a whole number and a letter, like {example}"));
    let whole = match tree {
        Tree::Number(number) => Some((*number, 1)),
        Tree::Text(text) => {
            let unit = units.iter().find(|(letter, _)| text.ends_with(*letter));
            let digits = text.strip_suffix(unit.map_or('\0', |(letter, _)| *letter));
            let digits = digits.unwrap_or(text);
            digits.parse().ok().map(|number| (number, unit.map_or(1, |(_, factor)| *factor)))
        }
        _ => None,
    };
    let (number, factor) = whole.filter(|(number, _)| *number >= 0).ok_or_else(unclear)?;
    let units = number.checked_mul(factor).map(Amount::new);
    units.ok_or_else(|| Invalid::new(Overflow.to_string()))
}
