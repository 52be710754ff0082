//! Locked files mapped into memory, read-only or growing; mapping them is unsafe, using them is not.
//!
//! A mapping is memory that others can change: whoever may write the file can alter the bytes behind a
//! `&[u8]`, and whoever truncates it makes the next touch of a page beyond the new end a signal (`SIGBUS`
//! on Unix), which ends the process. The lock taken here keeps out everybody who asks for a lock too: other
//! regions, builders and readers of this crate, in this process or another. It does not keep out those who
//! do not ask (an editor, `cp` onto the file, `truncate`), and some network file systems know no locks at
//! all; there opening fails. Removing the file or renaming another over it is harmless on Unix: the mapped
//! one lives on without a name. Hence the functions that map are `unsafe`, and say what their caller vouches
//! for.

#![allow(unsafe_code, reason = "a mapping cannot be had without; see the SAFETY comments")]

use core::ops::Range;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use memmap2::{Mmap, MmapMut};

use super::MappedError;
use super::error::show;
use super::lock::{open_exclusive, open_shared};

/// A file mapped read-only, shared with other readers; unmapped and unlocked when dropped.
#[derive(Debug)]
pub struct MappedFile {
    // Fields drop in this order: the mapping first, then the file, whose closing gives the lock back.
    map: Mmap,
    _file: File,
    random_access: bool,
}

impl MappedFile {
    /// Maps a file whole, under a lock that is shared with readers and keeps writers of this crate out.
    ///
    /// Reads nothing: pages come in when they are touched.
    ///
    /// # Safety
    /// Until the value is dropped nobody changes or truncates the file's bytes (the module's documentation
    /// says what happens otherwise, and whom the lock keeps from it).
    ///
    /// # Errors
    /// [`MappedError::Locked`] while somebody writes the file, [`MappedError::Io`], [`MappedError::TooLarge`].
    pub unsafe fn open(path: &Path) -> Result<Self, MappedError> {
        let file = open_shared(path)?;
        length_of(&file, path)?;
        // SAFETY: the caller vouches that the bytes do not change while they are mapped.
        let map = unsafe { Mmap::map(&file) }.map_err(|source| MappedError::io("map", path, source))?;
        Ok(Self { map, _file: file, random_access: false })
    }

    /// The bytes of the file.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Tells the operating system that touching a page says nothing about its neighbours, so that it reads
    /// that page alone from the disk. A hint, which some systems do not take.
    pub fn expect_random_access(&mut self) {
        self.random_access = true;
        #[cfg(unix)]
        {
            // Without it the same is read, in other amounts.
            let _ = self.map.advise(memmap2::Advice::Random);
        }
    }

    /// Has the pages of `bytes` read while the caller does something else, if pages are read alone: whoever needs
    /// several asks for all of them before touching the first, and waits once.
    pub(super) fn ask_for(&self, bytes: Range<usize>) {
        #[cfg(unix)]
        if self.random_access {
            // Without it they are read one after the other.
            let _ = self.map.advise_range(memmap2::Advice::WillNeed, bytes.start, bytes.len());
        }
        #[cfg(not(unix))]
        let _ = bytes;
    }
}

/// A file mapped read-write that can grow; nobody else has it open under a lock meanwhile.
///
/// What is written is in the file as soon as the operating system likes, and for certain after
/// [`sync`](Self::sync). There is no order among what is not synced: a loss of power may keep a later
/// write and lose an earlier one.
#[derive(Debug)]
pub struct MappedRegion {
    // Dropped before the file, whose closing gives the lock back.
    map: MmapMut,
    file: File,
    path: PathBuf,
    length: usize,
    /// Whether the operating system is told so of every mapping.
    random_access: bool,
}

impl MappedRegion {
    /// Makes the file, or empties it if it is there, and maps `length` zero bytes of it.
    ///
    /// The lock is taken before anything is truncated.
    ///
    /// # Safety
    /// Until the value is dropped nobody else changes or truncates the file's bytes.
    ///
    /// # Errors
    /// [`MappedError::Locked`] while somebody else has it open under a lock; [`MappedError::Io`].
    pub unsafe fn create(path: &Path, length: usize) -> Result<Self, MappedError> {
        let file = open_exclusive(path, true)?;
        file.set_len(0).map_err(|source| MappedError::io("empty", path, source))?;
        // SAFETY: the caller's promise is the one asked for.
        let mut region = unsafe { Self::map(file, path) }?;
        region.grow(length)?;
        Ok(region)
    }

    /// Maps a file that is there, with what it holds.
    ///
    /// # Safety
    /// Until the value is dropped nobody else changes or truncates the file's bytes.
    ///
    /// # Errors
    /// [`MappedError::Locked`] while somebody else has it open under a lock, [`MappedError::Io`],
    /// [`MappedError::TooLarge`].
    pub unsafe fn open(path: &Path) -> Result<Self, MappedError> {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { Self::map(open_exclusive(path, false)?, path) }
    }

    /// # Safety
    /// Nobody else changes or truncates the file's bytes until the region is dropped.
    unsafe fn map(file: File, path: &Path) -> Result<Self, MappedError> {
        let length = length_of(&file, path)?;
        // SAFETY: the caller vouches that nobody else touches the bytes; this value hands out one mutable
        // slice at a time.
        let map = unsafe { MmapMut::map_mut(&file) };
        let map = map.map_err(|source| MappedError::io("map", path, source))?;
        Ok(Self { map, file, path: path.to_owned(), length, random_access: false })
    }

    /// As [`MappedFile::expect_random_access`], from now on, also when it has grown.
    pub fn expect_random_access(&mut self) {
        self.random_access = true;
        self.end_scan();
    }

    /// All bytes will be read, one after another, whatever access is expected otherwise; until
    /// [`end_scan`](Self::end_scan).
    pub(crate) fn begin_scan(&self) {
        self.advise(false);
    }

    /// The access that was expected before is expected again.
    pub(crate) fn end_scan(&self) {
        self.advise(self.random_access);
    }

    /// Without it the same is read, in other amounts.
    fn advise(&self, random_access: bool) {
        #[cfg(unix)]
        {
            let advice = if random_access { memmap2::Advice::Random } else { memmap2::Advice::Normal };
            let _ = self.map.advise(advice);
        }
    }

    /// The file's path, as it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes are mapped.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether no byte is mapped.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.map[..self.length]
    }

    /// The bytes, to be written.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map[..self.length]
    }

    /// Makes the file `length` bytes long and maps it anew; new bytes are zero. A smaller length does nothing.
    ///
    /// The new bytes are written, not left as a hole: a full disk is an error here, and not a signal when a
    /// page is touched later. Costs O(new bytes), so grow in proportion to the length.
    ///
    /// # Errors
    /// [`MappedError::Io`], for one when the disk is full; the region is then as it was.
    pub fn grow(&mut self, length: usize) -> Result<(), MappedError> {
        if length <= self.length {
            return Ok(());
        }
        let outcome = append_zeros(&mut self.file, self.length as u64, length as u64)
            .map_err(|source| MappedError::io("grow", &self.path, source))
            .and_then(|()| {
                // SAFETY: whoever made this region vouched for the file as long as the region lives. The old
                // mapping is dropped when this one takes its place; `&mut self` says that no slice of it is
                // left.
                unsafe { MmapMut::map_mut(&self.file) }
                    .map_err(|source| MappedError::io("map", &self.path, source))
            });
        match outcome {
            Ok(map) => {
                (self.map, self.length) = (map, length);
                self.end_scan();
                Ok(())
            }
            Err(error) => {
                // The old mapping ends where the file did before. If this fails too the file keeps zeros at
                // its end that nothing refers to.
                let _ = self.file.set_len(self.length as u64);
                Err(error)
            }
        }
    }

    /// Waits until everything written is on the disk.
    ///
    /// # Errors
    /// [`MappedError::Io`]; then it is not known what reached the disk, and trying again does not tell.
    pub fn sync(&self) -> Result<(), MappedError> {
        self.map
            .flush()
            .and_then(|()| self.file.sync_all())
            .map_err(|source| MappedError::io("sync", &self.path, source))
    }
}

/// The file's length, if this machine can map that much.
fn length_of(file: &File, path: &Path) -> Result<usize, MappedError> {
    let metadata = file.metadata().map_err(|source| MappedError::io("measure", path, source))?;
    let length = metadata.len();
    usize::try_from(length)
        .ok()
        .filter(|length| isize::try_from(*length).is_ok())
        .ok_or_else(|| MappedError::TooLarge { place: show(path), length })
}

fn append_zeros(file: &mut File, from: u64, to: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    let (zeros, mut missing) = ([0; 1 << 14], to - from);
    while missing > 0 {
        let some = missing.min(zeros.len() as u64);
        file.write_all(&zeros[..some as usize])?;
        missing -= some;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests own their files")]
mod tests {
    use super::*;

    #[test]
    fn a_region_grows_keeps_its_bytes_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("region");
        // SAFETY: nobody else knows the temporary folder.
        let mut region = unsafe { MappedRegion::create(&path, 10) }.unwrap();
        region.bytes_mut().copy_from_slice(b"0123456789");
        region.grow(100_000).unwrap();
        assert_eq!(&region.bytes()[..12], b"0123456789\0\0");
        assert_eq!((region.bytes().len(), region.len()), (100_000, 100_000));
        region.bytes_mut()[99_999] = 7;
        region.grow(5).unwrap();
        assert_eq!(region.len(), 100_000);
        region.sync().unwrap();
        drop(region);
        // SAFETY: as above.
        let region = unsafe { MappedRegion::open(&path) }.unwrap();
        assert_eq!((region.len(), region.bytes()[9], region.bytes()[99_999]), (100_000, b'9', 7));
    }

    #[test]
    fn a_locked_file_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("region");
        std::fs::write(&path, b"held").unwrap();
        // SAFETY: nobody else knows the temporary folder.
        unsafe {
            let reader = MappedFile::open(&path).unwrap();
            let second = MappedFile::open(&path).unwrap();
            assert!(matches!(MappedRegion::create(&path, 9), Err(MappedError::Locked { .. })));
            assert!(matches!(MappedRegion::open(&path), Err(MappedError::Locked { .. })));
            assert_eq!((reader.bytes(), second.bytes()), (&b"held"[..], &b"held"[..]));
            drop(reader);
            assert!(matches!(MappedRegion::open(&path), Err(MappedError::Locked { .. })));
            drop(second);
            let region = MappedRegion::open(&path).unwrap();
            assert!(matches!(MappedFile::open(&path), Err(MappedError::Locked { .. })));
            assert!(matches!(MappedRegion::create(&path, 1), Err(MappedError::Locked { .. })));
            drop(region);
            assert_eq!(MappedFile::open(&path).unwrap().bytes(), b"held");
        }
    }

    #[test]
    fn nothing_to_map_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("region");
        // SAFETY: nobody else knows the temporary folder.
        unsafe {
            assert!(matches!(MappedRegion::open(&path), Err(MappedError::Io { action: "open", .. })));
            let mut region = MappedRegion::create(&path, 0).unwrap();
            assert!(region.is_empty() && region.bytes_mut().is_empty());
            drop(region);
            assert!(MappedFile::open(&path).unwrap().bytes().is_empty());
            assert!(MappedFile::open(folder.path()).is_err());
        }
    }
}
