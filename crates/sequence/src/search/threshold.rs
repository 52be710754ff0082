//! How many k-mers a threshold asks for.

use crate::Error;

/// Refuses what is no share.
pub(super) fn check(threshold: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&threshold) { Ok(()) } else { Err(Error::InvalidThreshold { threshold }) }
}

/// The smallest number of k-mers, at least 1, whose share of `kmers` is not below `threshold`.
///
/// This is the product rounded up, but with the share compared as it is shown: 0.07 of 100 k-mers are 7,
/// although 0.07 * 100 is a little above 7 in binary floating point.
pub(super) fn needed(kmers: u64, threshold: f64) -> u64 {
    let share = |found: u64| found as f64 / kmers as f64;
    let mut needed = ((threshold * kmers as f64).ceil() as u64).min(kmers);
    while needed > 0 && share(needed - 1) >= threshold {
        needed -= 1;
    }
    while needed < kmers && share(needed) < threshold {
        needed += 1;
    }
    needed.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_thresholds_mean_what_they_say() {
        for kmers in 1..=1000u64 {
            for percent in 0..=100u64 {
                let threshold: f64 =
                    format!("{}.{:02}", percent / 100, percent % 100).parse().expect("number");
                let expected = (percent * kmers).div_ceil(100).max(1);
                assert_eq!(needed(kmers, threshold), expected, "{percent} % of {kmers}");
            }
        }
    }

    #[test]
    fn only_shares_are_thresholds() {
        assert!(check(0.0).is_ok() && check(1.0).is_ok());
        for threshold in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(check(threshold).is_err());
        }
    }
}
