//! How a count is written into slots, without a bit that says so.
//!
//! In a run remainders ascend. So a slot that does not ascend cannot be a key: it belongs to the count of the
//! key before it. Let `top` be the greatest number a slot with this key's remainder could hold (the
//! remainder, and all bits of the value set). Then
//!
//! - a count of 1 takes no further slot;
//! - a count *c* of 2 ..= `top` + 1 takes one, which holds *c* - 2, less than `top`;
//! - a larger count takes one that holds `top`, and then *c* - 2 - `top` in digits, least significant first,
//!   a digit a slot, whose highest bit says whether another digit follows. Slots of one bit go in pairs.
//!
//! The digits come last, so that what they hold may be greater than `top`: who reads knows how many they are.
//! The paper's code (Pandey and others, SIGMOD 2017, section 4.1) closes a count by the remainder again and so
//! takes three slots for any count above 2; most of those take two here. Every count has one form.

use crate::Key;

/// Bits of a number in a digit of slots of so many bits.
#[inline]
fn digit_bits(slot_bits: u32) -> u32 {
    (slot_bits - 1).clamp(1, 64)
}

/// Slots of a digit.
#[inline]
fn digit_slots(slot_bits: u32) -> usize {
    if slot_bits == 1 { 2 } else { 1 }
}

fn digits_for(rest: u64, slot_bits: u32) -> usize {
    (u64::BITS - rest.leading_zeros()).div_ceil(digit_bits(slot_bits)).max(1) as usize
}

/// Slots that a key takes which is counted so often; none for a count of 0.
#[inline(always)]
pub(crate) fn slots_for<K: Key>(count: u64, top: K, slot_bits: u32) -> usize {
    match count {
        0 | 1 => count as usize,
        _ if K::from(count - 2) < top => 2,
        _ => 2 + digits_for(count - 2 - top.low(), slot_bits) * digit_slots(slot_bits),
    }
}

/// What slot `index` of a count holds, from the second slot on: `index` is 1 or more.
#[inline]
pub(crate) fn extension<K: Key>(count: u64, top: K, index: usize, slot_bits: u32) -> K {
    if index == 1 {
        return top.min(K::from(count - 2));
    }
    let (rest, bits) = (count - 2 - top.low(), digit_bits(slot_bits));
    let digit = (index - 2) / digit_slots(slot_bits);
    let shift = digit as u32 * bits;
    let here = rest.checked_shr(shift).unwrap_or(0);
    let more = here.checked_shr(bits).unwrap_or(0) > 0;
    let number = here & <u64 as Key>::mask(bits);
    match slot_bits {
        1 if index.is_multiple_of(2) => K::from(u64::from(more)),
        1 => K::from(number),
        _ => K::from(number) | K::from(u64::from(more)) << (slot_bits - 1),
    }
}

/// Puts a count together from the slots after the one that holds `top`.
#[derive(Debug)]
pub(crate) struct Digits {
    slot_bits: u32,
    rest: u64,
    shift: u32,
    more: bool,
    /// The next slot of a pair holds the number.
    half: bool,
    last: u64,
    overflowed: bool,
}

impl Digits {
    pub(crate) fn new(slot_bits: u32) -> Self {
        Self { slot_bits, rest: 0, shift: 0, more: true, half: false, last: 0, overflowed: false }
    }

    /// Takes the next slot; whether another one follows.
    pub(crate) fn push<K: Key>(&mut self, slot: K) -> bool {
        if self.slot_bits == 1 && !self.half {
            (self.more, self.half) = (slot.low() == 1, true);
            return true;
        }
        self.half = false;
        let bits = digit_bits(self.slot_bits);
        let number = slot & K::mask(bits);
        if self.slot_bits > 1 {
            self.more = slot >> (self.slot_bits - 1) > K::ZERO;
            // Bits of a wide slot that no digit has.
            self.overflowed |= slot & K::mask(self.slot_bits - 1) != number;
        }
        self.last = number.low();
        let placed = self.last.checked_shl(self.shift).unwrap_or(0);
        self.overflowed |= placed.checked_shr(self.shift).unwrap_or(0) != self.last;
        self.rest |= placed;
        self.shift = self.shift.saturating_add(bits);
        self.more
    }

    /// The count. Cut to 2^64 - 1 where no valid filter gets.
    pub(crate) fn count<K: Key>(&self, top: K) -> u64 {
        self.rest.saturating_add(top.low()).saturating_add(2)
    }

    /// The count, or what is wrong with its digits.
    pub(crate) fn checked<K: Key>(&self, top: K) -> Result<u64, &'static str> {
        if self.last == 0 && self.shift > digit_bits(self.slot_bits) {
            return Err("a count has a superfluous digit");
        }
        let sum = self.rest.checked_add(top.low()).and_then(|sum| sum.checked_add(2));
        match sum {
            Some(count) if !self.overflowed && top <= K::from(u64::MAX) => Ok(count),
            _ => Err("a count exceeds 2^64 - 1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes_back<K: Key>(slot_bits: u32, top: K, count: u64) {
        let slots = slots_for(count, top, slot_bits);
        if count == 1 {
            assert_eq!(slots, 1);
            return;
        }
        let first = extension(count, top, 1, slot_bits);
        assert!(first <= top, "tells itself from a key");
        if first < top {
            assert_eq!((slots, first.low() + 2), (2, count));
            return;
        }
        let mut digits = Digits::new(slot_bits);
        let mut index = 2;
        while digits.push(extension(count, top, index, slot_bits)) {
            assert!(extension(count, top, index, slot_bits) <= K::mask(slot_bits));
            index += 1;
        }
        assert_eq!((index + 1, digits.checked(top), digits.count(top)), (slots, Ok(count), count));
    }

    #[test]
    fn counts_come_back_in_as_many_slots_as_foretold() {
        let counts = [1, 2, 3, 4, 5, 6, 255, 256, 257, 1 << 32, (1 << 33) + 1, u64::MAX - 1, u64::MAX];
        for slot_bits in [1, 2, 3, 7, 31, 32, 33, 62, 63, 64, 65, 66, 100, 128] {
            for top in [0, 1, 2, 100, u64::MAX] {
                for count in counts {
                    if slot_bits <= 64 {
                        comes_back::<u64>(slot_bits, top & <u64 as Key>::mask(slot_bits), count);
                    }
                    comes_back::<u128>(slot_bits, u128::from(top) & <u128 as Key>::mask(slot_bits), count);
                    comes_back::<u128>(slot_bits, <u128 as Key>::mask(slot_bits), count);
                }
            }
        }
    }

    #[test]
    fn impossible_digits_are_noticed() {
        let read = |bits, slots: &[u64]| {
            let mut digits = Digits::new(bits);
            for slot in slots {
                let _ = digits.push(*slot);
            }
            digits.checked(3u64)
        };
        assert_eq!(read(4, &[0]), Ok(5));
        assert!(read(4, &[8 | 3, 0]).is_err(), "a superfluous digit");
        assert!(read(33, &[1 << 32 | 1, 1 << 32 | 1, 1]).is_err(), "too many digits");
        assert!(read(64, &[u64::MAX, 1]).is_err(), "the sum is too great");
        assert!(Digits::new(8).checked(u128::MAX).is_err());
    }
}
