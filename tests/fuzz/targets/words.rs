//! Words: amounts, limits, periods, durations and times, as people write them.
//!
//! What is read and written out again reads as the same; amounts are exact; and the bucket of any
//! moment contains it, and ends where the next begins.

use metergate::quota::{Bucket, Period, Shape, Subject, duration, duration_text};
use metergate::{Aggregate, Amount, Limit, Measure, Timestamp, Window, Zone};

use crate::drive::{Judge, kind};

pub(super) const WORDS: &[&str] = &[
    "B",
    "kB",
    "MB",
    "GB",
    "TB",
    "EB",
    "KiB",
    "MiB",
    "EiB",
    "bytes",
    "k",
    "G",
    ".",
    ".5",
    "0.",
    "-",
    "+",
    " ",
    "/",
    ",",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "never",
    "month@31",
    "year@02-29",
    "30d@2026-01-01",
    "30d",
    "1d",
    "36500d",
    "rolling ",
    "rolling 1 month",
    "rolling 24h",
    "rolling 30d",
    "soft",
    "observe",
    "hard",
    "strict",
    "trailing",
    "per group",
    "per server",
    "per subject",
    "ceiling 9EB",
    "grace 7d",
    "warn 50 90",
    "warn none",
    "in Asia/Tokyo",
    "in Pacific/Kiritimati",
    "in America/St_Johns",
    "unlimited",
    "@",
    "2026-02-29",
    "9999-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "T12:00:00+14:00",
    "2026-03-29T01:30:00Z",
    "ms",
    "s",
    "m",
    "h",
    "d",
    "9223372036854775807",
    "8EiB",
    "E",
    "e3",
    "_",
    "%",
    "\u{660}",
    "\u{a0}",
];

/// Places where the calendar is uneven.
const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Antarctica/Troll",
];

pub(super) struct Words;

impl Judge for Words {
    fn judge(&mut self, input: &[u8]) -> Result<u64, String> {
        let text = String::from_utf8_lossy(input);
        let points =
            Measure { unit: "points".parse().unwrap(), decimals: 2, aggregate: Aggregate::Sum };
        let mut shape = Vec::new();
        for (measure, is_bytes, decimals) in
            [(Measure::BYTES, true, 0), (Measure::COUNT, false, 0), (points.clone(), false, 2)]
        {
            shape.push(amount(&text, &measure, is_bytes, decimals)?);
            shape.push(limit(&text, &measure)?);
        }
        // Anywhere in a text, so that the periods of limits are tried in buckets, too.
        for part in text.split(['/', ',']) {
            if let Ok(period) = part.trim().parse::<Period>() {
                same(&period, &period.to_string().parse(), part)?;
                buckets(period, kind(input))?;
                shape.push(period.to_string());
            }
        }
        if let Ok(span) = duration(&text) {
            same(&span, &duration(&duration_text(span)), &text)?;
            shape.push("span".to_owned());
        }
        if let Ok(moment) = text.parse::<Timestamp>() {
            same(&moment, &moment.exact().parse(), &text)?;
            shape.push("moment".to_owned());
        }
        if let Ok(subject) = text.parse::<Subject>() {
            same(&subject, &subject.to_string().parse(), &text)?;
        }
        Ok(kind(shape))
    }
}

fn same<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    read: &T,
    again: &Result<T, E>,
    text: &str,
) -> Result<(), String> {
    match again {
        Ok(again) if again == read => Ok(()),
        again => Err(format!("{text:?} reads as {read:?}, and written out as {again:?}")),
    }
}

/// Holds an amount against exact arithmetic on its digits.
fn amount(text: &str, measure: &Measure, is_bytes: bool, decimals: u32) -> Result<String, String> {
    let read = measure.parse(text);
    let expected = exactly(text, is_bytes, decimals);
    if read.as_ref().ok().map(|it| it.get()) != expected {
        return Err(format!("{text:?} is {expected:?}, and reads as {read:?}"));
    }
    if let Ok(read) = &read {
        same(read, &Measure::BYTES.parse(&read.to_string()), text)?;
        let human = measure.human(*read);
        // It is cut, never rounded up.
        let shown =
            measure.parse(&human).map_err(|error| format!("{human:?} is shown: {error}"))?;
        if shown.get().unsigned_abs() > read.get().unsigned_abs() || (!is_bytes && shown != *read) {
            return Err(format!("{text:?} is shown as {human:?}"));
        }
    }
    Ok(read.map_or_else(|error| said(&error.to_string()), |_| String::new()))
}

/// Returns the amount a text means, if it means a whole one that fits.
fn exactly(text: &str, is_bytes: bool, decimals: u32) -> Option<i64> {
    let text = text.trim();
    let number: String = text.chars().take_while(|it| !it.is_ascii_alphabetic()).collect();
    let unit = text[number.len()..].trim().to_ascii_lowercase();
    let number = number.trim();
    let step = match (unit.as_str(), is_bytes) {
        ("", _) | ("b" | "byte" | "bytes", true) => 1,
        ("points", false) if decimals == 2 && text.ends_with("points") => 1,
        (unit, true) => {
            let power = "kmgtpe".find(unit.get(..1)?)? + 1;
            match &unit[1..] {
                "b" => 1000_i128.pow(u32::try_from(power).ok()?),
                "ib" => 1024_i128.pow(u32::try_from(power).ok()?),
                _ => return None,
            }
        }
        _ => return None,
    };
    let (sign, digits) = number.strip_prefix('-').map_or((1, number), |rest| (-1, rest));
    let (whole, part) =
        digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || part.is_some_and(|part| !is_number(part)) {
        return None;
    }
    let step = step * 10_i128.pow(decimals);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()?.checked_mul(step)? };
    let fraction = exact_fraction(part.unwrap_or_default(), step)?;
    i64::try_from(sign * whole.checked_add(fraction)?).ok()
}

/// Returns how many of `step` the decimals behind a point are, if that is whole.
fn exact_fraction(part: &str, step: i128) -> Option<i128> {
    let part = part.trim_end_matches('0');
    // Each of them divides by ten, and no step has more than so many tens and fives in it.
    let scale = 10_i128.checked_pow(u32::try_from(part.len()).ok().filter(|it| *it <= 20)?)?;
    let digits = if part.is_empty() { 0 } else { part.parse::<i128>().ok()? };
    let product = digits.checked_mul(step)?;
    (product % scale == 0).then_some(product / scale)
}

fn limit(text: &str, measure: &Measure) -> Result<String, String> {
    let read = match Limit::parse(text, measure) {
        Ok(read) => read,
        Err(error) => return Ok(said(&error.to_string())),
    };
    // Written out in base units, whatever the measure.
    same(&read, &Limit::parse(&read.to_string(), &Measure::BYTES), text)?;
    let json = serde_json::to_string(&read).unwrap();
    same(&read, &serde_json::from_str(&json), text)?;
    let below = |window: &Window| window.amount < Amount::ZERO;
    if read.windows().iter().any(below) {
        return Err(format!("{text:?} is below zero"));
    }
    let _human = read.human(measure);
    let words = |window: &Window| {
        format!("{:?}{:?}{:?}", window.strictness.mode, window.strictness.admit, window.per)
    };
    Ok(read.windows().iter().map(words).collect())
}

/// Returns a complaint without what it quotes.
fn said(text: &str) -> String {
    text.split('"')
        .step_by(2)
        .collect::<String>()
        .chars()
        .filter(|it| !it.is_ascii_digit())
        .take(60)
        .collect()
}

/// Holds the buckets of a period around some moments against what a bucket is.
fn buckets(period: Period, chance: u64) -> Result<(), String> {
    let mut rng = fastrand::Rng::with_seed(chance);
    for _ in 0..4 {
        let zone: Zone = ZONES[rng.usize(..ZONES.len())].parse().unwrap();
        // From 1905 to 2095.
        let moment = Timestamp::from_millis(rng.i64(-2_050_000_000_000..3_950_000_000_000));
        bucket(period, &zone, moment)?;
        let end = Bucket::of(period, &zone, moment).end;
        // Right at the turn, and right before it.
        for near in
            end.into_iter().flat_map(|end| [end.millis() - 1, end.millis(), end.millis() + 1])
        {
            bucket(period, &zone, Timestamp::from_millis(near))?;
        }
        for far in [Timestamp::MIN, Timestamp::MAX] {
            let _kept = Bucket::of(period, &zone, far);
        }
    }
    Ok(())
}

fn bucket(period: Period, zone: &Zone, moment: Timestamp) -> Result<(), String> {
    let bucket = Bucket::of(period, zone, moment);
    let wrong = |what: &str| {
        Err(format!("{period} in {} at {}: {what}: {bucket:?}", zone.name(), moment.exact()))
    };
    if !bucket.contains(moment) {
        return wrong("does not contain its moment");
    }
    if bucket.leaves(moment).is_some_and(|left| left <= moment) {
        return wrong("a charge leaves before it is made");
    }
    match &bucket.shape {
        Shape::Stretch => {
            if Bucket::of(period, zone, bucket.start).key != bucket.key {
                return wrong("its first moment is another's");
            }
            let Some(end) = bucket.end else { return Ok(()) };
            let (last, next) =
                (Timestamp::from_millis(end.millis() - 1), Bucket::of(period, zone, end));
            if Bucket::of(period, zone, last) != bucket {
                return wrong("its last moment is another's");
            }
            if next.start != end || next.key == bucket.key || bucket.contains(end) {
                return wrong(&format!("the next is {next:?}"));
            }
        }
        Shape::FirstUse { .. } => {
            let begun = bucket.begun(moment);
            if begun != bucket || begun.end.is_none_or(|end| end <= moment) {
                return wrong("it does not begin with its first use");
            }
        }
        Shape::Rolling { .. } => {
            let counts = |at: Timestamp| Bucket::of(period, zone, at).contains(moment);
            let Some(left) = bucket.leaves(moment) else { return wrong("nothing leaves it") };
            if counts(left) || !counts(Timestamp::from_millis(left.millis() - 1)) {
                return wrong(&format!("a charge leaves at {}", left.exact()));
            }
        }
    }
    Ok(())
}
