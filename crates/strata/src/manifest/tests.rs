//! Golden cases for edits and their bytes, and damage at every place of a blob.

use std::sync::Arc;

use super::chain::{Writer, read};
use super::state::Edit;
use super::{State, format};
use crate::Error;
use crate::golden::{self, layer, number};
use crate::storage::{MemoryStorage, Storage};

/// A chain that a script works on.
struct Chain {
    storage: MemoryStorage,
    writer: Writer,
    edit: Edit,
}

impl Chain {
    fn new() -> Chain {
        let storage = MemoryStorage::new();
        let writer = Writer::new(Arc::new(storage.clone()), "golden", true, None, None);
        Chain { storage, writer, edit: Edit::default() }
    }

    fn commit(&mut self) -> String {
        let mut edit = std::mem::take(&mut self.edit);
        edit.epoch = self.writer.state.epoch;
        match self.writer.state.clone().apply(&edit) {
            Err(misfit) => format!("refused: {misfit}\n"),
            Ok(next) => match self.writer.commit(edit, next) {
                Ok(()) => String::new(),
                Err(error) => format!("{error}\n"),
            },
        }
    }

    fn reopen(&mut self) -> String {
        match read(&self.storage, None) {
            Err(error) => format!("{error}\n"),
            Ok(recovered) => {
                self.writer =
                    Writer::new(Arc::new(self.storage.clone()), "golden", true, recovered.as_ref(), None);
                let found = recovered.unwrap();
                format!("last {} edits {} stale {}\n", found.last, found.edits, found.stale.len())
            }
        }
    }

    fn blobs(&self) -> String {
        let list = self.storage.list("manifest").unwrap();
        list.iter().map(|entry| format!("{} {} bytes\n", entry.name, entry.bytes)).collect()
    }

    fn hex(&self, number: u64) -> String {
        let bytes = self.storage.contents(&format!("manifest/{number:020}")).unwrap();
        let line = |(at, bytes): (usize, &[u8])| {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{:04} {}\n", at * 16, hex.join(" "))
        };
        bytes.chunks(16).enumerate().map(line).collect()
    }

    fn command(&mut self, line: &str) -> String {
        let word = |at| line.split_whitespace().nth(at).unwrap();
        match word(0) {
            "add" => self.edit.added.push(layer(line)),
            "remove" => self.edit.removed.push(word(1).parse().unwrap()),
            "record" => self.edit.put_records.push((word(1).into(), word(2).into())),
            "drop" => self.edit.deleted_records.push(word(1).into()),
            "commit" => return self.commit(),
            "commits" => return (0..word(1).parse().unwrap()).map(|_| self.commit()).collect(),
            "snapshot" => self.writer.write_snapshot().unwrap(),
            "reopen" => return self.reopen(),
            "dump" => return self.writer.state.to_string(),
            "blobs" => return self.blobs(),
            "hex" => return self.hex(word(1).parse().unwrap()),
            "delete" => self.storage.delete(&format!("manifest/{:020}", number(line, "number"))).unwrap(),
            other => panic!("no command {other}"),
        }
        String::new()
    }
}

#[test]
fn edits_do_what_the_golden_cases_say() {
    golden::check("manifest.txt", |input| {
        let mut chain = Chain::new();
        input.lines().filter(|line| !line.starts_with('#')).map(|line| chain.command(line)).collect()
    });
}

fn sample() -> Chain {
    let mut chain = Chain::new();
    for line in [
        "add 7 level=0 recency=3 bytes=90 entries=5 keys=a..q metadata=note",
        "record name value",
        "commit",
        "remove 7",
        "add 8 level=1 recency=3 bytes=80 entries=4 keys=b..q",
        "drop name",
        "record other value",
        "commit",
    ] {
        assert_eq!(chain.command(line), "");
    }
    chain
}

/// Reads the chain with the blob `number` changed.
fn read_changed(chain: &Chain, number: u64, bytes: Vec<u8>) -> Result<Option<super::Recovered>, Error> {
    let storage = chain.storage.crash(0);
    storage.replace(&format!("manifest/{number:020}"), bytes);
    read(&storage, None)
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed_and_told_with_its_place() {
    let chain = sample();
    for number in [1, 2] {
        let file = format!("manifest/{number:020}");
        let bytes = chain.storage.contents(&file).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let error = read_changed(&chain, number, changed).unwrap_err();
            assert!(
                matches!(&error, Error::Corrupt { file: found, .. } if found.ends_with(&file)),
                "{error}"
            );
        }
        for length in 0..bytes.len() {
            let error = read_changed(&chain, number, bytes[..length].to_vec()).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(read_changed(&chain, number, longer), Err(Error::Corrupt { offset: 32, .. })));
    }
}

/// Puts right checksums around a body.
fn seal(bytes: &mut [u8]) {
    let body = xxhash_rust::xxh3::xxh3_64(&bytes[56..]);
    let length = bytes.len() as u64 - 56;
    bytes[32..40].copy_from_slice(&length.to_le_bytes());
    bytes[40..48].copy_from_slice(&body.to_le_bytes());
    let header = xxhash_rust::xxh3::xxh3_64(&bytes[..48]);
    bytes[48..56].copy_from_slice(&header.to_le_bytes());
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let chain = sample();
    let mut bytes = chain.storage.contents("manifest/00000000000000000002").unwrap();
    bytes[8] = 9;
    seal(&mut bytes);
    let error = read_changed(&chain, 2, bytes.clone()).unwrap_err();
    assert!(matches!(error, Error::NewerFormat { found: 9, supported: 3, .. }), "{error}");
    bytes[8] = 0;
    seal(&mut bytes);
    assert!(matches!(read_changed(&chain, 2, bytes), Err(Error::Corrupt { offset: 8, .. })));
}

/// A hostile blob has right checksums: the fields themselves are checked, too.
#[test]
fn a_hostile_body_is_an_error_and_never_a_panic() {
    let chain = sample();
    let bytes = chain.storage.contents("manifest/00000000000000000002").unwrap();
    for at in 56..bytes.len() {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] = value;
            seal(&mut changed);
            let _ = format::decode(&changed, 2, "hostile", None);
            let _ = read_changed(&chain, 2, changed);
        }
        let mut cut = bytes[..at].to_vec();
        seal(&mut cut);
        assert!(format::decode(&cut, 2, "hostile", None).is_err());
    }
}

#[test]
fn a_chain_with_a_gap_or_a_foreign_link_is_refused() {
    let chain = sample();
    let storage = chain.storage.crash(0);
    storage.delete("manifest/00000000000000000001").unwrap();
    assert!(matches!(read(&storage, None), Err(Error::Corrupt { .. })));
    let mut other = Chain::new();
    other.command("record name other");
    other.command("commit");
    let foreign = other.storage.contents("manifest/00000000000000000001").unwrap();
    let error = read_changed(&chain, 1, foreign).unwrap_err();
    assert!(error.to_string().contains("written after another one"), "{error}");
}

#[test]
fn the_manifest_can_be_read_by_people() {
    let chain = sample();
    let text = super::describe(&chain.storage).unwrap().unwrap();
    assert!(text.starts_with("kind golden, 1 edits since the snapshot, the last has number 2\nepoch 1"));
    assert!(text.contains("layer 8 level 1 recency 3: 80 bytes, 4 entries, b..q"), "{text}");
    assert_eq!(super::describe(&MemoryStorage::new()).unwrap(), None);
}

#[test]
fn what_is_too_long_is_refused_before_anything_is_written() {
    let mut chain = sample();
    let edit = Edit { epoch: 1, put_records: vec![("x".repeat(70_000), Vec::new())], ..Edit::default() };
    let next = State::default().apply(&edit).unwrap();
    let error = chain.writer.commit(edit, next).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes: 70_000, limit: 65_535, .. }), "{error}");
    chain.command("record name again");
    assert_eq!(chain.command("commit"), "");
}
