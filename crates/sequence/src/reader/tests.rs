//! Hostile and honest inputs to the reader.

use std::io::{Cursor, Write};

use super::*;

const FASTA: &[u8] = b">a one\nACGTACGT\nTTGA\n>b\nCCNNRYacgu\n";

/// [`FASTA`] through `xz -6`: this build's xz library has no encoder.
const FASTA_XZ: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x16,
    0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x22, 0x3e, 0x61, 0x20, 0x6f, 0x6e, 0x65, 0x0a,
    0x41, 0x43, 0x47, 0x54, 0x41, 0x43, 0x47, 0x54, 0x0a, 0x54, 0x54, 0x47, 0x41, 0x0a, 0x3e, 0x62, 0x0a,
    0x43, 0x43, 0x4e, 0x4e, 0x52, 0x59, 0x61, 0x63, 0x67, 0x75, 0x0a, 0x00, 0x00, 0x81, 0x1c, 0x9a, 0xd7,
    0x71, 0x34, 0xdc, 0x85, 0x00, 0x01, 0x3b, 0x23, 0x61, 0x2b, 0x53, 0xbe, 0x1f, 0xb6, 0xf3, 0x7d, 0x01,
    0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("memory");
    encoder.include_checksum(true).expect("supported");
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn read(bytes: impl Into<Vec<u8>>) -> Result<Vec<Record>, ReadError> {
    open_reader(Cursor::new(bytes.into()), "input")?.collect()
}

fn record(name: &str, sequence: &str) -> Record {
    Record { name: name.to_owned(), sequence: sequence.as_bytes().to_vec() }
}

fn expected() -> Vec<Record> {
    vec![record("a", "ACGTACGTTTGA"), record("b", "CCNNRYacgu")]
}

#[test]
fn every_compression_reads_the_same() {
    for bytes in [FASTA.to_vec(), gzip(FASTA), bzip2(FASTA), zstandard(FASTA), FASTA_XZ.to_vec()] {
        assert_eq!(read(bytes).expect("honest input"), expected());
    }
}

#[test]
fn concatenated_members_read_on() {
    let (first, second) = FASTA.split_at(23);
    for compress in [gzip, bzip2, zstandard] {
        let mut bytes = compress(first);
        bytes.extend(compress(second));
        bytes.extend(compress(b""));
        assert_eq!(read(bytes).expect("honest input"), expected());
    }
    let twice: Vec<u8> = [FASTA_XZ, FASTA_XZ].concat();
    assert_eq!(read(twice).expect("honest input").len(), 4);
}

#[test]
fn truncated_or_flipped_streams_never_pass_as_whole() {
    for bytes in [gzip(FASTA), bzip2(FASTA), zstandard(FASTA), FASTA_XZ.to_vec()] {
        for length in 0..bytes.len() {
            let error = read(&bytes[..length]).expect_err("truncated");
            assert!(length < 6 || matches!(error.kind, ReadErrorKind::Truncated { .. }), "{length}: {error}");
        }
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            // Some header bits (time, name of the system) carry no content: then it must read the same.
            if let Ok(records) = read(flipped) {
                assert_eq!(records, expected(), "flip at {at}");
            }
        }
    }
}

#[test]
fn fasta_in_its_varieties() {
    assert_eq!(
        read("\n\r\n>x y z\r\nAC\r\n\r\nGT\r\n>\r\nA").expect("CRLF"),
        [record("x", "ACGT"), record("", "A")]
    );
    let lower = read(">x\nacgtn").expect("no final newline");
    assert_eq!(lower, [record("x", "acgtn")]);
}

#[test]
fn fastq_in_its_varieties() {
    let text = "@r1 lane\nACGT\n+r1\n@III\n@r2\r\nN\r\n+\r\n>\r\n\n@r3\n\n+\n\n";
    assert_eq!(read(text).expect("honest"), [record("r1", "ACGT"), record("r2", "N"), record("r3", "")]);
    assert_eq!(read("@r\nAC\n+\nII").expect("no final newline"), [record("r", "AC")]);
}

/// Each hostile text, the line it must name, and words the message must hold.
const HOSTILE: [(&str, u64, &str); 17] = [
    ("", 0, "empty"),
    ("\n\n\r\n", 0, "empty"),
    ("hello\n", 0, "neither FASTA nor FASTQ"),
    ("\0\u{1}\u{2}", 0, "neither FASTA nor FASTQ"),
    ("ACGT\n", 0, "neither FASTA nor FASTQ"),
    (">x\n", 1, "no sequence"),
    (">x\n>y\nACGT\n", 1, "no sequence"),
    (">y\nACGT\n>x\n\n\n", 5, "no sequence"),
    (">x\nACGT\nMKLV\n", 3, "'L'"),
    (">x\nAC GT\n", 2, "column 3"),
    (">x\nAC-GT\n", 2, "'-'"),
    (">x\nACGT\n@r\nACGT\n+\nIIII\n", 2, "'@' within a FASTA"),
    ("@r\nACGT\nACGT\n+\nIIIIIIII\n", 2, "third line"),
    ("@r\nACGT\n+\nIII\n", 4, "3 quality values for 4 bases"),
    ("@r\nACGT\n+\n", 3, "no quality line"),
    ("@r\nACGT\n", 2, "no separator line"),
    ("@r\nACGT\n+\nIIII\nACGT\n", 4, "expected '@'"),
];

#[test]
fn hostile_texts_are_explained_with_their_place() {
    for (text, line, words) in HOSTILE {
        let error = read(text).expect_err(text);
        let message = error.to_string();
        assert!(message.contains(words), "{text:?}: {message}");
        assert!(message.starts_with("input"), "{message}");
        assert_eq!(error.line, line, "{text:?}: {message}");
    }
    let error = read(">first\nACGT\n>second x\nAC!T\n").expect_err("foreign character");
    assert_eq!(error.record, Some((2, "second".to_owned())));
}

#[test]
fn the_iterator_ends_after_an_error() {
    let mut reader = open_reader(Cursor::new(b">x\nAC!\n>y\nACGT\n".to_vec()), "input").expect("opens");
    assert!(reader.next().expect("an item").is_err());
    assert!(reader.next().is_none());
}

#[test]
fn the_name_is_held_against_the_content() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let fastq: &[u8] = b"@r\nACGT\n+\nIIII\n";
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("temporary file");
        path
    };
    let cases: [(&str, Vec<u8>, Option<&str>); 9] = [
        ("a.fa.gz", gzip(FASTA), None),
        ("b.FASTA", FASTA.to_vec(), None),
        ("c.fq.zst", zstandard(fastq), None),
        ("d.data", gzip(fastq), None),
        ("e.fa.gz", FASTA.to_vec(), Some("promises gzip data, but the content is uncompressed")),
        ("f.fa.xz", bzip2(FASTA), Some("promises xz data, but the content is bzip2")),
        ("g.fa", fastq.to_vec(), Some("promises FASTA data, but the content is FASTQ")),
        ("h.fastq.bz2", bzip2(FASTA), Some("promises FASTQ data, but the content is FASTA")),
        ("i.fa", gzip(b"\x7fELF"), Some("neither FASTA nor FASTQ")),
    ];
    for (name, bytes, words) in cases {
        let path = write(name, &bytes);
        match (open_path(&path).and_then(|reader| reader.collect::<Result<Vec<_>, _>>()), words) {
            (Ok(records), None) => assert!(!records.is_empty()),
            (Err(error), Some(words)) => {
                let message = error.to_string();
                assert!(message.contains(words) && message.contains(name), "{message}");
            }
            (outcome, _) => panic!("{name}: {outcome:?}"),
        }
    }
    assert!(matches!(open_path(folder.path()).expect_err("a folder").kind, ReadErrorKind::Open(_)));
    let missing = open_path(folder.path().join("missing.fa")).expect_err("missing");
    assert!(missing.to_string().contains("cannot open the file"));
}
