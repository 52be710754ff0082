//! A k-mer dictionary, whole or with changes under right checksums, then look-ups and a check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_sequence::unitig::{DictionaryBuilder, UnitigDictionary};
use xxhash_rust::xxh3::xxh3_64;

const HEADER_BYTES: usize = 96;
const SEQUENCE: &[u8] = b"ACGTTGCAAGCTTAGCCGATAACGGTTACAGTCCGATAGCATCGGCTAAGCTTGCATGCAAT";

/// A small dictionary to change.
fn whole() -> Vec<u8> {
    let mut builder = DictionaryBuilder::<u64>::new(5).expect("k is odd");
    builder.add(&[(0b00_00_01_01_00, 7), (0b00_01_01_00_11, 7), (0b01_00_11_10_10, 9)]).expect("canonical");
    builder.finish().expect("small")
}

fuzz_target!(|input: (Vec<u8>, Vec<(u16, u8)>, bool)| {
    let (mut bytes, changes, as_it_is) = input;
    if bytes.is_empty() {
        bytes = whole();
        for (at, value) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = value;
        }
    }
    if !as_it_is && bytes.len() >= HEADER_BYTES {
        let body = xxh3_64(&bytes[HEADER_BYTES..]);
        bytes[HEADER_BYTES - 16..HEADER_BYTES - 8].copy_from_slice(&body.to_le_bytes());
        let header = xxh3_64(&bytes[..HEADER_BYTES - 8]);
        bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&header.to_le_bytes());
    }
    if let Ok(dictionary) = UnitigDictionary::open(&bytes) {
        let _ = dictionary.search::<u128>(SEQUENCE).count();
        let _ = dictionary.iter::<u128>().take(100_000).count();
        let _ = dictionary.verify();
    }
});
