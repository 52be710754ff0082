//! Checking a database: every table's checksums and structure.

use crate::database::Core;

/// What [`Database::check`](crate::Database::check) found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Tables that were read.
    pub tables: usize,
    /// Their bytes.
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
        report
    }
}
