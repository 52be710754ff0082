//! Seeded numbers and sequences: shared by the examples that make their own data.
#![allow(dead_code, reason = "each example uses a part of it")]

/// A seeded source of numbers (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number from 0 on, below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// Any base.
    pub(crate) fn base(&mut self) -> u8 {
        b"ACGT"[self.below(4) as usize]
    }

    /// So many bases.
    pub(crate) fn sequence(&mut self, bases: u64) -> Vec<u8> {
        (0..bases).map(|_| self.base()).collect()
    }

    /// Draws so many bases of a sequence anew, each at any place.
    pub(crate) fn change(&mut self, sequence: &mut [u8], times: u64) {
        for _ in 0..times {
            sequence[self.below(sequence.len() as u64) as usize] = self.base();
        }
    }
}
