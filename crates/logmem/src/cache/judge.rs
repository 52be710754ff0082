//! What eviction keeps: the entries with the most reads to be expected for their bytes.
//!
//! An entry's worth is its heat over its size (as in Segcache, NSDI 2021). The judge keeps a histogram of the
//! worth of the bytes it has seen lately, and draws the line where a given share of them lies below. So one
//! pass over a segment suffices, in steps as short as one likes, and what is kept adapts to the load.

/// Bins of the histogram: four for each power of two.
const BINS: usize = 128;
const BINS_PER_DOUBLING: u32 = 4;
/// The worth of one hit per byte; large, so that it is a whole number.
const SCALE_BITS: u32 = 24;
const NO_LINE: (usize, u64) = (0, 0);

/// Sees entries one by one.
#[derive(Debug)]
pub(super) struct Judge {
    /// Bytes seen in each bin, halved from time to time.
    seen: Box<[u64; BINS]>,
    total: u64,
    /// Bytes after which the counts are halved and the line is drawn anew.
    period: u64,
    since_drawn: u64,
    /// Bins below the first part are dropped, and of the bin itself so many of 256.
    line: (usize, u64),
    /// Of 256 bytes seen, so many are to be dropped.
    drop_share: u64,
    /// Changes with each entry. Were those on the line told apart by their keys alone, the same ones would be
    /// kept each time, and where all are on the line nothing would ever be dropped.
    turn: u64,
}

impl Judge {
    /// A judge that drops `drop_share` of 256 bytes and looks back on about `memory_bytes`.
    pub(super) fn new(memory_bytes: u64, drop_share: u64) -> Judge {
        Judge {
            seen: Box::new([0; BINS]),
            total: 0,
            period: (memory_bytes / 8).max(1),
            since_drawn: 0,
            line: NO_LINE,
            drop_share,
            turn: 0,
        }
    }

    /// Whether an entry of that heat and size is kept. `salt` decides for those on the line.
    pub(super) fn keeps(&mut self, heat: u8, bytes: usize, salt: u64) -> bool {
        let bin = bin_of(heat, bytes);
        self.seen[bin] += bytes as u64;
        self.total += bytes as u64;
        self.since_drawn += bytes as u64;
        if self.since_drawn >= self.period || self.total < self.period {
            self.draw_line();
        }
        let (line, of_256) = self.line;
        self.turn = self.turn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bin > line || (bin == line && ((salt ^ self.turn) >> 16 & 0xff) >= of_256)
    }

    fn draw_line(&mut self) {
        if self.since_drawn >= self.period {
            self.since_drawn = 0;
            if self.total > 8 * self.period {
                self.seen.iter_mut().for_each(|bytes| *bytes /= 2);
                self.total = self.seen.iter().sum();
            }
        }
        let mut to_drop = self.total * self.drop_share / 256;
        for (bin, bytes) in self.seen.iter().enumerate() {
            if *bytes >= to_drop {
                self.line = (bin, to_drop * 256 / (*bytes).max(1));
                return;
            }
            to_drop -= bytes;
        }
    }
}

fn bin_of(heat: u8, bytes: usize) -> usize {
    // An entry that was never read has a little worth, so that among those the small ones are kept.
    let worth =
        (((2 * u64::from(heat) + 1) << SCALE_BITS) / bytes.max(1) as u64).max(BINS_PER_DOUBLING as u64);
    let doubling = worth.ilog2();
    let quarter = (worth >> (doubling - 2)) & 3;
    ((doubling * BINS_PER_DOUBLING) as usize + quarter as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_its_share_of_entries_that_are_all_alike_and_of_those_it_kept() {
        let mut judge = Judge::new(100_000, 96);
        let mut alive: Vec<u64> =
            (0..10_000_u64).map(|key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        for _ in 0..5 {
            let before = alive.len();
            alive.retain(|key| judge.keeps(1, 4096, *key));
            let share = alive.len() as f64 / before as f64;
            assert!((0.57..0.68).contains(&share), "{share}");
        }
    }

    #[test]
    fn drops_the_given_share_and_the_least_worth() {
        let mut judge = Judge::new(100_000, 64);
        let (mut kept, mut seen, mut wrong) = (0, 0, 0);
        for step in 0..100_000_u64 {
            let (heat, bytes) = ((step % 16) as u8, 100 + (step * 7919 % 1000) as usize);
            let keeps = judge.keeps(heat, bytes, step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if step > 2000 {
                (kept, seen) = (kept + if keeps { bytes } else { 0 }, seen + bytes);
                wrong += usize::from(heat == 15 && bytes < 300 && !keeps);
                wrong += usize::from(heat == 0 && bytes > 900 && keeps);
            }
        }
        let share = kept as f64 / seen as f64;
        assert!((0.72..0.78).contains(&share), "{share}");
        assert_eq!(wrong, 0);
    }
}
