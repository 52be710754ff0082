//! Damaged and forged bytes: an error, or a filter that is sound.

use stroma_quotient::{CountingFilter, Error, Shape};
use xxhash_rust::xxh3::xxh3_64;

fn sample(remainder_bits: u32) -> CountingFilter {
    let shape = Shape { quotient_bits: 6, remainder_bits };
    let mut filter = CountingFilter::new(shape).expect("possible");
    let mask = u64::MAX >> (64 - shape.key_bits());
    for step in 0..40u64 {
        filter.add((step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) & mask, step % 6 + 1).expect("room");
    }
    filter
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let bytes = sample(9).to_bytes();
    assert_eq!(bytes.len() as u64, sample(9).stored_bytes());
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(CountingFilter::open(&damaged).is_err(), "byte {at}");
        assert!(CountingFilter::open(&bytes[..at]).is_err(), "cut to {at}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(CountingFilter::open(&longer), Err(Error::TrailingBytes { .. })));
    assert!(matches!(CountingFilter::open(b"something else"), Err(Error::BadMagic { .. })));
    let mut later = bytes;
    later[8] = 2;
    assert!(matches!(CountingFilter::open(&later), Err(Error::UnsupportedVersion { found: 2, .. })));
}

fn reseal(bytes: &mut [u8]) {
    let header = xxh3_64(&bytes[..56]);
    bytes[56..64].copy_from_slice(&header.to_le_bytes());
    let end = bytes.len() - 8;
    let slots = xxh3_64(&bytes[64..end]);
    bytes[end..].copy_from_slice(&slots.to_le_bytes());
}

/// With the checksums made right again, whatever opens must work like a filter.
#[test]
fn forged_slots_are_refused_or_sound() {
    for remainder_bits in [1, 9, 42] {
        let bytes = sample(remainder_bits).to_bytes();
        let (mut opened, mut refused) = (0, 0);
        for at in 0..bytes.len() - 8 {
            for bit in 0..8 {
                let mut forged = bytes.clone();
                forged[at] ^= 1 << bit;
                // A run end that moves along with an occupied bit, so that some forgeries are consistent.
                if bit % 3 == 0 {
                    let other = 64 + (at * 31 + bit * 7) % (bytes.len() - 72);
                    forged[other] ^= 1 << (at % 8);
                }
                reseal(&mut forged);
                let Ok(mut filter) = CountingFilter::open(&forged) else {
                    refused += 1;
                    continue;
                };
                opened += 1;
                let keys: Vec<(u64, u64)> = filter.iter().collect();
                assert_eq!(keys.len() as u64, filter.distinct());
                assert!(keys.is_sorted_by(|a, b| a.0 < b.0));
                for (key, count) in keys {
                    assert_eq!(filter.count(key), count);
                    filter.set(key, 0).expect("removal");
                }
                assert!(filter.is_empty());
            }
        }
        assert!(refused > 1000 && (opened > 0 || remainder_bits == 1), "{opened} {refused}");
    }
}

/// A header that speaks of a huge filter is refused before memory is taken for it.
#[test]
fn a_huge_shape_is_refused_by_length() {
    let mut bytes = sample(9).to_bytes();
    bytes[12] = 40;
    bytes[16] = 24;
    let blocks = ((1u64 << 40) + (10 << 20)).div_ceil(64);
    bytes[24..32].copy_from_slice(&blocks.to_le_bytes());
    reseal(&mut bytes);
    assert!(matches!(CountingFilter::open(&bytes), Err(Error::Truncated { .. })));
}
