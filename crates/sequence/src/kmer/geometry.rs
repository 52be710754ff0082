//! What decides the k-mers of an index and their partitions: k, minimizer length, number of partitions.

/// Smallest k.
pub const MIN_K: u8 = 3;
/// Largest k: two bits a base fit a word of 128 bits.
pub const MAX_K: u8 = 63;
/// Largest k whose k-mers fit a word of 64 bits.
const MAX_NARROW_K: u8 = 31;

/// Longest minimizer: four million m-mers spread well over any number of partitions, and the longer the
/// minimizer, the more often it changes along a sequence.
const LONGEST_MINIMIZER: u8 = 11;

const MAX_PARTITION_BITS: u8 = 12;

/// Bases in the minimizers of an index of this k.
pub(crate) fn usual_minimizer_length(k: u8) -> u8 {
    k.min(LONGEST_MINIMIZER)
}

/// Why no index can have these settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// Even k would let a k-mer be its own reverse complement; others do not fit a word.
    #[error(
        "k = {k} is not supported: choose an odd k from {MIN_K} to {MAX_K} (with an even one a k-mer may be its own \
         reverse complement)"
    )]
    UnsupportedK {
        /// The k asked for.
        k: u8,
    },
    /// The minimizer length is zero or above k.
    #[error("a minimizer of {minimizer_length} bases does not fit k = {k}")]
    UnsupportedMinimizer {
        /// The k asked for.
        k: u8,
        /// The minimizer length asked for.
        minimizer_length: u8,
    },
    /// More partitions than supported.
    #[error("{bits} partition bits are not supported: choose 0 to {MAX_PARTITION_BITS}")]
    UnsupportedPartitions {
        /// log2 of the number of partitions asked for.
        bits: u8,
    },
}

/// k, minimizer length and number of partitions: equal in all layers of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    k: u8,
    minimizer_length: u8,
    partition_bits: u8,
}

impl Geometry {
    /// For an odd `k` from 3 to 63 and `2^partition_bits` partitions (0 to 12 bits), with the usual minimizer length.
    ///
    /// # Errors
    /// [`GeometryError`] when one of them is not supported.
    pub fn new(k: u8, partition_bits: u8) -> Result<Self, GeometryError> {
        Self::from_parts(k, usual_minimizer_length(k), partition_bits)
    }

    /// As [`new`](Self::new), with the minimizer length read from a file.
    pub(crate) fn from_parts(k: u8, minimizer_length: u8, partition_bits: u8) -> Result<Self, GeometryError> {
        if !(MIN_K..=MAX_K).contains(&k) || k.is_multiple_of(2) {
            return Err(GeometryError::UnsupportedK { k });
        }
        if minimizer_length == 0 || minimizer_length > k {
            return Err(GeometryError::UnsupportedMinimizer { k, minimizer_length });
        }
        if partition_bits > MAX_PARTITION_BITS {
            return Err(GeometryError::UnsupportedPartitions { bits: partition_bits });
        }
        Ok(Geometry { k, minimizer_length, partition_bits })
    }

    /// Bases in a k-mer.
    pub fn k(&self) -> u8 {
        self.k
    }

    /// Bases in a minimizer.
    pub fn minimizer_length(&self) -> u8 {
        self.minimizer_length
    }

    /// log2 of the number of partitions.
    pub fn partition_bits(&self) -> u8 {
        self.partition_bits
    }

    /// Number of partitions, a power of two.
    pub fn partitions(&self) -> u32 {
        1 << self.partition_bits
    }

    /// Bytes of the word that holds a k-mer: 8 to k = 31, then 16.
    pub fn word_bytes(&self) -> u8 {
        if self.is_wide() { 16 } else { 8 }
    }

    /// Whether a k-mer needs a word of 128 bits.
    pub fn is_wide(&self) -> bool {
        self.k > MAX_NARROW_K
    }

    /// Bits that a k-mer takes: two a base.
    pub fn kmer_bits(&self) -> u32 {
        2 * u32::from(self.k)
    }

    /// The partition of a minimizer's hash. Being the smallest of its window the hash has no uniform high
    /// bits, so it is multiplied out first (Fibonacci hashing).
    #[inline]
    pub(crate) fn partition_of(&self, minimizer_hash: u64) -> u32 {
        let spread = minimizer_hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Two shifts, because a shift by all 64 bits (one partition) is not defined.
        ((spread >> 1) >> (63 - u32::from(self.partition_bits))) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_does_not_fit() {
        for k in [0, 1, 2, 4, 30, 32, 62, 64, 65, 255] {
            assert_eq!(Geometry::new(k, 6), Err(GeometryError::UnsupportedK { k }));
        }
        assert!(Geometry::new(31, 13).is_err());
        assert!(Geometry::from_parts(5, 6, 0).is_err());
        assert!(Geometry::from_parts(5, 0, 0).is_err());
    }

    #[test]
    fn every_hash_has_a_partition_in_range() {
        for bits in 0..=12 {
            let geometry = Geometry::new(31, bits).expect("valid");
            for hash in [0, 1, u64::MAX, 1 << 63, 0x1234_5678_9abc_def0] {
                assert!(geometry.partition_of(hash) < geometry.partitions());
            }
        }
    }
}
