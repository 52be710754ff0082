//! Reading, writing and moving bits in arrays of words.

/// Bits `at..at + width` of an array of words; `width` is 1..=64.
#[inline(always)]
pub(crate) fn get(words: &[u64], at: usize, width: usize) -> u64 {
    let (word, shift) = (at / 64, at % 64);
    let low = words[word] >> shift;
    let value = if shift + width > 64 { low | words[word + 1] << (64 - shift) } else { low };
    value & (u64::MAX >> (64 - width))
}

/// Overwrites bits `at..at + width`; `width` is 1..=64 and `value` has no others.
#[inline(always)]
pub(crate) fn set(words: &mut [u64], at: usize, width: usize, value: u64) {
    let (word, shift) = (at / 64, at % 64);
    let mask = u64::MAX >> (64 - width);
    words[word] = words[word] & !(mask << shift) | value << shift;
    if shift + width > 64 {
        let taken = 64 - shift;
        words[word + 1] = words[word + 1] & !(mask >> taken) | value >> taken;
    }
}

/// Moves bits `from..to` up by `distance`.
pub(crate) fn move_up(words: &mut [u64], from: usize, to: usize, distance: usize) {
    let mut end = to;
    while end > from {
        let width = (end - from).min(64);
        let value = get(words, end - width, width);
        set(words, end - width + distance, width, value);
        end -= width;
    }
}

/// Moves bits `from..to` down by `distance`.
pub(crate) fn move_down(words: &mut [u64], from: usize, to: usize, distance: usize) {
    let mut start = from;
    while start < to {
        let width = (to - start).min(64);
        let value = get(words, start, width);
        set(words, start - distance, width, value);
        start += width;
    }
}

/// Position of the set bit with `rank` set bits below it; the word must have more than `rank` set bits.
#[inline]
pub(crate) fn select(word: u64, rank: u32) -> u32 {
    let (mut rest, mut rank, mut base) = (word, rank, 0);
    for width in [32, 16, 8] {
        let below = (rest & ((1 << width) - 1)).count_ones();
        if rank >= below {
            rank -= below;
            rest >>= width;
            base += width;
        }
    }
    for _ in 0..rank {
        rest &= rest.wrapping_sub(1);
    }
    base + rest.trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn select_finds_every_set_bit() {
        for word in [1, u64::MAX, 1 << 63, 0x8000_0000_0000_0001, 0xdead_beef_0123_4567, 0xff00] {
            let set: Vec<u32> = (0..64).filter(|bit| word >> bit & 1 == 1).collect();
            for (rank, bit) in set.iter().enumerate() {
                assert_eq!(select(word, rank as u32), *bit, "{word:x} {rank}");
            }
        }
    }

    #[test]
    fn moves_agree_with_bit_by_bit() {
        let start = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x5555_aaaa_3333_cccc, 7];
        let bit = |words: &[u64], at: usize| get(words, at, 1);
        for distance in [1, 5, 42, 62] {
            for (from, to) in [(0, 1), (3, 150), (64, 128), (63, 190), (70, 70), (62, 194)] {
                let (mut up, mut down) = (start, start);
                move_up(&mut up, from, to, distance);
                if from >= distance {
                    move_down(&mut down, from, to, distance);
                }
                for at in 0..256 {
                    let moved = at >= from + distance && at < to + distance;
                    assert_eq!(bit(&up, at), bit(&start, if moved { at - distance } else { at }));
                    let moved = from >= distance && at + distance >= from && at + distance < to;
                    assert_eq!(bit(&down, at), bit(&start, if moved { at + distance } else { at }));
                }
            }
        }
    }
}
