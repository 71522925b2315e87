//! The file, exactly as written: TOML into a tree with line numbers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Complaint, Place};
use super::tree::{Entry, Node, Table, Value};

/// Reads `file`.
///
/// # Errors
/// If it cannot be read, or is no TOML: then every place where it is not.
pub(super) fn read(file: &Path) -> Result<Table, Vec<Complaint>> {
    let name = Arc::new(file.to_owned());
    let unreadable = |text: String| {
        let place = Place::File(name.clone());
        vec![Complaint { place, text }]
    };
    let bytes = fs::read(file).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    let text =
        String::from_utf8(bytes).map_err(|_| unreadable("is not text in UTF-8".to_owned()))?;
    let lines = Lines::of(name, &text);
    let (table, errors) = DeTable::parse_recoverable(&text);
    if errors.is_empty() {
        return Ok(lines.table(table.into_inner()));
    }
    let complaint = |error: &toml::de::Error| Complaint {
        place: lines.place(error.span().map_or(0, |span| span.start)),
        text: format!("is not TOML here: {}", error.message()),
    };
    // Behind the first, the reader only guesses.
    Err(errors.first().map(complaint).into_iter().collect())
}

/// Where each line of a file begins.
struct Lines {
    file: Arc<PathBuf>,
    starts: Vec<usize>,
}

impl Lines {
    fn of(file: Arc<PathBuf>, text: &str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(after).collect();
        Self { file, starts }
    }

    /// Returns the line in which the byte at `offset` stands.
    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        Place::Line(self.file.clone(), line)
    }

    fn table(&self, table: DeTable<'_>) -> Table {
        let entry = |(name, value): (Spanned<_>, _)| {
            let place = self.place(name.span().start);
            let node = self.node(value);
            (std::borrow::Cow::into_owned(name.into_inner()), Entry { place, node })
        };
        table.into_iter().map(entry).collect()
    }

    fn node(&self, value: Spanned<DeValue<'_>>) -> Node {
        let place = self.place(value.span().start);
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("a number past 64 bits"), Value::Integer),
            DeValue::Float(_) => Value::Other("a fraction"),
            DeValue::Boolean(yes) => Value::Boolean(yes),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(items) => {
                Value::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { place, value }
    }
}
