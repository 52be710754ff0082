//! Opens our dictionary in place: the one module here with `unsafe`, as mapping a file is a promise.

#![allow(unsafe_code, reason = "the interface makes the promise about a mapped file visible")]

use std::path::Path;

use stroma_hybrid::mapped::{Dictionary, OpenOptions};

use crate::Outcome;

/// A dictionary of keys alone.
pub(super) type KeyDictionary = Dictionary<u64, ()>;

/// Maps a dictionary that this process or its parent has built.
pub(super) fn open(path: &Path, options: &OpenOptions) -> Outcome<KeyDictionary> {
    // SAFETY: the file lies in a temporary folder of this suite. It was written whole and renamed before it is
    // opened, and nobody writes to it again; it is removed only after the process that maps it has ended.
    Ok(unsafe { options.open(path) }?)
}
