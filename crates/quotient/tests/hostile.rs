//! Damaged and forged bytes: an error, or a filter that is sound.

use stroma_quotient::{CountingFilter, Error, Shape, WideCountingFilter};

#[path = "shared/forge.rs"]
mod forge;

use forge::{FOOTER, HEADER, reseal, sample};

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let bytes = sample(9, 3).to_bytes();
    assert_eq!(bytes.len() as u64, sample(9, 3).stored_bytes());
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(CountingFilter::open(damaged).is_err(), "byte {at}");
        assert!(CountingFilter::open(&bytes[..at]).is_err(), "cut to {at}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(CountingFilter::open(longer), Err(Error::TrailingBytes { .. })));
    assert!(matches!(CountingFilter::open(b"something else"), Err(Error::BadMagic { .. })));
    assert!(matches!(CountingFilter::open([0u8; 0]), Err(Error::Truncated { .. })));
    let mut later = bytes;
    later[8] = 3;
    assert!(matches!(CountingFilter::open(later), Err(Error::UnsupportedVersion { found: 3, .. })));
}

/// With the checksums made right again, whatever opens must work like a filter.
#[test]
fn forged_slots_are_refused_or_sound() {
    for (remainder_bits, value_bits) in [(1, 0), (9, 0), (9, 3), (42, 0), (40, 18)] {
        let bytes = sample(remainder_bits, value_bits).to_bytes();
        let (mut opened, mut refused) = (0, 0);
        for at in 0..bytes.len() - 8 {
            for bit in 0..8 {
                let mut forged = bytes.clone();
                forged[at] ^= 1 << bit;
                // A run end that moves along with an occupied bit, so that some forgeries are consistent.
                if bit % 3 == 0 {
                    let other = HEADER + (at * 31 + bit * 7) % (bytes.len() - HEADER - FOOTER);
                    forged[other] ^= 1 << (at % 8);
                }
                reseal(&mut forged);
                let Ok(mut filter) = CountingFilter::open(forged) else {
                    refused += 1;
                    continue;
                };
                opened += 1;
                let keys: Vec<(u64, u64)> = filter.iter().map(|entry| (entry.key, entry.count)).collect();
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
    let mut bytes = sample(9, 0).to_bytes();
    // 64 bits, divided by 128 << 17: 2^40 home slots.
    bytes[12] = 64;
    bytes[20] = 128;
    bytes[24] = 17;
    let blocks = ((1u64 << 40) + 1024).div_ceil(64);
    bytes[32..40].copy_from_slice(&blocks.to_le_bytes());
    reseal(&mut bytes);
    assert!(matches!(CountingFilter::open(bytes), Err(Error::Truncated { .. })));
}

/// Keys of both widths share one format.
#[test]
fn wide_and_narrow_read_each_other() {
    let narrow = sample(20, 0);
    let wide = WideCountingFilter::open(narrow.to_bytes()).expect("narrow enough");
    assert!(narrow.iter().all(|entry| wide.count(u128::from(entry.key)) == entry.count));
    assert_eq!(wide.to_bytes(), narrow.to_bytes());
    let wide = WideCountingFilter::new(Shape::new(65, 8).expect("possible")).expect("memory");
    assert!(matches!(CountingFilter::open(wide.to_bytes()), Err(Error::BadShape { .. })));
}

/// Bytes that are there become a filter, are changed in place, sealed, and opened again.
#[test]
fn a_filter_lives_in_bytes_of_others() {
    let shape = Shape::new(30, 500).expect("possible").with_value_bits(5);
    let mut bytes = vec![7; stroma_quotient::stored_size::<u64>(shape).expect("possible") as usize];
    let mut filter = CountingFilter::create_in(bytes.as_mut_slice(), shape).expect("long enough");
    (0..450).try_for_each(|key| filter.put(key * 2_222_222, key % 32).map(drop)).expect("room");
    filter.seal();
    let copy = filter.to_bytes();
    assert_eq!(bytes, copy);
    let mut opened = CountingFilter::open(bytes.as_mut_slice()).expect("sealed");
    assert_eq!(opened.get(2_222_222 * 33).value, 1);
    opened.set(0, 0).expect("in place");
    opened.seal();
    assert_eq!(CountingFilter::open(bytes).expect("sealed").distinct(), 449);
    assert!(CountingFilter::create_in([0u8; 100], shape).is_err());
}
