//! Mapping a sealed file into memory: with the window of a log (`local/window.rs`) the only unsafe code of this crate.

#![allow(unsafe_code, reason = "a mapping cannot be had without; see the SAFETY comment")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a sealed file. An empty file gives `None`: there is nothing to map.
pub(super) fn map_sealed(file: &File, length: u64) -> io::Result<Option<Mmap>> {
    if length == 0 {
        return Ok(None);
    }
    // SAFETY: the bytes of a mapping must not change under a reader. A blob is written under a temporary
    // name, synced and only then linked to the name it is opened by; this crate never writes to, truncates
    // or replaces a published name, and one process at a time holds the directory's lock. Deleting a blob
    // unlinks its name and leaves the mapped pages alone; so does a single file that takes another's name.
    // What remains is someone outside who changes files of the database by hand; truncating one would end
    // the process with a signal (documented at `LocalOptions::map`), and changed bytes are caught by
    // checksums, since every reader treats them as untrusted input.
    unsafe { Mmap::map(file) }.map(Some)
}
