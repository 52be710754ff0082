//! A stretch of a growing file that is mapped for writing: what is copied there outlives this process without a call
//! of the operating system for each record.

#![allow(unsafe_code, reason = "memory that is a file cannot be written without; see the SAFETY comment")]

use std::fs::File;
use std::io;

use memmap2::{MmapOptions, MmapRaw};

/// How much is allocated and mapped at once. A multiple of every page size.
const WINDOW_BYTES: u64 = 1 << 20;
/// Windows begin at multiples of this, of which every page size is a divisor.
const ALIGNMENT: u64 = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct LogWindow {
    map: MmapRaw,
    /// Where in the file it begins.
    start: u64,
}

impl LogWindow {
    /// Allocates room in `file` around and behind `from` and maps it.
    ///
    /// # Errors
    /// Where the file system cannot allocate, has no space left or cannot map: nothing is lost, and the file can be
    /// written to as before.
    pub(super) fn open(file: &File, from: u64) -> io::Result<LogWindow> {
        let start = from / ALIGNMENT * ALIGNMENT;
        // Without it the file would have a hole, and a store to it would end the process when the device is full.
        allocate(file, start, WINDOW_BYTES)?;
        let map = MmapOptions::new().offset(start).len(WINDOW_BYTES as usize).map_raw(file)?;
        Ok(LogWindow { map, start })
    }

    /// Where in the file it ends.
    pub(super) fn end(&self) -> u64 {
        self.start + self.map.len() as u64
    }

    /// Copies as many of `bytes` as fit to `at` of the file, and answers how many.
    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) -> usize {
        let Some(offset) = at.checked_sub(self.start).and_then(|offset| usize::try_from(offset).ok()) else {
            return 0;
        };
        let fits = bytes.len().min(self.map.len().saturating_sub(offset));
        if fits == 0 {
            return 0;
        }
        // SAFETY: `offset + fits` is at most the length of the mapping, which is writable and lives as long as `self`;
        // `bytes` is borrowed memory of this process, which no mapping of our own making overlaps. Nobody makes a
        // reference to the mapped bytes, so that whoever else reads or writes the file breaks no promise. The file
        // covers the mapping: it was allocated that far, and the writer shortens it only after it has dropped this.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.map.as_mut_ptr().add(offset), fits) };
        fits
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, start: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};

    Ok(fallocate(file, FallocateFlags::empty(), start, bytes)?)
}

/// Elsewhere it is not known what of a mapped file a sync of the file puts on the device.
#[cfg(not(target_os = "linux"))]
fn allocate(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_copied_is_in_the_file_and_what_does_not_fit_is_told() {
        let mut file = tempfile::tempfile().unwrap();
        let mut window = match LogWindow::open(&file, 70_000) {
            Ok(window) => window,
            Err(_) if cfg!(not(target_os = "linux")) => return,
            Err(error) => panic!("no window: {error}"),
        };
        assert_eq!(window.end(), ALIGNMENT + WINDOW_BYTES);
        assert_eq!(window.write(70_000, b"here"), 4);
        assert_eq!(window.write(window.end() - 2, b"cut"), 2);
        assert_eq!(window.write(window.end(), b"beyond"), 0);
        assert_eq!(window.write(window.end() + 5, b"beyond"), 0);
        assert_eq!(window.write(ALIGNMENT - 1, b"before"), 0);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, window.end());
        assert_eq!(&bytes[70_000..70_004], b"here");
        assert!(bytes.ends_with(b"cu"));
        assert!(bytes[70_004..bytes.len() - 2].iter().all(|byte| *byte == 0));
    }
}
