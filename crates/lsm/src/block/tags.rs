//! A byte of each key's hash, side by side in its block: where a key may be, told without touching any entry.
//!
//! A block is seldom in a near cache when a point read comes to it, so what counts is how many places of it are
//! touched, one waiting for the other. With tags these are two: the end of the block, and the few entries from one
//! restart point to the next.

use std::iter;

/// A byte with only its top bit, eight times; and all others.
const TOPS: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;

/// The tag of a key with this hash. The filter takes its bits from both ends of each half of the hash.
#[inline]
pub(super) fn tag_of(hash: u64) -> u8 {
    (hash >> 32) as u8
}

/// The places of `tag` in `tags`, ascending.
#[inline]
pub(super) fn places(tags: &[u8], tag: u8) -> impl Iterator<Item = usize> {
    let sought = u64::from(tag) * ONES;
    let (words, rest) = tags.as_chunks::<8>();
    let in_words = words.iter().enumerate().flat_map(move |(index, word)| {
        let mut equal = zero_bytes(u64::from_le_bytes(*word) ^ sought);
        iter::from_fn(move || {
            let bit = equal.trailing_zeros();
            equal &= equal.wrapping_sub(1);
            (bit < 64).then_some(index * 8 + bit as usize / 8)
        })
    });
    let first_of_rest = tags.len() - rest.len();
    let in_rest = rest.iter().enumerate().filter(move |(_, other)| **other == tag);
    in_words.chain(in_rest.map(move |(index, _)| first_of_rest + index))
}

/// The top bit of each byte that is zero.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    // Nothing is carried from one byte to the next.
    !((word & !TOPS).wrapping_add(!TOPS) | word | !TOPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_a_plain_search() {
        let mut word = 1_u64;
        for length in 0..70 {
            let tags: Vec<u8> = (0..length)
                .map(|_| {
                    word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    [0, 1, 0x7f, 0x80, 0xff][(word >> 40) as usize % 5]
                })
                .collect();
            for tag in [0, 1, 2, 0x7f, 0x80, 0x81, 0xff] {
                let expected: Vec<usize> = (0..length).filter(|place| tags[*place] == tag).collect();
                assert_eq!(places(&tags, tag).collect::<Vec<usize>>(), expected, "{tag} in {tags:?}");
            }
        }
    }
}
