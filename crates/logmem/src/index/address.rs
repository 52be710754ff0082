//! Which buckets a hash belongs in: linear hashing (Litwin, VLDB 1980) with two choices.
//!
//! The low bits of a hash choose its shard; the rest of its low half and its high half are two numbers, each
//! of which names a bucket among the shard's first `count`. When a shard gets another bucket, only one of the
//! present ones changes its meaning: the new bucket's [`parent`].

/// The two buckets of a hash, by their number in the shard. They may be the same one.
pub(super) fn candidates(hash: u64, shard_bits: u32, count: usize) -> [usize; 2] {
    [address((hash as u32 >> shard_bits) as usize, count), address((hash >> 32) as usize, count)]
}

/// The bucket that shares its contents with bucket `number` (1 or more) before that is there.
pub(super) fn parent(number: usize) -> usize {
    number & !(1 << number.ilog2())
}

/// As many low bits of the number as `count` buckets have names for: one more, if that names one of them.
fn address(number: usize, count: usize) -> usize {
    let names = usize::MAX >> count.leading_zeros();
    let long = number & names;
    if long < count { long } else { number & names >> 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_bucket_takes_from_its_parent_only() {
        for count in 1..200 {
            for number in 0..2_000 {
                let (before, after) = (address(number, count), address(number, count + 1));
                assert!(before < count);
                assert!(
                    after == before || (after == count && before == parent(count)),
                    "{number} of {count}"
                );
            }
            assert!((0..2_000).any(|number| address(number, count + 1) == count));
        }
    }
}
