//! The bytes around the blobs of a packed file: head, directory, footer; see `docs/formats/single-file.md`.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::storage::{StorageError, check_name};

/// The first eight bytes of a packed file.
pub const MAGIC: &[u8; 8] = b"STRMFILE";
/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

pub(super) const HEAD_BYTES: usize = 16;
pub(super) const FOOTER_BYTES: usize = 48;
/// Each blob begins at a multiple of this, so that what is aligned in a file of its own is so here.
pub(super) const ALIGNMENT: u64 = 4096;
/// The fewest bytes of an entry: an empty name's length, and three numbers.
const SHORTEST_ENTRY: usize = 2 + 3 * 8;

/// Where a blob lies, and what its bytes hash to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u64,
}

impl Entry {
    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// The blobs by name.
pub(super) type Directory = BTreeMap<String, Entry>;

/// Where the directory lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) offset: u64,
    pub(super) length: u64,
    checksum: u64,
}

/// The first bytes of a file.
pub(super) fn head() -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head
}

/// The directory, to stand at `offset`, and the footer behind it.
pub(super) fn encode(directory: &Directory, offset: u64) -> Vec<u8> {
    let mut bytes = (directory.len() as u32).to_le_bytes().to_vec();
    for (name, entry) in directory {
        // A checked name has 200 bytes at most.
        bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        for number in [entry.offset, entry.length, entry.checksum] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    let (length, checksum) = (bytes.len() as u64, xxh3_64(&bytes));
    let start = bytes.len();
    for number in [offset, length, checksum] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(MAGIC);
    let footer_checksum = xxh3_64(&bytes[start..]);
    bytes.extend_from_slice(&footer_checksum.to_le_bytes());
    bytes
}

/// Reads both ends of a file of `file_bytes` bytes, which `place` names in errors.
pub(super) fn decode_ends(
    head_bytes: &[u8; HEAD_BYTES],
    footer: &[u8; FOOTER_BYTES],
    place: &str,
    file_bytes: u64,
) -> Result<Footer, StorageError> {
    let at = file_bytes - FOOTER_BYTES as u64;
    if head_bytes[..8] != MAGIC[..] {
        return Err(StorageError::damaged(place, 0, "it does not begin as a database in one file does"));
    }
    let version = u32_at(head_bytes, 8);
    if version > VERSION {
        return Err(StorageError::NewerFormat {
            place: place.to_owned(),
            found: version,
            supported: VERSION,
        });
    }
    if *head_bytes != head() {
        return Err(StorageError::damaged(place, 8, "its head is not one that was ever written"));
    }
    if xxh3_64(&footer[..40]) != u64_at(footer, 40) {
        return Err(StorageError::damaged(
            place,
            at,
            "the footer does not have its checksum: it was cut short or changed",
        ));
    }
    if footer[32..40] != MAGIC[..] || u32_at(footer, 24) != VERSION || u32_at(footer, 28) != 0 {
        return Err(StorageError::damaged(place, at, "the footer contradicts the head"));
    }
    let decoded =
        Footer { offset: u64_at(footer, 0), length: u64_at(footer, 8), checksum: u64_at(footer, 16) };
    if decoded.offset.checked_add(decoded.length) != Some(at) || decoded.offset < HEAD_BYTES as u64 {
        return Err(StorageError::damaged(place, at, "the directory does not reach to the footer"));
    }
    Ok(decoded)
}

/// Reads the directory.
pub(super) fn decode_directory(footer: Footer, bytes: &[u8], place: &str) -> Result<Directory, StorageError> {
    let broken = |what: &str| StorageError::damaged(place, footer.offset, what);
    if xxh3_64(bytes) != footer.checksum {
        return Err(broken("the directory does not have its checksum"));
    }
    let (count, mut rest) = bytes.split_at_checked(4).ok_or_else(|| broken("the directory is cut short"))?;
    let count = u32_at(count, 0) as usize;
    if count > rest.len() / SHORTEST_ENTRY {
        return Err(broken("the directory is cut short"));
    }
    let mut directory = Directory::new();
    let mut free_from = HEAD_BYTES as u64;
    let mut by_offset = Vec::with_capacity(count);
    for _ in 0..count {
        let (name, entry, after) = split_entry(rest).ok_or_else(|| broken("the directory is cut short"))?;
        rest = after;
        if check_name(name).is_err() || directory.last_key_value().is_some_and(|(last, _)| **last >= *name) {
            return Err(broken("the names in the directory are not in order"));
        }
        by_offset.push(entry);
        directory.insert(name.to_owned(), entry);
    }
    if !rest.is_empty() {
        return Err(broken("the directory has more bytes than entries"));
    }
    by_offset.sort_unstable_by_key(|entry| entry.offset);
    for entry in by_offset {
        let is_inside = entry.offset.checked_add(entry.length).is_some_and(|end| end <= footer.offset);
        if !is_inside || entry.offset < free_from || entry.offset % ALIGNMENT != 0 {
            return Err(broken("a blob lies where none can be"));
        }
        free_from = entry.end();
    }
    Ok(directory)
}

fn split_entry(bytes: &[u8]) -> Option<(&str, Entry, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let (numbers, rest) = rest.split_first_chunk::<24>()?;
    let entry =
        Entry { offset: u64_at(numbers, 0), length: u64_at(numbers, 8), checksum: u64_at(numbers, 16) };
    Some((std::str::from_utf8(name).ok()?, entry, rest))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|part| part.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map_or(0, u64::from_le_bytes)
}
