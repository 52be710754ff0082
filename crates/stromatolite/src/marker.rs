//! The small text files that say what a folder is and in which format: one line, a name and a number.

use stroma_strata::storage::Blob;

use crate::error::{Error, Result};

/// No marker is longer; what is longer is none.
const LONGEST: u64 = 1024;

/// One kind of marker.
#[derive(Debug)]
pub(crate) struct Marker {
    /// What the line begins with.
    name: &'static str,
    /// The newest format that this release reads, and the one it writes.
    newest: u32,
}

/// Says that a folder holds a database.
pub(crate) const DATABASE: Marker = Marker { name: "stromatolite", newest: 1 };
/// Says that a database has a sequence index of the file's name.
pub(crate) const SEQUENCE_INDEX: Marker = Marker { name: "stromatolite sequence index", newest: 1 };

impl Marker {
    /// The line as this release writes it.
    pub(crate) fn line(&self) -> String {
        format!("{} {}\n", self.name, self.newest)
    }

    /// Verifies the line in `blob`, which is called `file` in errors.
    ///
    /// # Errors
    /// [`Error::NewerFormat`] and [`Error::DamagedFormat`]; when the blob cannot be read.
    pub(crate) fn verify(&self, blob: &dyn Blob, file: &str) -> Result<()> {
        let damaged =
            || Error::DamagedFormat { file: file.to_owned(), expected: self.line().trim_end().to_owned() };
        if blob.len() > LONGEST {
            return Err(damaged());
        }
        let bytes = blob.read_all()?;
        // The line's end belongs to it: without it, the number of a newer release could be cut short.
        let number = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.strip_prefix(self.name)?.strip_prefix(' ')?.strip_suffix('\n'));
        match number.and_then(|number| number.parse::<u32>().ok()) {
            Some(found) if found == self.newest && bytes == self.line().as_bytes() => Ok(()),
            Some(found) if found > self.newest => {
                Err(Error::NewerFormat { file: file.to_owned(), found, supported: self.newest })
            }
            _ => Err(damaged()),
        }
    }
}
