//! How a key is divided into quotient and remainder.

use crate::Error;

/// How many bits of a key choose its home slot, and how many are stored in it.
///
/// The quotient is the upper part of the key, so filters iterate in key order. With keys of exactly
/// `quotient_bits + remainder_bits` bits the filter is an exact counted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The filter has 2^quotient_bits home slots; 1..=40.
    pub quotient_bits: u32,
    /// Bits stored per slot; 1..=62.
    pub remainder_bits: u32,
}

/// A filter sized by `with_capacity` is at most this full, in hundredths.
const PLANNED_LOAD_PERCENT: u64 = 95;

impl Shape {
    /// The smallest shape for keys of `key_bits` bits that holds `slots` taken slots at 95 % load.
    ///
    /// A key takes one slot, and more if it is counted more than once: see the crate's page. If so many
    /// slots cannot be had for keys so narrow, the widest quotient that leaves one bit for the remainder.
    ///
    /// # Errors
    /// [`Error::BadShape`] if no shape fits.
    pub fn for_slots(slots: u64, key_bits: u32) -> Result<Self, Error> {
        let needed = u128::from(slots) * 100 / u128::from(PLANNED_LOAD_PERCENT) + 1;
        let quotient_bits = (u128::BITS - (needed - 1).leading_zeros()).max(1);
        // A narrow key leaves at least one bit for the remainder; a wide one at most 62.
        let quotient_bits = quotient_bits.max(key_bits.saturating_sub(62)).min(key_bits.saturating_sub(1));
        let shape = Self { quotient_bits, remainder_bits: key_bits.saturating_sub(quotient_bits) };
        shape.check().map(|()| shape)
    }

    /// Bits of a whole key.
    pub fn key_bits(self) -> u32 {
        self.quotient_bits + self.remainder_bits
    }

    /// Home slots, 2^quotient_bits.
    pub fn home_slots(self) -> u64 {
        1 << self.quotient_bits
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        let fits = (1..=40).contains(&self.quotient_bits)
            && (1..=62).contains(&self.remainder_bits)
            && self.key_bits() <= 64;
        let Self { quotient_bits, remainder_bits } = self;
        if fits { Ok(()) } else { Err(Error::BadShape { quotient_bits, remainder_bits }) }
    }

    /// The shape after giving one bit of the remainder to the quotient.
    pub(crate) fn grown(self) -> Result<Self, Error> {
        let grown = Self {
            quotient_bits: self.quotient_bits + 1,
            remainder_bits: self.remainder_bits.saturating_sub(1),
        };
        let Self { quotient_bits, remainder_bits } = self;
        grown.check().map_err(|_| Error::CannotGrow { quotient_bits, remainder_bits })?;
        Ok(grown)
    }

    /// Whether a key has no bits beyond the stored ones.
    #[inline]
    pub(crate) fn holds(self, key: u64) -> bool {
        self.key_bits() == 64 || key >> self.key_bits() == 0
    }

    #[inline]
    pub(crate) fn split(self, key: u64) -> (usize, u64) {
        let remainder = key & ((1 << self.remainder_bits) - 1);
        ((key >> self.remainder_bits) as usize, remainder)
    }

    #[inline]
    pub(crate) fn join(self, quotient: usize, remainder: u64) -> u64 {
        (quotient as u64) << self.remainder_bits | remainder
    }

    /// Blocks of 64 slots: all home slots, and a tail into which the last runs may be pushed.
    pub(crate) fn blocks(self) -> usize {
        // What is pushed past the end is about the square root of the slots (Pandey et al.).
        let tail = 10 << self.quotient_bits.div_ceil(2);
        ((self.home_slots() + tail) as usize).div_ceil(64)
    }
}
