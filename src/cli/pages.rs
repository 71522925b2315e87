//! Pages: a list that is written part by part, so that it may be long.

use std::io;

use serde::Serialize;

use super::answer::write_out;
use super::table::table;

/// A list that is being written: a table for people, one array for programs.
#[derive(Debug)]
pub(super) struct Pages<const N: usize> {
    header: [&'static str; N],
    json: bool,
    begun: bool,
}

impl<const N: usize> Pages<N> {
    /// Begins a list below `header`, or in JSON.
    pub(super) const fn begin(header: [&'static str; N], json: bool) -> Self {
        Self { header, json, begun: false }
    }

    /// Writes some more entries, `row` by row; returns false if the reader has gone away.
    pub(super) fn write<T: Serialize>(
        &mut self,
        entries: &[T],
        row: impl Fn(&T) -> [String; N],
    ) -> io::Result<bool> {
        if entries.is_empty() {
            return Ok(true);
        }
        let text = if self.json {
            let entries: Result<Vec<_>, _> = entries.iter().map(serde_json::to_string).collect();
            let before = if self.begun { "," } else { "[" };
            format!("{before}{}", entries?.join(","))
        } else {
            let text = table(self.header, entries.iter().map(row), "");
            let rows = if self.begun { text.split_once('\n').map(|(_, rows)| rows) } else { None };
            format!("{}\n", rows.unwrap_or(&text))
        };
        self.begun = true;
        write_out(&text)
    }

    /// Ends the list; to people, one without entries says `none`.
    pub(super) fn end(self, none: &str) -> io::Result<()> {
        let end = match (self.json, self.begun) {
            (true, true) => "]\n",
            (true, false) => "[]\n",
            (false, true) => return Ok(()),
            (false, false) => &format!("{none}\n"),
        };
        write_out(end).map(drop)
    }
}
