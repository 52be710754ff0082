//! Writes sorted keys to a file, each larger than the one before.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::Outcome;

const BUFFER_BYTES: usize = 1 << 20;

/// A file of little-endian keys that strictly ascend.
pub(in crate::index) struct KeyWriter {
    file: BufWriter<File>,
    next_possible: u64,
    is_full: bool,
    count: u64,
}

impl KeyWriter {
    pub(in crate::index) fn create(path: &Path) -> Outcome<KeyWriter> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
        Ok(KeyWriter { file, next_possible: 0, is_full: false, count: 0 })
    }

    /// Adds a key; one that is not above the last becomes the last plus one, since maps keep no duplicates.
    pub(in crate::index) fn push(&mut self, key: u64) -> Outcome {
        if self.is_full {
            return Err("there is no key above the largest".into());
        }
        let key = key.max(self.next_possible);
        self.file.write_all(&key.to_le_bytes())?;
        self.is_full = key == u64::MAX;
        self.next_possible = key.saturating_add(1);
        self.count += 1;
        Ok(())
    }

    /// How many keys there are.
    pub(in crate::index) fn finish(mut self) -> Outcome<u64> {
        self.file.flush()?;
        Ok(self.count)
    }
}
