//! Takes back the hash of exact Squeakr files: Thomas Wang's function of 64 bits, cut to as many as a k-mer has.
//!
//! The function multiplies by odd numbers and folds the upper bits onto the lower ones, in turn; each step can be
//! taken back modulo 2^bits (the form for fewer than 64 bits is Heng Li's).

/// Multipliers of the function, in the order in which it takes them, and by how much each product is shifted when it
/// is folded; 0 where it is not. The first product is diminished by one.
const STEPS: [(u64, u32); 4] = [((1 << 21) - 1, 24), (265, 14), (21, 28), ((1 << 31) + 1, 0)];

/// The number whose hash of `bits` bits (1 to 64) this is.
pub(super) fn unmix(hash: u64, bits: u32) -> u64 {
    let mask = u64::MAX >> (64 - bits);
    let mut key = hash;
    for (step, (multiplier, shift)) in STEPS.into_iter().enumerate().rev() {
        if shift > 0 {
            key = unfold(key, shift);
        }
        if step == 0 {
            key = key.wrapping_add(1);
        }
        key = key.wrapping_mul(inverse(multiplier)) & mask;
    }
    key
}

/// The number x for which x ^ x >> shift is this one.
fn unfold(mut folded: u64, mut shift: u32) -> u64 {
    while shift < 64 {
        folded ^= folded >> shift;
        shift *= 2;
    }
    folded
}

/// The inverse of an odd number modulo 2^64, by Newton's method: each round doubles the bits that are right, of which
/// three are to begin with.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

/// The function itself, for tests that write files.
#[cfg(test)]
pub(super) fn mix(key: u64, bits: u32) -> u64 {
    let mask = u64::MAX >> (64 - bits);
    let mut key = key;
    for (step, (multiplier, shift)) in STEPS.into_iter().enumerate() {
        key = key.wrapping_mul(multiplier).wrapping_sub(u64::from(step == 0)) & mask;
        if shift > 0 {
            key ^= key >> shift;
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_taken_back() {
        for bits in [6, 14, 24, 42, 46, 62, 64] {
            for number in 0..2000_u64 {
                let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits);
                assert_eq!(unmix(mix(key, bits), bits), key, "{bits} bits");
            }
        }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // As the function is published: sums of shifted keys, 46 bits.
        let mask = (1_u64 << 46) - 1;
        for key in [0, 1, 0x1234_5678_9abc, mask] {
            let mut hash = (!key).wrapping_add(key << 21) & mask;
            hash ^= hash >> 24;
            hash = hash.wrapping_add(hash << 3).wrapping_add(hash << 8) & mask;
            hash ^= hash >> 14;
            hash = hash.wrapping_add(hash << 2).wrapping_add(hash << 4) & mask;
            hash ^= hash >> 28;
            hash = hash.wrapping_add(hash << 31) & mask;
            assert_eq!(mix(key, 46), hash);
        }
    }
}
