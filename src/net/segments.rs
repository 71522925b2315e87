//! Segments: several pieces of memory sent as one, none of them copied.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Bytes in one or more pieces. One piece costs no allocation.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    /// Empty only if there are no others.
    first: Bytes,
    others: VecDeque<Bytes>,
    remaining: usize,
}

impl Segments {
    /// Returns no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a piece; an empty one is dropped.
    pub fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.remaining += piece.len();
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.others.push_back(piece);
        }
    }

    /// Returns how many pieces there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.others.len() + usize::from(!self.first.is_empty())
    }

    /// Returns how many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.remaining
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// Takes off the first `at` bytes, or all if there are fewer; nothing is copied.
    #[must_use]
    pub fn split_to(&mut self, at: usize) -> Self {
        let mut front = Self::new();
        while front.remaining < at && self.remaining > 0 {
            let wanted = (at - front.remaining).min(self.first.len());
            let piece = self.first.split_to(wanted);
            self.remaining -= wanted;
            self.shift();
            front.push(piece);
        }
        front
    }

    /// Moves up the next piece where the first is used up.
    fn shift(&mut self) {
        if self.first.is_empty()
            && let Some(next) = self.others.pop_front()
        {
            self.first = next;
        }
    }
}

impl From<Bytes> for Segments {
    fn from(piece: Bytes) -> Self {
        Self { remaining: piece.len(), first: piece, others: VecDeque::new() }
    }
}

impl Buf for Segments {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        &self.first
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces =
            std::iter::once(&self.first).chain(&self.others).filter(|piece| !piece.is_empty());
        let mut filled = 0;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }

    /// # Panics
    /// Past the end, as `Buf` has it.
    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining, "cannot advance past the end of the segments");
        self.remaining -= count;
        let mut left = count;
        while left > 0 {
            let step = left.min(self.first.len());
            self.first.advance(step);
            left -= step;
            self.shift();
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        assert!(count <= self.remaining, "cannot copy past the end of the segments");
        let mut front = self.split_to(count);
        if front.others.is_empty() {
            return front.first;
        }
        let mut copy = Vec::with_capacity(count);
        while front.has_remaining() {
            copy.extend_from_slice(front.chunk());
            let step = front.chunk().len();
            front.advance(step);
        }
        Bytes::from(copy)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    proptest! {
        #[test]
        fn segments_read_like_one_buffer(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..9),
            steps in proptest::collection::vec(0_usize..20, 0..9),
            slots in 1_usize..12,
        ) {
            let flat = pieces.concat();
            let mut segments = Segments::new();
            for piece in pieces {
                segments.push(Bytes::from(piece));
            }
            let mut position = 0;
            for (turn, step) in steps.into_iter().enumerate() {
                assert_eq!(segments.remaining(), flat.len() - position);
                let mut slices = vec![IoSlice::new(&[]); slots];
                let filled = segments.chunks_vectored(&mut slices);
                assert_eq!(filled, segments.count().min(slots));
                let seen = slices.iter().take(filled).flat_map(|slice| slice.iter().copied()).collect::<Vec<_>>();
                assert!(flat[position..].starts_with(&seen));
                assert_eq!(segments.chunk().is_empty(), segments.is_empty());
                let step = step.min(segments.len());
                let expected = &flat[position..position + step];
                match turn % 3 {
                    0 => segments.advance(step),
                    1 => assert_eq!(segments.copy_to_bytes(step), expected),
                    _ => {
                        let mut front = segments.split_to(step);
                        assert_eq!(front.len(), step);
                        assert_eq!(front.copy_to_bytes(step), expected);
                    }
                }
                position += step;
            }
        }
    }

    #[test]
    fn one_piece_is_handed_out_uncopied() {
        let piece = Bytes::from(vec![7; 100]);
        let address = piece.as_ptr();
        let mut segments = Segments::from(piece);
        assert_eq!(segments.copy_to_bytes(100).as_ptr(), address);
        assert!(segments.is_empty());
    }
}
