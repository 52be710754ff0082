//! Bytes as a sequence file: FASTA or FASTQ, plain or compressed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_sequence::reader::open_reader;

fuzz_target!(|bytes: Vec<u8>| {
    if let Ok(records) = open_reader(std::io::Cursor::new(bytes), "fuzz") {
        // A few compressed bytes may stand for very many: enough is enough.
        for record in records.take(10_000) {
            if record.is_err() {
                break;
            }
        }
    }
});
