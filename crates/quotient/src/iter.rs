//! Walking all keys of a filter in order.

use crate::CountingFilter;
use crate::counter::CountReader;

/// The keys of a filter with their counts, by ascending key.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    filter: &'a CountingFilter,
    /// The block of home slots being walked.
    block: usize,
    /// Its quotients not yet walked.
    occupieds: u64,
    quotient: usize,
    /// The next slot to read, or where the next run begins at the earliest.
    slot: usize,
    in_run: bool,
    left: u64,
}

impl<'a> Iter<'a> {
    pub(crate) fn new(filter: &'a CountingFilter) -> Self {
        let occupieds = filter.blocks.occupieds(0);
        Self { filter, block: 0, occupieds, quotient: 0, slot: 0, in_run: false, left: filter.distinct }
    }
}

impl Iterator for Iter<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        self.left = self.left.checked_sub(1)?;
        let blocks = &self.filter.blocks;
        if !self.in_run {
            while self.occupieds == 0 {
                self.block += 1;
                self.occupieds = blocks.occupieds(self.block);
            }
            self.quotient = self.block * 64 + self.occupieds.trailing_zeros() as usize;
            self.occupieds &= self.occupieds - 1;
            self.slot = self.slot.max(self.quotient);
        }
        let remainder = blocks.remainder(self.slot);
        let mut reader = CountReader::new(self.filter.shape.remainder_bits);
        let mut run_ends = blocks.is_runend(self.slot);
        while !run_ends && blocks.is_extension(self.slot + 1) {
            self.slot += 1;
            reader.push(blocks.remainder(self.slot));
            run_ends = blocks.is_runend(self.slot);
        }
        self.slot += 1;
        self.in_run = !run_ends;
        Some((self.filter.shape.join(self.quotient, remainder), reader.count()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}
