//! Which m-mer of a k-mer tells where to look for it: the same one for many neighbours, and for both strands.
//!
//! Among the t-mers of the k-mer the leftmost with the smallest hash is at some place x; the m-mer at x mod w is the
//! sample, where w = k - m + 1 is the number of m-mers (Groot Koerkamp, Pibiri: "The mod-minimizer: a simple and
//! efficient sampling algorithm for long k-mers", WABI 2024). With t = m that is the minimizer. t is congruent to m
//! modulo w, so that the number of t-mers is a multiple of w; then both strands have the same sample: the place x from
//! the left is the place j·w - 1 - x from the right, and the m-mer is at w - 1 - (x mod w).

use stroma_quotient::Key;

use super::oriented::{Length, Oriented};

/// Shortest t: shorter ones would be smallest at several places of a k-mer too often.
const SHORTEST_INNER: u32 = 6;
/// Longest m: an m-mer is a word of 64 bits.
const LONGEST: u32 = 31;

/// m and t for a k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sampling {
    pub(super) k: u32,
    pub(super) m: u32,
    pub(super) t: u32,
}

/// The sampled m-mer of each direction of a k-mer: the same one, but where several t-mers have the smallest hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Distance from the k-mer's first base to the m-mer's, reading forward.
    pub(super) offset: u32,
    /// Hash of the m-mer, the same for both strands.
    pub(super) hash: u64,
}

impl Sampling {
    /// For a number of k-mers: m-mers are long enough to be rarely at several places, and sampled as seldom as can be.
    pub(super) fn choose(k: u32, kmers: u64) -> Sampling {
        let digits = u64::BITS - kmers.leading_zeros();
        let shortest = (digits.div_ceil(2) + 1).clamp(1, k.min(LONGEST));
        let candidates = (shortest..=k.min(LONGEST)).flat_map(|m| {
            let w = k - m + 1;
            let least = SHORTEST_INNER.min(m);
            (least..=m).filter(move |t| (m - t) % w == 0).map(move |t| Sampling { k, m, t })
        });
        // A minimizer is the smallest of w, which are not as many different ones: it is a base or two longer.
        let fits = |s: &Sampling| s.t < s.m || s.m > shortest || s.m == k.min(LONGEST);
        let best = candidates.filter(fits).min_by(|a, b| a.density().total_cmp(&b.density()));
        best.unwrap_or(Sampling { k, m: shortest, t: shortest })
    }

    /// Share of the m-mers of a long random string that are sampled: (⌊(k - t) / w⌋ + 2) / (k - t + 2), as the paper
    /// has it.
    pub(super) fn density(&self) -> f64 {
        let inner = self.k - self.t;
        f64::from(inner / self.window() + 2) / f64::from(inner + 2)
    }

    /// Whether these numbers can be sampled by: for what was read from a file.
    pub(super) fn is_valid(&self) -> bool {
        let Sampling { k, m, t } = *self;
        (1..=63).contains(&k)
            && (1..=k.min(LONGEST)).contains(&m)
            && (1..=m).contains(&t)
            && (m - t) % (k - m + 1) == 0
    }

    /// m-mers in a k-mer.
    fn window(&self) -> u32 {
        self.k - self.m + 1
    }

    /// Where the m-mer lies in the reverse complement of a k-mer in which it lies at `offset`.
    pub(super) fn offset_reversed(&self, offset: u32) -> u32 {
        self.k - self.m - offset
    }

    fn sample<W: Key>(&self, kmer: Oriented<W>, place: u32) -> Sample {
        let offset = place % self.window();
        let forward = (kmer.forward >> (2 * self.offset_reversed(offset))).low() & mask(self.m);
        let reverse = (kmer.reverse >> (2 * offset)).low() & mask(self.m);
        Sample { offset, hash: mix(forward.min(reverse)) }
    }

    /// The samples of a k-mer: that of its forward, and that of its reverse direction, both placed in the forward one.
    pub(super) fn samples<W: Key>(&self, kmer: Oriented<W>) -> [Sample; 2] {
        let (mut smallest, mut first, mut last) = (u64::MAX, 0, 0);
        let count = self.k - self.t + 1;
        for place in 0..count {
            let forward = (kmer.forward >> (2 * (count - 1 - place))).low() & mask(self.t);
            let reverse = (kmer.reverse >> (2 * place)).low() & mask(self.t);
            let hash = order(forward.min(reverse));
            if hash < smallest {
                (smallest, first) = (hash, place);
            }
            if hash == smallest {
                last = place;
            }
        }
        let forward = self.sample(kmer, first);
        [forward, if first == last { forward } else { self.sample(kmer, last) }]
    }
}

fn mask(bases: u32) -> u64 {
    u64::MAX >> (64 - 2 * bases)
}

/// The order of t-mers: one multiplication spreads them well enough.
#[inline]
fn order(word: u64) -> u64 {
    (word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The finalizer of MurmurHash3.
#[inline]
pub(super) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

/// Slides along a string and tells the samples of each k-mer in constant time on average.
#[derive(Clone, Debug)]
pub(super) struct Slider {
    sampling: Sampling,
    inner: Length<u64>,
    outer: Length<u64>,
    /// The last t and the last m bases.
    short: Oriented<u64>,
    long: Oriented<u64>,
    /// Hashes of the last t-mers, and the last m-mers, canonical.
    orders: [u64; SLOTS],
    words: [u64; SLOTS],
    /// The leftmost and the rightmost of the smallest t-mers.
    smallest_at: u64,
    smallest_last: u64,
    /// Bases since the string began.
    run: u64,
}

/// More than the t-mers of any k-mer.
const SLOTS: usize = 64;

impl Slider {
    pub(super) fn new(sampling: Sampling) -> Self {
        let none = Oriented { forward: 0, reverse: 0 };
        Slider {
            sampling,
            inner: Length::new(sampling.t),
            outer: Length::new(sampling.m),
            short: none,
            long: none,
            orders: [0; SLOTS],
            words: [0; SLOTS],
            smallest_at: 0,
            smallest_last: 0,
            run: 0,
        }
    }

    /// The next string begins.
    pub(super) fn restart(&mut self) {
        self.run = 0;
    }

    /// Takes the next base; the [samples](Sampling::samples) of the k-mer that ends with it, once there are k.
    #[inline]
    pub(super) fn push(&mut self, code: u64) -> Option<[Sample; 2]> {
        let (k, t) = (u64::from(self.sampling.k), u64::from(self.sampling.t));
        self.short = self.inner.step(self.short, code);
        self.long = self.outer.step(self.long, code);
        self.run += 1;
        let run = self.run;
        self.words[run as usize % SLOTS] = self.long.canonical();
        if run < t {
            return None;
        }
        let new = order(self.short.canonical());
        self.orders[run as usize % SLOTS] = new;
        // t-mers are told by where they end. The k-mer's first one ends at run - k + t.
        let smallest = self.orders[self.smallest_at as usize % SLOTS];
        if run == t || new < smallest {
            (self.smallest_at, self.smallest_last) = (run, run);
        } else if self.smallest_at + k < run + t {
            self.search_window(run + t - k);
        } else if new == smallest {
            self.smallest_last = run;
        }
        if run < k {
            return None;
        }
        let forward = self.sample(self.smallest_at);
        let is_one = self.smallest_at == self.smallest_last;
        Some([forward, if is_one { forward } else { self.sample(self.smallest_last) }])
    }

    /// Finds the smallest t-mers from the one that ends at `first` on.
    fn search_window(&mut self, first: u64) {
        let mut smallest = u64::MAX;
        for at in first..=self.run {
            let order = self.orders[at as usize % SLOTS];
            if order < smallest {
                (smallest, self.smallest_at) = (order, at);
            }
            if order == smallest {
                self.smallest_last = at;
            }
        }
    }

    /// The sample of the last k-mer by its t-mer that ends at `at`.
    #[inline]
    fn sample(&self, at: u64) -> Sample {
        let Sampling { k, m, t } = self.sampling;
        let begin = self.run - u64::from(k);
        let offset = (at - u64::from(t) - begin) as u32 % self.sampling.window();
        let word = self.words[(begin + u64::from(offset + m)) as usize % SLOTS];
        Sample { offset, hash: mix(word) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_and_the_slider_agree_for_every_k() {
        for k in (3..=63).step_by(2) {
            for kmers in [10, 100_000, 1 << 25, 1 << 36] {
                let sampling = Sampling::choose(k, kmers);
                assert!(sampling.is_valid(), "{sampling:?}");
                let (length, mut slider) = (Length::<u128>::new(k), Slider::new(sampling));
                let (mut state, mut at) = (u64::from(k), length.oriented(0));
                for round in 1..500_u64 {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    // Stretches of one base make ties.
                    let code = if round % 90 > 60 { 2 } else { state >> 62 };
                    at = length.step(at, code);
                    let slid = slider.push(code);
                    if round < k.into() {
                        assert_eq!(slid, None);
                        continue;
                    }
                    let [forward, reverse] = sampling.samples(at);
                    assert_eq!(slid, Some([forward, reverse]), "{sampling:?}");
                    let flipped = sampling.samples(at.flipped());
                    let turned = |s: Sample| Sample { offset: sampling.offset_reversed(s.offset), ..s };
                    assert_eq!(flipped, [turned(reverse), turned(forward)], "{sampling:?}");
                }
            }
        }
    }

    #[test]
    fn long_samples_are_chosen_where_they_are_rarer() {
        assert_eq!(Sampling::choose(23, 41_869_885), Sampling { k: 23, m: 15, t: 6 });
        assert!(!Sampling { k: 23, m: 15, t: 7 }.is_valid());
        assert!(!Sampling { k: 23, m: 0, t: 0 }.is_valid());
    }
}
