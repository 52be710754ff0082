//! A small generator, so that what each thread tries depends on the seed alone.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub(crate) struct Random(u64);

impl Random {
    /// A stream of its own for each thread of each round.
    pub(crate) fn new(seed: u64, round: u64, thread: u64) -> Random {
        let mut random = Random(seed ^ (round << 32) ^ (thread << 56));
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in so many calls.
    pub(crate) fn one_in(&mut self, calls: u64) -> bool {
        self.next().is_multiple_of(calls)
    }
}
