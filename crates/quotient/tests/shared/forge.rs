//! A filter as bytes, and how to make its checksums right again after it was changed: for a test and for a fuzzer.

use stroma_quotient::{CountingFilter, Shape};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) const HEADER: usize = 48;
pub(crate) const FOOTER: usize = 40;

/// A small filter with counters of all lengths and values.
pub(crate) fn sample(remainder_bits: u32, value_bits: u32) -> CountingFilter {
    let shape = Shape::new(6 + remainder_bits, 1 << 6).expect("possible").with_value_bits(value_bits);
    let mut filter = CountingFilter::new(shape).expect("possible");
    let mask = u64::MAX >> (64 - shape.key_bits());
    for step in 0..if remainder_bits == 1 { 8 } else { 40u64 } {
        let key = (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) & mask;
        filter.add(key, step % 6 + 1 + (step % 13 / 12) * 10_000).expect("room");
        filter.put(key, step & ((1 << value_bits) - 1)).expect("room");
    }
    filter
}

/// Makes the checksums right again; the bytes are at least as long as header and footer.
pub(crate) fn reseal(bytes: &mut [u8]) {
    let header = xxh3_64(&bytes[..40]);
    bytes[40..48].copy_from_slice(&header.to_le_bytes());
    let footer = bytes.len() - FOOTER;
    let slots = xxh3_64(&bytes[HEADER..footer]);
    bytes[footer + 24..footer + 32].copy_from_slice(&slots.to_le_bytes());
    let sum = xxh3_64(&bytes[footer..footer + 32]);
    bytes[footer + 32..].copy_from_slice(&sum.to_le_bytes());
}
