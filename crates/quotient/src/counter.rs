//! How a count is written into slots.
//!
//! A key counted once takes one slot: its remainder. A larger count is written as the digits of
//! `count - 1` to the base 2^r, least significant first, in the extension slots that follow, as many as
//! there are up to the last digit that is not zero. So every count has exactly one form.

/// The value of slot `index` of a key: its remainder, then the digits of its count, which is not 0.
#[inline]
pub(crate) fn slot_value(remainder: u64, count: u64, index: usize, remainder_bits: u32) -> u64 {
    match (index as u32).checked_sub(1) {
        None => remainder,
        Some(digit) => {
            let shifted = (count - 1).checked_shr(digit.saturating_mul(remainder_bits)).unwrap_or(0);
            shifted & ((1 << remainder_bits) - 1)
        }
    }
}

/// Slots that a key with this count takes; none for a count of 0.
#[inline]
pub(crate) fn slots_for(count: u64, remainder_bits: u32) -> usize {
    match count {
        0 => 0,
        _ => 1 + (u64::BITS - (count - 1).leading_zeros()).div_ceil(remainder_bits) as usize,
    }
}

/// Puts a count together from its digits.
#[derive(Debug)]
pub(crate) struct CountReader {
    less_one: u64,
    shift: u32,
    remainder_bits: u32,
    last: Option<u64>,
    overflowed: bool,
}

impl CountReader {
    pub(crate) fn new(remainder_bits: u32) -> Self {
        Self { less_one: 0, shift: 0, remainder_bits, last: None, overflowed: false }
    }

    #[inline]
    pub(crate) fn push(&mut self, digit: u64) {
        let placed = digit.checked_shl(self.shift).unwrap_or(0);
        self.overflowed |= placed.checked_shr(self.shift).unwrap_or(0) != digit;
        self.less_one |= placed;
        self.shift = self.shift.saturating_add(self.remainder_bits);
        self.last = Some(digit);
    }

    /// The count. Saturates where no valid filter gets.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.less_one.saturating_add(1)
    }

    /// The count, or what is wrong with its digits.
    pub(crate) fn checked(&self) -> Result<u64, &'static str> {
        if self.last == Some(0) {
            return Err("a count has a superfluous digit");
        }
        if self.overflowed {
            return Err("a count exceeds 2^64 - 1");
        }
        self.less_one.checked_add(1).ok_or("a count exceeds 2^64 - 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_in_as_many_slots_as_foretold() {
        for remainder_bits in [1, 2, 7, 31, 32, 33, 62] {
            for count in [1, 2, 3, 4, 5, 255, 256, 257, 1 << 32, (1 << 33) + 1, u64::MAX - 1, u64::MAX] {
                let slots = slots_for(count, remainder_bits);
                let value = |index| slot_value(1, count, index, remainder_bits);
                assert_eq!((value(0), value(slots)), (1, 0), "no digit is left out");
                let mut reader = CountReader::new(remainder_bits);
                (1..slots).for_each(|index| reader.push(value(index)));
                assert_eq!(reader.checked(), Ok(count));
                assert_eq!(reader.count(), count);
            }
        }
    }

    #[test]
    fn impossible_digits_are_noticed() {
        let read = |bits, digits: &[u64]| {
            let mut reader = CountReader::new(bits);
            digits.iter().for_each(|digit| reader.push(*digit));
            reader.checked()
        };
        assert!(read(4, &[3, 0]).is_err());
        assert!(read(62, &[1, 4]).is_err());
        assert!(read(32, &[u64::from(u32::MAX), u64::from(u32::MAX)]).is_err());
        assert!(read(32, &[1, 2, 3]).is_err());
    }
}
