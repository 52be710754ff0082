//! Bytes as counted k-mers: the two files of a database of KMC, or a file of Squeakr.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use stroma_sequence::import::{CountedKmers, ImportError};

fuzz_target!(|files: (Vec<u8>, Vec<u8>)| {
    let (first, second) = files;
    let opened = if second.is_empty() {
        CountedKmers::from_squeakr(Cursor::new(first), "fuzz")
    } else {
        CountedKmers::from_kmc(Cursor::new(first), Cursor::new(second), "fuzz")
    };
    if let Ok(counts) = opened {
        let k = counts.k();
        let _ = counts.for_each(|kmer, _count| {
            assert_eq!(kmer >> (2 * k), 0);
            Ok::<(), ImportError>(())
        });
    }
});
