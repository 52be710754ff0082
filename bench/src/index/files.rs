//! The files of one set of keys that all processes read: keys, questions, right answers.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};
use stroma_strata::storage::{Blob, LocalStorage, Storage as _};

use crate::Outcome;

/// The sorted keys.
pub(super) const KEYS: &str = "keys";
/// Keys that are there, in random order.
pub(super) const PRESENT: &str = "present";
/// Keys that are not, in random order.
pub(super) const ABSENT: &str = "absent";
/// Keys at the ends of the set and of the type.
pub(super) const EXTREME: &str = "extreme";
/// Keys of the set that are inserted into a map of the others, in random order.
pub(super) const INSERTED: &str = "inserted";

/// A folder of files of 64-bit little-endian numbers.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: impl Into<PathBuf>) -> Folder {
        Folder(path.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Reads a list whole.
    pub(super) fn read(&self, name: &str) -> Outcome<Vec<u64>> {
        let bytes = std::fs::read(self.file(name))?;
        let words = bytes.as_chunks::<8>().0;
        Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    pub(super) fn write(&self, name: &str, numbers: &[u64]) -> Outcome {
        let mut file = BufWriter::new(File::create(self.file(name))?);
        for number in numbers {
            file.write_all(&number.to_le_bytes())?;
        }
        Ok(file.flush()?)
    }

    /// A list of questions with the position that is the right answer to each.
    pub(super) fn questions(&self, name: &str) -> Outcome<Questions> {
        let questions = Questions { keys: self.read(name)?, positions: self.read(&answers(name))? };
        if questions.keys.is_empty() || questions.keys.len() != questions.positions.len() {
            return Err(format!("the list of {name} keys has no answers").into());
        }
        Ok(questions)
    }

    /// Maps the keys.
    pub(super) fn keys(&self) -> Outcome<MappedKeys> {
        let blob = LocalStorage::open(&self.0)?.open(KEYS)?;
        Ok(MappedKeys(blob))
    }

    /// Asks the system to forget what it holds of a file in memory, which it does where nobody maps the file.
    pub(super) fn forget(&self, name: &str) -> Outcome {
        let file = File::open(self.file(name))?;
        // What is not on the disk yet is not forgotten.
        file.sync_all()?;
        Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
    }
}

/// The name of the list of right answers to a list of questions.
pub(super) fn answers(name: &str) -> String {
    format!("{name}.answers")
}

/// Keys to be looked up, and the lower bounds that `partition_point` finds.
pub(super) struct Questions {
    pub(super) keys: Vec<u64>,
    pub(super) positions: Vec<u64>,
}

/// A mapped file of keys.
pub(super) struct MappedKeys(Arc<dyn Blob>);

impl MappedKeys {
    pub(super) fn slice(&self) -> Outcome<&[u64]> {
        let bytes = self.0.mapped().ok_or("the file of keys is empty")?;
        bytemuck::try_cast_slice(bytes).map_err(|error| format!("the file of keys: {error}").into())
    }

    /// Reads all of it once, so that no page is missing when the clock runs.
    pub(super) fn warm(&self) -> Outcome {
        const PAGE_KEYS: usize = 512;
        std::hint::black_box(self.slice()?.iter().step_by(PAGE_KEYS).fold(0, |all, key| all ^ key));
        Ok(())
    }
}
