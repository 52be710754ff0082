//! How a key is divided into quotient and remainder, and how large a filter is.

use crate::find::{Sought, shifted};
use crate::{Error, Key};

/// The width of keys and values, and the number of home slots.
///
/// A key is divided by a number close to 2^`key_bits` / `home_slots`: the quotient is its home slot, the
/// remainder is stored. So filters iterate in key order, and a filter is exact for keys of that width. The
/// divisor has eight significant bits, so that dividing costs one multiplication: of the number of slots
/// asked for, up to one in 128 more are made. Powers of two are met exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    key_bits: u32,
    value_bits: u32,
    /// The divisor is `mantissa << exponent`; the mantissa is below 256, and at least 128 unless the exponent
    /// is 0.
    mantissa: u32,
    exponent: u32,
}

/// A filter sized by `for_slots` is at most this full, in hundredths.
const PLANNED_LOAD_PERCENT: u64 = 95;
/// More home slots than any memory holds; keeps all arithmetic on slots far from overflow.
const MOST_HOME_SLOTS: u64 = 1 << 40;
const MANTISSA_BITS: u32 = 8;

impl Shape {
    /// A shape for keys of `key_bits` bits (2 ..= 128) with at least `home_slots` home slots.
    ///
    /// `home_slots` is 2 ..= 2^40, and at most half as many as there are keys.
    ///
    /// # Errors
    /// [`Error::BadShape`].
    pub fn new(key_bits: u32, home_slots: u64) -> Result<Self, Error> {
        let bad = Error::BadShape { key_bits, home_slots, value_bits: 0 };
        if !(2..=128).contains(&key_bits) || !(2..=MOST_HOME_SLOTS).contains(&home_slots) {
            return Err(bad);
        }
        let (greatest, slots) = (<u128 as Key>::mask(key_bits), u128::from(home_slots));
        let divisor = greatest / slots + u128::from(greatest % slots == slots - 1);
        let exponent = (u128::BITS - divisor.leading_zeros()).saturating_sub(MANTISSA_BITS);
        let mantissa = (divisor >> exponent) as u32;
        let shape = Self { key_bits, value_bits: 0, mantissa, exponent };
        if divisor < 2 || shape.home_slots() > MOST_HOME_SLOTS { Err(bad) } else { Ok(shape) }
    }

    /// The smallest shape for keys of `key_bits` bits that holds `slots` taken slots at 95 % load.
    ///
    /// A key takes one slot, and more if it is counted more than once: see the crate's page. If so many
    /// slots cannot be had for keys so narrow, the most that leave a remainder of one bit.
    ///
    /// # Errors
    /// [`Error::BadShape`] if no shape fits.
    pub fn for_slots(slots: u64, key_bits: u32) -> Result<Self, Error> {
        let needed = u128::from(slots) * 100 / u128::from(PLANNED_LOAD_PERCENT) + 1;
        let most = 1 << key_bits.clamp(2, 128).saturating_sub(1);
        Self::new(key_bits, u64::try_from(needed.clamp(2, most)).unwrap_or(u64::MAX))
    }

    /// The same shape with a value of so many bits (0 ..= 64) beside each remainder.
    #[must_use]
    pub fn with_value_bits(self, value_bits: u32) -> Self {
        Self { value_bits, ..self }
    }

    /// The same widths with another number of home slots.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn resized(self, home_slots: u64) -> Result<Self, Error> {
        Self::new(self.key_bits, home_slots).map(|shape| shape.with_value_bits(self.value_bits))
    }

    /// As [`for_slots`](Self::for_slots), of the same widths; larger where a value leaves a slot of the type
    /// no room for the remainder of so few.
    pub(crate) fn refitted<K: Key>(self, slots: u64) -> Result<Self, Error> {
        let mut shape = Self::for_slots(slots, self.key_bits)?.with_value_bits(self.value_bits);
        while shape.slot_bits() > K::BITS {
            shape = shape.resized(shape.home_slots() * 2)?;
        }
        Ok(shape)
    }

    /// Bits of a whole key.
    pub fn key_bits(self) -> u32 {
        self.key_bits
    }

    /// Bits of a value; 0 for a filter that only counts.
    pub fn value_bits(self) -> u32 {
        self.value_bits
    }

    /// Bits of a key that are stored in its slot.
    pub fn remainder_bits(self) -> u32 {
        u128::BITS - (self.divisor() - 1).leading_zeros()
    }

    /// Bits of a slot without the bits that say what it is: a remainder and a value.
    pub fn slot_bits(self) -> u32 {
        self.remainder_bits() + self.value_bits
    }

    /// Home slots: how many quotients there are.
    pub fn home_slots(self) -> u64 {
        (<u128 as Key>::mask(self.key_bits) / self.divisor() + 1) as u64
    }

    fn divisor(self) -> u128 {
        u128::from(self.mantissa) << self.exponent
    }

    /// Blocks of 64 slots: all home slots, and a tail into which the last runs may be pushed.
    pub(crate) fn blocks(self) -> usize {
        let slots = self.home_slots();
        // The last runs are pushed past the end by k slots with a probability of about e^(-2k(1 - load)); of
        // few slots that grows with the square root of their number at most.
        let tail = (2 * slots.isqrt() + 64).min(1024);
        ((slots + tail) as usize).div_ceil(64)
    }

    /// The numbers of the stored form.
    pub(crate) fn to_parts(self) -> [u32; 4] {
        [self.key_bits, self.value_bits, self.mantissa, self.exponent]
    }

    /// The shape of these numbers, if `new` could have made it.
    pub(crate) fn from_parts([key_bits, value_bits, mantissa, exponent]: [u32; 4]) -> Result<Self, Error> {
        let made_so = (1 << (MANTISSA_BITS - 1)..1 << MANTISSA_BITS).contains(&mantissa)
            || exponent == 0 && (2..1 << (MANTISSA_BITS - 1)).contains(&mantissa);
        let shape = Self { key_bits, value_bits, mantissa, exponent };
        let narrow = (2..=128).contains(&key_bits) && exponent < 128 && value_bits <= 64;
        if !made_so || !narrow || u128::BITS - u128::from(mantissa).leading_zeros() + exponent > key_bits {
            return Err(Error::BadShape { key_bits, home_slots: 0, value_bits });
        }
        // In floating point first: as a number of slots it might not fit.
        let slots = (f64::from(key_bits) - f64::from(exponent)).exp2() / f64::from(mantissa);
        if slots > 2.0 * MOST_HOME_SLOTS as f64 || !(2..=MOST_HOME_SLOTS).contains(&shape.home_slots()) {
            return Err(Error::BadShape { key_bits, home_slots: slots as u64, value_bits });
        }
        Ok(shape)
    }
}

/// A shape worked out for keys of one type, so that dividing a key is cheap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Division {
    pub(crate) key_bits: u32,
    pub(crate) value_bits: u32,
    pub(crate) slot_bits: u32,
    /// All bits of a value.
    pub(crate) value_mask: u64,
    /// Bits of the type that keys do not have.
    spare_bits: u32,
    mantissa: u64,
    exponent: u32,
    /// 2^64 / mantissa, rounded up.
    reciprocal: u64,
}

impl Division {
    /// # Errors
    /// [`Error::BadShape`] if keys or slots are wider than the type.
    pub(crate) fn new<K: Key>(shape: Shape) -> Result<Self, Error> {
        let Shape { key_bits, value_bits, mantissa, exponent } = shape;
        if key_bits > K::BITS || value_bits > 64 || shape.slot_bits() > K::BITS {
            return Err(Error::BadShape { key_bits, home_slots: shape.home_slots(), value_bits });
        }
        let mantissa = u64::from(mantissa);
        let (slot_bits, reciprocal) = (shape.slot_bits(), u64::MAX / mantissa + 1);
        let (value_mask, spare_bits) = (<u64 as Key>::mask(value_bits), K::BITS - key_bits);
        Ok(Self { key_bits, value_bits, slot_bits, value_mask, spare_bits, mantissa, exponent, reciprocal })
    }

    /// Whether a key has no bits beyond those of the shape.
    #[inline(always)]
    pub(crate) fn holds<K: Key>(&self, key: K) -> bool {
        key <= K::MAX >> self.spare_bits
    }

    /// Whether a value has no bits beyond those of the shape.
    #[inline(always)]
    pub(crate) fn holds_value(&self, value: u64) -> bool {
        value <= self.value_mask
    }

    /// Quotient and remainder.
    #[inline(always)]
    pub(crate) fn split<K: Key>(&self, key: K) -> (usize, K) {
        // At most 49 bits are left: 2^40 slots and the mantissa. Then the product by the reciprocal, whose
        // error is below 1 in 2^56, gives the exact quotient (Granlund, Montgomery, PLDI 1994).
        let upper = (key >> self.exponent).low();
        let quotient = ((u128::from(upper) * u128::from(self.reciprocal)) >> 64) as u64;
        (quotient as usize, key - (K::from(quotient * self.mantissa) << self.exponent))
    }

    /// What to look for to find a key.
    #[inline(always)]
    pub(crate) fn sought<K: Key>(&self, key: K) -> Sought<K> {
        let (quotient, remainder) = self.split(key);
        Sought { quotient, wanted: shifted(remainder, self.value_bits), low: K::from(self.value_mask) }
    }

    /// The key of a quotient and a remainder.
    #[inline(always)]
    pub(crate) fn join<K: Key>(&self, quotient: usize, remainder: K) -> K {
        (K::from(quotient as u64 * self.mantissa) << self.exponent) + remainder
    }

    /// As [`join`](Self::join), and some number where there is no such key.
    #[inline(always)]
    pub(crate) fn join_wrapping<K: Key>(&self, quotient: usize, remainder: K) -> K {
        (K::from(quotient as u64 * self.mantissa) << self.exponent).wrapping_add(remainder)
    }

    /// Whether a quotient and a remainder are those of some key.
    pub(crate) fn is_key<K: Key>(&self, quotient: usize, remainder: K) -> bool {
        let first: u128 = K::from(quotient as u64 * self.mantissa).into() << self.exponent;
        let remainder: u128 = remainder.into();
        remainder < u128::from(self.mantissa) << self.exponent
            && remainder <= <u128 as Key>::mask(self.key_bits).saturating_sub(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dividing_is_exact_ordered_and_undone() {
        for key_bits in [2, 3, 7, 12, 40, 46, 62, 63, 64, 65, 126, 128] {
            for slots in [2, 3, 64, 100, 129, 255, 1000, 12_345, 1 << 20, 3 << 30, 1 << 40] {
                let Ok(shape) = Shape::new(key_bits, slots) else {
                    assert!(key_bits < 64 && slots > 1 << (key_bits - 1), "{key_bits} {slots}");
                    continue;
                };
                assert!(shape.home_slots() >= slots);
                // With a divisor of fewer than eight bits, sizes are far apart.
                let coarse = slots > 1 << key_bits.min(63).saturating_sub(7);
                let allowed = if coarse { slots * 2 } else { slots + slots / 128 + 1 };
                assert!(shape.home_slots() <= allowed, "{shape:?} {slots}");
                assert_eq!(Shape::from_parts(shape.to_parts()).expect("made by new"), shape);
                let greatest = <u128 as Key>::mask(key_bits);
                let division = Division::new::<u128>(shape).expect("fits");
                let steps = (0..2000u128).map(|step| greatest / 1999 * step);
                for key in steps.chain([greatest, greatest - 1]).filter(|key| *key <= greatest) {
                    let (quotient, remainder) = division.split(key);
                    assert_eq!(quotient as u128, key / shape.divisor());
                    assert!(division.is_key(quotient, remainder));
                    assert_eq!(division.join(quotient, remainder), key);
                    if let Ok(narrow) = Division::new::<u64>(shape) {
                        assert_eq!(narrow.split(key as u64), (quotient, remainder as u64));
                    }
                }
            }
        }
    }

    #[test]
    fn powers_of_two_are_met_exactly() {
        for bits in 1..=40 {
            let shape = Shape::new(60, 1 << bits).expect("possible");
            assert_eq!((shape.home_slots(), shape.remainder_bits()), (1 << bits, 60 - bits));
        }
    }

    #[test]
    fn forged_numbers_are_refused() {
        let sound = Shape::new(60, 1 << 22).expect("possible").to_parts();
        for (at, wrong) in [(0, 129), (0, 1), (0, 10), (1, 65), (2, 0), (2, 256), (2, 1), (3, 200), (3, 0)] {
            let mut forged = sound;
            forged[at] = wrong;
            assert!(Shape::from_parts(forged).is_err(), "{forged:?}");
        }
        assert!(Shape::from_parts([128, 0, 128, 0]).is_err());
        assert!(Shape::from_parts([128, 0, 3, 0]).is_err());
    }
}
