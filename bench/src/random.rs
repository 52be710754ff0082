//! Seeded random numbers, so that every run and every engine does the same work.

pub(crate) use stroma_bench_allocators::{Random, mix};

/// Zipfian numbers by rejection-free inversion (Gray et al., "Quickly generating billion-record synthetic
/// databases", SIGMOD 1994), as YCSB draws them; popular ones lie scattered over all items.
pub(crate) struct Zipfian {
    items: u64,
    theta: f64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipfian {
    /// Over `items` numbers; linear time.
    pub(crate) fn new(items: u64, theta: f64) -> Zipfian {
        let zeta: f64 = (1..=items).map(|rank| (rank as f64).powf(-theta)).sum();
        let zeta_of_two = 1.0 + 0.5_f64.powf(theta);
        let eta = (1.0 - (2.0 / items as f64).powf(1.0 - theta)) / (1.0 - zeta_of_two / zeta);
        Zipfian { items, theta, zeta, alpha: 1.0 / (1.0 - theta), eta }
    }

    /// The next number below the number of items.
    pub(crate) fn draw(&self, random: &mut Random) -> u64 {
        mix(self.draw_rank(random)) % self.items
    }

    /// The next rank: 0 is drawn most often.
    pub(crate) fn draw_rank(&self, random: &mut Random) -> u64 {
        let unit = random.unit();
        let scaled = unit * self.zeta;
        if scaled < 1.0 {
            0
        } else if scaled < 1.0 + 0.5_f64.powf(self.theta) {
            1
        } else {
            (self.items as f64 * (self.eta * unit - self.eta + 1.0).powf(self.alpha)) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipfian_numbers_are_in_range_and_a_few_are_popular() {
        let zipfian = Zipfian::new(1000, 0.99);
        let mut random = Random(1);
        let mut counts = vec![0_u32; 1000];
        for _ in 0..20_000 {
            counts[zipfian.draw(&mut random) as usize] += 1;
        }
        counts.sort_unstable();
        assert!(counts[999] > 2000 && counts[999] < 4000, "the first of 1000 has about an eighth");
    }
}
