//! Bytes as a dictionary file: as they are, or as changes to one that is whole, with its checksums made right again.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use stroma_hybrid::mapped::{DictionaryBuilder, OpenOptions, StringDictionaryBuilder};
use xxhash_rust::xxh3::xxh3_64;

const PAGE: usize = 4096;

/// A whole dictionary of numbers, and one of byte strings.
fn samples() -> &'static [Vec<u8>; 2] {
    static SAMPLES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("stroma-fuzz-dictionary-{}", std::process::id()));
        let read = || std::fs::read(&path).expect("just written");
        let mut builder = DictionaryBuilder::<u64, u32>::create(&path).expect("a folder for temporary files");
        for n in 0..600 {
            builder.push(u64::from(n) * u64::from(n), n).expect("sorted keys");
        }
        builder.finish().expect("room on the disk");
        let numbers = read();
        let mut builder =
            StringDictionaryBuilder::<u32>::create(&path).expect("a folder for temporary files");
        for n in 0..600 {
            builder
                .push(format!("item/{:03}/a name that is longer/{n:05}", n / 9).as_bytes(), n)
                .expect("sorted");
        }
        builder.finish().expect("room on the disk");
        let samples = [numbers, read()];
        let _ = std::fs::remove_file(path);
        samples
    })
}

fn ask_strings(bytes: Vec<u8>, options: &OpenOptions) {
    let Ok(dictionary) = options.strings_from_bytes::<u32>(bytes) else { return };
    for key in [&b""[..], b"item", b"item/003/", b"item/003/a name that is longer/00030", b"j"] {
        if let Ok(position) = dictionary.lower_bound(key) {
            assert!(position <= dictionary.len());
        }
        let _ = dictionary.get(key);
    }
    if let Ok(entries) = dictionary.range(&b"item/002"[..]..&b"item/02"[..]) {
        assert!(entries.count() <= dictionary.len());
    }
    let _ = dictionary.verify();
}

fn ask(bytes: Vec<u8>, options: &OpenOptions) {
    let Ok(dictionary) = options.from_bytes::<u64, u32>(bytes) else { return };
    for key in [0, 1, 2, 8_100, 359_000, u64::MAX] {
        if let Ok(position) = dictionary.lower_bound(key) {
            assert!(position <= dictionary.len());
        }
        let _ = dictionary.get(key);
    }
    if let Ok(entries) = dictionary.range(50..=20_000) {
        assert!(entries.count() <= dictionary.len());
    }
    let _ = dictionary.verify();
    let _ = dictionary.explain();
}

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let options = OpenOptions { check_pages: mode & 1 == 0, ..OpenOptions::default() };
    let strings = mode & 8 != 0;
    let ask = if strings { ask_strings } else { ask };
    if mode & 2 == 0 {
        return ask(bytes.to_vec(), &options);
    }
    let mut file = samples()[usize::from(strings)].clone();
    for change in bytes.chunks_exact(3) {
        // The last pages matter as much as the first, and the header more than either.
        let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
        let length = file.len();
        file[at % length] = change[2];
    }
    if mode & 4 == 0 {
        let checksum = xxh3_64(&file[..PAGE - 8]).to_le_bytes();
        file[PAGE - 8..PAGE].copy_from_slice(&checksum);
    }
    ask(file, &options);
});
