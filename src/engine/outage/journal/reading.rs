//! Reading: the entries of a journal, line by line, a piece of the file at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Entry;

/// How much is read at once, in bytes; more only where a line is longer.
const PIECE: usize = 64 * 1024;

/// One line of a journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where the next one begins.
    pub(super) end: u64,
    /// What it says; none if it is damaged.
    pub(super) entry: Option<Entry>,
}

/// Returns whole lines of `file` from `from` on, at most `most`, none of them beyond `end`; none
/// at all if only a part of one is left.
pub(super) fn lines(file: &File, from: u64, end: u64, most: usize) -> io::Result<Vec<Line>> {
    let mut size = PIECE;
    loop {
        let left = usize::try_from(end.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut piece = vec![0; size.min(left)];
        file.read_exact_at(&mut piece, from)?;
        let mut found = Vec::new();
        let mut at = from;
        for line in piece.split_inclusive(|byte| *byte == b'\n').take(most) {
            let Some((b'\n', said)) = line.split_last() else { break };
            at = at.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
            found.push(Line { end: at, entry: Entry::read(said) });
        }
        if !found.is_empty() || piece.len() == left {
            return Ok(found);
        }
        size = size.saturating_mul(2);
    }
}
