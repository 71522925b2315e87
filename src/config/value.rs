//! Values: one node as a type; the error is a fragment that says what would be right.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::tree::{Node, Value};
use crate::quota::{self, Amount, Invalid, Measure, duration_text, nearest};

/// The most that is read of a file that a setting names, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// Reads text.
pub(super) fn text(node: &Node) -> Result<&str, Invalid> {
    match &node.value {
        Value::Text(text) | Value::Word(text) => Ok(text.trim()),
        other => Err(wrong(other, "text in quotes")),
    }
}

/// Reads what the file of this name says.
pub(super) fn from_file(node: &Node) -> Result<String, Invalid> {
    let file = text(node)?;
    let mut said = String::new();
    File::open(file)
        .and_then(|file| file.take(LARGEST_FILE).read_to_string(&mut said))
        .map_err(|error| Invalid::new(format!("\"{file}\" cannot be read: {error}")))?;
    Ok(said)
}

/// Reads text that `T` understands.
pub(super) fn parsed<T: FromStr<Err: Display>>(node: &Node) -> Result<T, Invalid> {
    let text = text(node)?;
    text.parse().map_err(|error: T::Err| Invalid::new(error.to_string()))
}

/// Reads one of the words of `known`.
pub(super) fn word<T: Copy>(node: &Node, known: &[(&str, T)]) -> Result<T, Invalid> {
    let text = text(node)?;
    let found = known.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let hint = nearest(text, names.iter().copied());
        Invalid::new(format!("\"{text}\" is none of {}{hint}", names.join(", ")))
    })
}

/// Reads true or false.
pub(super) fn yes(node: &Node) -> Result<bool, Invalid> {
    match &node.value {
        Value::Boolean(yes) => Ok(*yes),
        Value::Word(text) => {
            text.parse().map_err(|_| Invalid::new(format!("\"{text}\" is neither true nor false")))
        }
        other => Err(wrong(other, "true or false")),
    }
}

/// Reads a duration; zero is one.
pub(super) fn duration(node: &Node) -> Result<Duration, Invalid> {
    match &node.value {
        Value::Text(text) | Value::Word(text) => quota::duration(text),
        other => Err(wrong(other, "a duration in quotes, like \"60s\"")),
    }
}

/// Reads a duration of at least `least`.
pub(super) fn duration_from(least: Duration) -> impl Fn(&Node) -> Result<Duration, Invalid> {
    move |node| {
        let span = duration(node)?;
        if span < least {
            return Err(Invalid::new(format!("must be at least {}", duration_text(least))));
        }
        Ok(span)
    }
}

/// Reads a duration that is not zero.
pub(super) fn wait(node: &Node) -> Result<Duration, Invalid> {
    match duration(node)? {
        Duration::ZERO => Err(Invalid::new("must not be zero")),
        span => Ok(span),
    }
}

/// Reads a size in bytes, not below zero.
pub(super) fn bytes(node: &Node) -> Result<Amount, Invalid> {
    let size = match &node.value {
        Value::Integer(bytes) => Amount::new(*bytes),
        Value::Text(text) | Value::Word(text) => Measure::BYTES.parse(text)?,
        other => return Err(wrong(other, "a size in quotes, like \"64KiB\"")),
    };
    if size.is_negative() {
        return Err(Invalid::new("must not be below zero"));
    }
    Ok(size)
}

/// Reads a whole number within `range`.
pub(super) fn number(node: &Node, range: &RangeInclusive<u32>) -> Result<u32, Invalid> {
    let number = match &node.value {
        Value::Integer(number) => Some(*number),
        Value::Word(text) => text.trim().parse().ok(),
        other => return Err(wrong(other, "a whole number")),
    };
    let fits = |number| u32::try_from(number).ok().filter(|it| range.contains(it));
    number.and_then(fits).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        Invalid::new(format!("needs a whole number from {least} to {most}"))
    })
}

/// Says that `needed` is needed, and what is there instead; never the value itself.
pub(super) fn wrong(value: &Value, needed: &str) -> Invalid {
    Invalid::new(format!("needs {needed}, not {}", value.kind()))
}
