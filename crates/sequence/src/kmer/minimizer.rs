//! The minimizer of each k-mer: its smallest canonical m-mer under a mixing hash.
//!
//! The window slides by one m-mer at each base. The smallest is kept; only when it leaves the window is the
//! window searched again, which happens about twice in every window length, so a base costs constant time on
//! average. Minimizers: Roberts et al., "Reducing storage requirements for biological sequence comparison",
//! Bioinformatics 20 (2004). The hash replaces their lexicographic order, whose poly-A favourites would crowd
//! a few partitions.

use super::Geometry;
use super::rolling::Strands;

/// Most m-mers in one window: k - m + 1 at k = 63, m = 1, rounded up to a power of two.
const WINDOW_SLOTS: usize = 64;

/// Slides over the m-mers of a sequence and knows the smallest hash within the last k bases.
#[derive(Clone, Debug)]
pub(crate) struct Minimizers {
    strands: Strands<u64>,
    m: u64,
    /// m-mers in one k-mer.
    window: u64,
    /// Bases since the last break.
    run: u64,
    hashes: [u64; WINDOW_SLOTS],
    smallest: u64,
    /// `run` at which the smallest was pushed.
    smallest_at: u64,
}

impl Minimizers {
    pub(crate) fn new(geometry: Geometry) -> Self {
        let (k, m) = (geometry.k(), geometry.minimizer_length());
        Minimizers {
            strands: Strands::new(m),
            m: u64::from(m),
            window: u64::from(k - m) + 1,
            run: 0,
            hashes: [u64::MAX; WINDOW_SLOTS],
            smallest: u64::MAX,
            smallest_at: 0,
        }
    }

    /// Forgets the window: the next base begins a new run.
    pub(crate) fn restart(&mut self) {
        self.run = 0;
        self.smallest = u64::MAX;
    }

    #[inline]
    pub(crate) fn push(&mut self, code: u8) {
        self.strands.push(code);
        self.run += 1;
        if self.run < self.m {
            return;
        }
        let hash = minimizer_hash(self.strands.canonical());
        self.hashes[slot(self.run)] = hash;
        if hash <= self.smallest {
            (self.smallest, self.smallest_at) = (hash, self.run);
        } else if self.smallest_at + self.window <= self.run {
            self.search_window();
        }
    }

    /// The smallest hash within the last k bases; meaningful once k bases were pushed.
    #[inline]
    pub(crate) fn smallest(&self) -> u64 {
        self.smallest
    }

    fn search_window(&mut self) {
        self.smallest = u64::MAX;
        for at in self.run + 1 - self.window..=self.run {
            let hash = self.hashes[slot(at)];
            if hash <= self.smallest {
                (self.smallest, self.smallest_at) = (hash, at);
            }
        }
    }
}

fn slot(at: u64) -> usize {
    at as usize % WINDOW_SLOTS
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014):
/// invertible, so different m-mers never tie.
#[inline]
pub(crate) fn minimizer_hash(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::base::code;
    use super::*;

    #[test]
    fn the_smallest_is_that_of_a_fresh_search_of_the_window() {
        let geometry = Geometry::new(31, 6).expect("valid");
        let m = usize::from(geometry.minimizer_length());
        let sequence: Vec<u8> =
            (0..2000u64).map(|i| b"ACGT"[(minimizer_hash(i) >> 20) as usize % 4]).collect();
        let mut minimizers = Minimizers::new(geometry);
        for (end, &base) in sequence.iter().enumerate() {
            minimizers.push(code(base));
            if end + 1 < 31 {
                continue;
            }
            let hash_of = |window: &[u8]| {
                let mut strands = Strands::<u64>::new(m as u8);
                window.iter().for_each(|&b| strands.push(code(b)));
                minimizer_hash(strands.canonical())
            };
            let expected = sequence[end + 1 - 31..=end].windows(m).map(hash_of).min();
            assert_eq!(Some(minimizers.smallest()), expected, "at {end}");
        }
    }
}
