//! Checking a database: the checksums and the structure of every table and value file.

use crate::database::Core;

/// What [`Database::check`](crate::Database::check) found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Tables that were read.
    pub tables: usize,
    /// Value files that were read.
    pub value_files: usize,
    /// The bytes of both.
    pub bytes: u64,
    /// What is wrong: the file, and what the check says of it.
    pub damaged: Vec<(String, String)>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty()
    }

    pub(crate) fn make(core: &Core) -> CheckReport {
        let mut report = CheckReport::default();
        for verified in core.layers.verify() {
            report.tables += 1;
            report.bytes += verified.bytes;
            if let Some(error) = verified.error {
                report.damaged.push((verified.file, error));
            }
        }
        for file in core.values().in_use() {
            report.value_files += 1;
            report.bytes += file.bytes();
            if let Err(error) = file.verify() {
                report.damaged.push((file.place().to_owned(), error.to_string()));
            }
        }
        for (file, damage) in core.storage.verify() {
            report.damaged.extend(damage.map(|error| (file, error.to_string())));
        }
        report
    }
}
