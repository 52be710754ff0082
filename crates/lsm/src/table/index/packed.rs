//! Ascending numbers in few bits each, any of them readable at once.
//!
//! The numbers lie in groups of 128. A group has a straight line, and of each number only by how much it is above the
//! line, all in as many bits as the largest such distance of the group needs. A number is read by one multiplication
//! and one unaligned load; nothing else is decoded. Where numbers grow evenly the distances are small; a group where
//! they do not costs itself more bits, and no other group.
//!
//! ```text
//! group (24) for each 128 numbers: u64 base, u64 rise, u64 where its bits start << 7 | bits of a distance (0..=64)
//! bits       of all groups, number k of a group at start + k * width, lowest bit first
//! zeros (16) so that 16 bytes can be read wherever a distance starts
//!
//! number k of a group: base + (rise * k >> 7) + distance, modulo 2^64
//! ```

use std::ops::Range;

/// Numbers of a group.
const GROUP: usize = 128;
const GROUP_BITS: u32 = GROUP.ilog2();
/// Bits of the third word of a group that tell the width of its distances.
const WIDTH_BITS: u32 = 7;
/// The most that is read at once.
const WINDOW: usize = size_of::<u128>();
/// Distances of so many bits lie within eight bytes, wherever they start.
const NARROW_BITS: u32 = 64 - 7;

/// The three words of a group, little-endian.
type Header = [[u8; 8]; 3];

/// Appends `numbers`, which ascend (equal ones are allowed); see the module for the layout.
pub(super) fn pack(numbers: &[u64], into: &mut Vec<u8>) {
    let mut bits = BitWriter::default();
    for group in numbers.chunks(GROUP) {
        // A line that one number spoils is worse than none.
        let (fitted, flat) = (Line::through(group), Line::flat(group));
        let line = if fitted.width <= flat.width { fitted } else { flat };
        let place = bits.length << WIDTH_BITS | u64::from(line.width);
        for word in [line.base, line.rise, place] {
            into.extend_from_slice(&word.to_le_bytes());
        }
        for (k, &number) in group.iter().enumerate() {
            bits.push(number.wrapping_sub(line.at(k)), line.width);
        }
    }
    into.extend_from_slice(&bits.finish());
    into.extend_from_slice(&[0; WINDOW]);
}

/// What the numbers of a group are measured from.
#[derive(Clone, Copy, Debug)]
struct Line {
    base: u64,
    rise: u64,
    /// Bits that the largest distance from it takes.
    width: u32,
}

impl Line {
    /// From the first number to the last.
    fn through(group: &[u64]) -> Line {
        let (Some(&first), Some(&last)) = (group.first(), group.last()) else { return Line::flat(group) };
        let steps = (group.len() - 1).max(1) as u128;
        let rise = (u128::from(last.saturating_sub(first)) << GROUP_BITS) / steps;
        Line::of_rise(u64::try_from(rise).unwrap_or(u64::MAX), group)
    }

    fn flat(group: &[u64]) -> Line {
        Line::of_rise(0, group)
    }

    /// The highest line of this rise that is nowhere above a number.
    fn of_rise(rise: u64, group: &[u64]) -> Line {
        let from_zero = Line { base: 0, rise, width: 0 };
        let distances = group.iter().enumerate().map(|(k, &n)| i128::from(n) - i128::from(from_zero.at(k)));
        let least = distances.clone().min().unwrap_or(0);
        let span = distances.max().unwrap_or(0) - least;
        Line { base: least as u64, rise, width: 128 - span.leading_zeros() }
    }

    #[inline(always)]
    fn at(&self, k: usize) -> u64 {
        let rise = (u128::from(self.rise) * k as u128) >> GROUP_BITS;
        self.base.wrapping_add(rise as u64)
    }
}

/// Numbers of so many bits, one behind the other.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    length: u64,
    /// The bits that do not fill a byte yet.
    open: u128,
    open_bits: u32,
}

impl BitWriter {
    fn push(&mut self, number: u64, width: u32) {
        self.open |= u128::from(number) << self.open_bits;
        self.open_bits += width;
        self.length += u64::from(width);
        while self.open_bits >= 8 {
            self.bytes.push(self.open as u8);
            self.open >>= 8;
            self.open_bits -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.open_bits > 0 {
            self.bytes.push(self.open as u8);
        }
        self.bytes
    }
}

/// Where packed numbers lie in the bytes of a section. Whoever has those gets at the numbers by [`of`](Self::of).
#[derive(Clone, Debug)]
pub(super) struct PackedPlace {
    groups: Range<usize>,
    bits: Range<usize>,
    count: usize,
}

/// Packed numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed<'a> {
    groups: &'a [Header],
    bits: &'a [u8],
    count: usize,
}

impl PackedPlace {
    /// Checks that `count` numbers can be read at `place` in `section`; `None` if not. What they are is not looked at.
    pub(super) fn open(section: &[u8], place: Range<usize>, count: usize) -> Option<PackedPlace> {
        let group_bytes = count.div_ceil(GROUP).checked_mul(size_of::<Header>())?;
        let bits_at = place.start.checked_add(group_bytes)?;
        let opened = PackedPlace { groups: place.start..bits_at, bits: bits_at..place.end, count };
        section.get(opened.groups.clone())?;
        let bit_bytes = section.get(opened.bits.clone())?.len().checked_sub(WINDOW)? as u64;
        let packed = opened.of(section);
        for (index, header) in packed.groups.iter().enumerate() {
            let place = u64::from_le_bytes(header[2]);
            let (start, width) = (place >> WIDTH_BITS, place & ((1 << WIDTH_BITS) - 1));
            let numbers = GROUP.min(count - index * GROUP) as u64;
            if width > 64 || start + numbers * width > bit_bytes * 8 {
                return None;
            }
        }
        Some(opened)
    }

    /// The numbers in `section`, which is the one that they were opened in.
    #[inline]
    pub(super) fn of<'a>(&self, section: &'a [u8]) -> Packed<'a> {
        let part = |range: &Range<usize>| section.get(range.clone()).unwrap_or_default();
        let groups = part(&self.groups).as_chunks::<8>().0.as_chunks::<3>().0;
        Packed { groups, bits: part(&self.bits), count: self.count }
    }
}

/// The words of a group, read.
#[derive(Clone, Copy)]
struct Group {
    line: Line,
    /// Where its distances start, in bits.
    start: u64,
}

impl Group {
    /// Number `k` of the group.
    #[inline(always)]
    fn get(&self, bits: &[u8], k: usize) -> u64 {
        let width = self.line.width;
        let bit = self.start + k as u64 * u64::from(width);
        let (at, shift) = ((bit / 8) as usize, (bit % 8) as u32);
        let distance = if width <= NARROW_BITS {
            let mut window = [0; size_of::<u64>()];
            window.copy_from_slice(&bits[at..at + size_of::<u64>()]);
            (u64::from_le_bytes(window) >> shift) & ((1 << width) - 1)
        } else {
            wide_distance(bits, at, (shift, width))
        };
        self.line.at(k).wrapping_add(distance)
    }
}

/// A distance of up to 64 bits, `width` of them from bit `shift` of the byte at `at` on.
#[cold]
fn wide_distance(bits: &[u8], at: usize, (shift, width): (u32, u32)) -> u64 {
    let mut window = [0; WINDOW];
    window.copy_from_slice(&bits[at..at + WINDOW]);
    ((u128::from_le_bytes(window) >> shift) & ((1 << width) - 1)) as u64
}

impl Packed<'_> {
    /// How many numbers there are.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.count
    }

    /// The number at `index`, in O(1).
    ///
    /// # Panics
    /// If there are no more than `index` numbers.
    #[inline]
    pub(super) fn get(self, index: usize) -> u64 {
        self.group(index / GROUP).get(self.bits, index % GROUP)
    }

    /// All of them, the words of each group read once.
    pub(super) fn each(self) -> impl Iterator<Item = u64> {
        (0..self.groups.len()).flat_map(move |number| {
            let group = self.group(number);
            (0..GROUP.min(self.count - number * GROUP)).map(move |k| group.get(self.bits, k))
        })
    }

    #[inline(always)]
    fn group(self, group: usize) -> Group {
        let [base, rise, place] = self.groups[group].map(u64::from_le_bytes);
        let width = (place & ((1 << WIDTH_BITS) - 1)) as u32;
        Group { line: Line { base, rise, width }, start: place >> WIDTH_BITS }
    }

    /// The first index within `window` whose number is not below `bound`, the window's end if there is none; the
    /// numbers ascend.
    ///
    /// # Panics
    /// If there are fewer numbers.
    #[inline(always)]
    pub(super) fn lower_bound_within(self, mut window: Range<usize>, bound: u64) -> usize {
        if window.is_empty() {
            return window.end;
        }
        if window.len() > GROUP {
            return self.lower_bound_across(window, bound);
        }
        let behind = (window.start / GROUP + 1) * GROUP;
        if window.end > behind {
            // It reaches into the next group; which of the two it is, the last number of the first one tells.
            if self.get(behind - 1) < bound { window.start = behind } else { window.end = behind }
        }
        // The words of the group are read once.
        let group = self.group(window.start / GROUP);
        let (mut base, mut size) = (window.start, window.len());
        while size > 1 {
            let half = size / 2;
            let is_below = group.get(self.bits, (base + half - 1) % GROUP) < bound;
            base = std::hint::select_unpredictable(is_below, base + half, base);
            size -= half;
        }
        base + usize::from(group.get(self.bits, base % GROUP) < bound)
    }

    /// The same where the window may lie in many groups.
    #[inline(never)]
    fn lower_bound_across(self, window: Range<usize>, bound: u64) -> usize {
        let (mut low, mut high) = (window.start, window.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle) < bound { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// How many numbers are below `bound`, by halving.
    pub(super) fn count_below(self, bound: u64) -> usize {
        self.lower_bound_across(0..self.count, bound)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn packed(numbers: &[u64]) -> (Vec<u8>, PackedPlace) {
        let mut bytes = vec![0xee; 3];
        pack(numbers, &mut bytes);
        let place = PackedPlace::open(&bytes, 3..bytes.len(), numbers.len()).unwrap();
        (bytes, place)
    }

    fn check(numbers: &[u64]) {
        let (bytes, place) = packed(numbers);
        let packed = place.of(&bytes);
        assert_eq!(packed.len(), numbers.len());
        assert!(packed.each().eq(numbers.iter().copied()));
        for (index, number) in numbers.iter().enumerate() {
            assert_eq!(packed.get(index), *number, "{index} of {numbers:?}");
            let below = numbers.partition_point(|other| other < number);
            assert_eq!(packed.count_below(*number), below);
            for window in
                [0..numbers.len(), index / 2..index, index / 2..index + 1, index / 128 * 128..index + 1]
            {
                let expected = below.clamp(window.start, window.end);
                assert_eq!(packed.lower_bound_within(window, *number), expected);
            }
        }
    }

    #[test]
    fn numbers_at_the_ends_of_the_type_come_back() {
        check(&[]);
        for end in [0, 1, u64::MAX] {
            check(&[end]);
            check(&[0, end]);
            check(&[end; 300]);
            let mut jump = vec![0; 200];
            jump.extend([end; 130]);
            check(&jump);
        }
        let mut one_jump = vec![u64::MAX; 128];
        one_jump[0] = 0;
        check(&one_jump);
        let mut last_jump = vec![0; 128];
        last_jump[127] = u64::MAX;
        check(&last_jump);
    }

    #[test]
    fn even_numbers_take_next_to_nothing_and_one_odd_group_costs_only_itself() {
        let mut numbers: Vec<u64> = (0..128 * 100).map(|number| number * 4200 + number % 7).collect();
        let even = packed(&numbers).0.len();
        assert!(even * 8 < numbers.len() * 6, "{even}");
        for number in &mut numbers[128 * 50 + 60..] {
            *number += 1 << 40;
        }
        assert!(packed(&numbers).0.len() < even + 128 * 6);
    }

    #[test]
    fn places_that_reach_beyond_the_bytes_are_refused() {
        let numbers: Vec<u64> = (0..1000).map(|number| number * number).collect();
        let mut bytes = Vec::new();
        pack(&numbers, &mut bytes);
        let length = bytes.len();
        assert!(PackedPlace::open(&bytes, 0..length + 1, 1000).is_none());
        assert!(PackedPlace::open(&bytes, 0..length - 1, 1000).is_none());
        assert!(PackedPlace::open(&bytes, 0..length, 1025).is_none());
        assert!(PackedPlace::open(&bytes, 0..length, usize::MAX).is_none());
        for bit in 0..24 * 8 * 8 {
            let mut hostile = bytes.clone();
            hostile[bit / 8] ^= 1 << (bit % 8);
            if let Some(place) = PackedPlace::open(&hostile, 0..length, 1000) {
                (0..1000).for_each(|index| _ = place.of(&hostile).get(index));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200,
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn what_was_packed_is_read_back(
            steps in prop::collection::vec((0_u32..64, any::<u64>()), 0..400)
        ) {
            let mut number = 0_u64;
            let numbers: Vec<u64> = steps
                .iter()
                .map(|(shift, step)| {
                    number = number.saturating_add(step >> shift >> 8);
                    number
                })
                .collect();
            check(&numbers);
        }
    }
}
