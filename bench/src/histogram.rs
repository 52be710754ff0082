//! Latencies in buckets that grow by an eighth, so that a percentile is known to within an eighth.

/// Counts of durations in nanoseconds.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    largest: u64,
}

const STEPS: u64 = 8;

fn bucket(nanoseconds: u64) -> usize {
    let value = nanoseconds.max(STEPS);
    let exponent = u64::from(value.ilog2());
    let step = (value >> (exponent - 3)) - STEPS;
    ((exponent - 3) * STEPS + step) as usize
}

fn upper_end(bucket: usize) -> u64 {
    let (exponent, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    ((STEPS + step + 1) << exponent) - 1
}

impl Histogram {
    pub(crate) fn new() -> Histogram {
        Histogram { counts: vec![0; 62 * STEPS as usize], total: 0, largest: 0 }
    }

    pub(crate) fn add(&mut self, nanoseconds: u64) {
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
        self.largest = self.largest.max(nanoseconds);
    }

    /// Adds what another one has counted.
    pub(crate) fn add_all(&mut self, other: &Histogram) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.total += other.total;
        self.largest = self.largest.max(other.largest);
    }

    /// The duration that `share` of all do not exceed.
    pub(crate) fn percentile(&self, share: f64) -> u64 {
        let rank = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_end(bucket).min(self.largest);
            }
        }
        self.largest
    }

    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_an_eighth() {
        let mut histogram = Histogram::new();
        for nanoseconds in 1..=10_000 {
            histogram.add(nanoseconds);
        }
        for (share, exact) in [(0.5, 5000.0), (0.99, 9900.0), (0.999, 9990.0), (1.0, 10_000.0)] {
            let found = histogram.percentile(share) as f64;
            assert!((exact..=exact * 1.125).contains(&found), "{share}: {found}");
        }
        assert_eq!(histogram.largest(), 10_000);
        histogram.add(u64::MAX);
        assert_eq!(histogram.largest(), u64::MAX);
    }
}
