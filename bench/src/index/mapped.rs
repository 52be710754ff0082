//! Opens our files in place: the one module here with `unsafe`, as mapping a file is a promise.

#![allow(unsafe_code, reason = "the interface makes the promise about a mapped file visible")]

use std::path::Path;

use stroma_hybrid::map::{MappedMap, Standard};
use stroma_hybrid::mapped::{Dictionary, MappedRegion, OpenOptions};

use crate::Outcome;

/// A dictionary of keys alone.
pub(super) type KeyDictionary = Dictionary<u64, ()>;

/// Maps a dictionary that this process or its parent has built.
pub(super) fn open(path: &Path, options: &OpenOptions) -> Outcome<KeyDictionary> {
    // SAFETY: the file lies in a temporary folder of this suite. It was written whole and renamed before it is
    // opened, and nobody writes to it again; it is removed only after the process that maps it has ended.
    Ok(unsafe { options.open(path) }?)
}

/// A map of keys and one byte each, so that the file is little more than the keys.
pub(super) type FileMap = MappedMap<Standard<u64, u8>>;

/// Makes an empty map in a new file.
pub(super) fn create_map(path: &Path) -> Outcome<FileMap> {
    // SAFETY: the file is new, in a temporary folder of this suite, and no other process opens it while this one
    // has it.
    Ok(FileMap::create(unsafe { MappedRegion::create(path, 0) }?)?)
}

/// Opens a map that was synced.
pub(super) fn open_map(path: &Path) -> Outcome<FileMap> {
    // SAFETY: as above; the process that made it has ended or dropped it.
    let mut region = unsafe { MappedRegion::open(path) }?;
    region.expect_random_access();
    Ok(FileMap::open(region)?)
}
