//! A blocked Bloom filter: all bits of a key lie in one cache line.
//!
//! Putze, Sanders, Singler: *Cache-, Hash- and Space-Efficient Bloom Filters* (WEA 2007), section 3. The upper
//! half of a key's hash chooses a block of 512 bits; from the lower half come the bits in it, each from the
//! top nine bits of the half multiplied by a constant once more.
//!
//! ```text
//! u32 probes           bits a key sets, 1..=16
//! u32 zero
//! [u8; 64] block*      at least one
//! ```

use super::Filter;

const BLOCK_BYTES: usize = 64;
const HEADER_BYTES: usize = 8;
/// Nine bits choose one of a block's 512.
const BIT_SHIFT: u32 = 32 - 9;
/// 2^32 divided by the golden ratio: multiples of it spread evenly.
const STEP: u32 = 0x9e37_79b9;
const MOST_PROBES: u32 = 16;

/// A filter in its stored form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockedBloom<'a> {
    probes: u32,
    blocks: &'a [[u8; BLOCK_BYTES]],
}

impl<'a> BlockedBloom<'a> {
    /// The stored form of a filter for keys with these hashes.
    pub(super) fn build(hashes: &[u64], bits_per_key: u8) -> Vec<u8> {
        let bits = hashes.len().saturating_mul(usize::from(bits_per_key));
        // The lower 32 bits of a product choose among fewer than 2^32 blocks.
        let block_count = bits.div_ceil(BLOCK_BYTES * 8).clamp(1, u32::MAX as usize);
        let mut blocks = vec![[0; BLOCK_BYTES]; block_count];
        let probes = probes_for(bits_per_key);
        for &hash in hashes {
            let block = &mut blocks[block_index(hash, block_count)];
            for bit in bits_of(hash, probes) {
                block[bit / 8] |= 1 << (bit % 8);
            }
        }
        let mut out = Vec::with_capacity(HEADER_BYTES + block_count * BLOCK_BYTES);
        out.extend_from_slice(&probes.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(blocks.as_flattened());
        out
    }

    /// Views a stored filter; `None` if the bytes are not one.
    #[inline]
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let (header, blocks) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (blocks, rest) = blocks.as_chunks();
        let [p0, p1, p2, p3, 0, 0, 0, 0] = *header else { return None };
        let probes = u32::from_le_bytes([p0, p1, p2, p3]);
        let sound = (1..=MOST_PROBES).contains(&probes) && rest.is_empty() && !blocks.is_empty();
        sound.then_some(Self { probes, blocks })
    }
}

impl Filter for BlockedBloom<'_> {
    #[inline]
    fn may_contain(&self, hash: u64) -> bool {
        let block = &self.blocks[block_index(hash, self.blocks.len())];
        bits_of(hash, self.probes).all(|bit| block[bit / 8] & (1 << (bit % 8)) != 0)
    }
}

/// Bits a key sets. Without blocks `bits_per_key * ln 2` would be best; uneven blocks want a little less.
fn probes_for(bits_per_key: u8) -> u32 {
    (u32::from(bits_per_key) * 6 / 10).clamp(1, MOST_PROBES)
}

#[inline]
fn block_index(hash: u64, block_count: usize) -> usize {
    (((hash >> 32) * block_count as u64) >> 32) as usize
}

#[inline]
fn bits_of(hash: u64, probes: u32) -> impl Iterator<Item = usize> {
    let mut state = hash as u32;
    (0..probes).map(move |_| {
        let bit = state >> BIT_SHIFT;
        state = state.wrapping_mul(STEP);
        bit as usize
    })
}

#[cfg(test)]
mod tests {
    use super::super::key_hash;
    use super::*;

    fn hashes(range: std::ops::Range<u64>) -> Vec<u64> {
        range.map(|number| key_hash(&number.to_le_bytes())).collect()
    }

    #[test]
    fn present_keys_are_always_found_and_absent_ones_seldom() {
        for (count, bits, at_most) in [(1, 10, 0.02), (50_000, 10, 0.012), (50_000, 16, 0.0015)] {
            let stored = BlockedBloom::build(&hashes(0..count), bits);
            let filter = BlockedBloom::open(&stored).unwrap();
            assert!(hashes(0..count).into_iter().all(|hash| filter.may_contain(hash)));
            let absent = hashes(1_000_000..1_100_000);
            let wrong = absent.iter().filter(|&&hash| filter.may_contain(hash)).count();
            let rate = wrong as f64 / absent.len() as f64;
            assert!(rate < at_most, "{count} keys of {bits} bits: {rate}");
        }
    }

    #[test]
    fn bytes_that_are_no_filter_are_refused() {
        let stored = BlockedBloom::build(&hashes(0..100), 10);
        for end in 0..stored.len() {
            let block_edge = end > HEADER_BYTES && (end - HEADER_BYTES).is_multiple_of(BLOCK_BYTES);
            assert_eq!(BlockedBloom::open(&stored[..end]).is_some(), block_edge);
        }
        for (at, byte) in [(0, 0), (0, 17), (3, 1), (4, 1), (7, 9)] {
            let mut changed = stored.clone();
            changed[at] = byte;
            assert!(BlockedBloom::open(&changed).is_none());
        }
    }
}
