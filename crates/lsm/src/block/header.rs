//! The numbers in front of an entry's key and value, read at once where they are as short as usual.
//!
//! A search in a block walks over entries of which it needs little more than where the next one starts, so this is
//! where the time of a point read goes. The four numbers of nearly all entries lie in eight bytes: one length of key
//! and of value each below 128, and a sequence below 2^33. Their ends are then found in one word, all at a time.

use crate::coding::Reader;

/// The top bits of the bytes of a word: clear in the last byte of a variable-length integer.
const TOPS: u64 = 0x8080_8080_8080_8080;
/// A sequence and kind of more bytes than this are read the long way.
const MOST_TAG_BITS: u32 = 40;

/// See the layout in [`super::view`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) shared: u64,
    pub(super) suffix_length: u64,
    /// Sequence and kind.
    pub(super) tag: u64,
    pub(super) value_length: u64,
    /// How many bytes the four numbers take.
    pub(super) bytes: usize,
}

impl Header {
    /// Reads the numbers at the start of `entry`; `None` if they are cut off or not as they are written.
    #[inline]
    pub(super) fn read(entry: &[u8]) -> Option<Header> {
        match entry.first_chunk().and_then(|window| Header::of_word(u64::from_le_bytes(*window))) {
            Some(header) => Some(header),
            None => Header::read_long(entry),
        }
    }

    /// The same from the first eight bytes; `None` also if the numbers are longer.
    #[inline]
    fn of_word(word: u64) -> Option<Header> {
        let ends = !word & TOPS;
        let (tag_word, tag_ends) = (word >> 16, ends >> 16);
        let tag_bits = tag_ends.trailing_zeros() + 1;
        if ends & 0x8080 != 0x8080 || tag_bits > MOST_TAG_BITS {
            return None;
        }
        let stored_tag = tag_word & (u64::MAX >> (64 - tag_bits));
        let value_length = (tag_word >> tag_bits) & 0xff;
        let is_shortest = tag_bits == 8 || stored_tag >> (tag_bits - 8) != 0;
        if value_length >= 0x80 || !is_shortest {
            return None;
        }
        Some(Header {
            shared: word & 0x7f,
            suffix_length: word >> 8 & 0x7f,
            tag: join_groups(stored_tag),
            value_length,
            bytes: 3 + tag_bits as usize / 8,
        })
    }

    #[cold]
    #[inline(never)]
    fn read_long(entry: &[u8]) -> Option<Header> {
        let mut reader = Reader::new(entry);
        let mut number = || reader.varint();
        let (shared, suffix_length, tag, value_length) = (number()?, number()?, number()?, number()?);
        let bytes = entry.len() - reader.rest().len();
        Some(Header { shared, suffix_length, tag, value_length, bytes })
    }
}

/// The number whose groups of seven bits stand in the five lowest bytes.
#[inline]
fn join_groups(stored: u64) -> u64 {
    let group = |index: u32| (stored >> index) & (0x7f << (7 * index));
    group(0) | group(1) | group(2) | group(3) | group(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::put_varint;

    #[test]
    fn short_and_long_numbers_are_read_alike_and_cut_ones_refused() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, 1 << 21, 1 << 28, (1 << 35) - 1, 1 << 35, u64::MAX];
        for shared in [0, 5, 127, 128] {
            for suffix_length in [0, 20, 127, 128, 1 << 20] {
                for tag in numbers {
                    for value_length in [0, 100, 127, 128, 1 << 30] {
                        let mut bytes = Vec::new();
                        for number in [shared, suffix_length, tag, value_length] {
                            put_varint(&mut bytes, number);
                        }
                        let expected =
                            Header { shared, suffix_length, tag, value_length, bytes: bytes.len() };
                        for end in 0..bytes.len() {
                            assert_eq!(Header::read(&bytes[..end]), None);
                        }
                        assert_eq!(Header::read(&bytes), Some(expected));
                        for filler in [0, 0x7f, 0xff] {
                            let mut longer = bytes.clone();
                            longer.resize(bytes.len() + 8, filler);
                            assert_eq!(Header::read(&longer), Some(expected));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_that_are_longer_than_needed_are_refused() {
        assert_eq!(Header::read(&[0, 1, 0x85, 0x00, 1, 9, 9, 9]), None);
        assert_eq!(Header::read(&[0x80, 0, 1, 1, 1, 9, 9, 9, 9]), None);
        assert_eq!(Header::read(&[0xff; 64]), None);
    }
}
