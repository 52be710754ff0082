//! Reading every byte of a database and verifying every checksum.

use crate::error::Result;
use crate::{Error, Stromatolite};

/// What a check read and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What opening the database left out of the end of the log, in words: writes that were under way when it was
    /// last stopped hard. `None` when there was nothing to leave out.
    pub cut_from_log: Option<String>,
    /// What is damaged; empty when all is whole.
    pub damaged: Vec<Damage>,
}

/// A damaged part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, or what else is wrong with itself.
    pub file: String,
    /// What is wrong.
    pub what: String,
}

impl CheckReport {
    fn add(&mut self, file: &str, bytes: u64, damage: Option<String>) {
        self.files += 1;
        self.bytes += bytes;
        if let Some(what) = damage {
            self.damaged.push(Damage { file: file.to_owned(), what });
        }
    }
}

impl Stromatolite {
    /// Reads everything: the engine's layers and logs, the layers of every sequence index.
    ///
    /// # Errors
    /// Only when a part cannot be read at all; damage is in the report. A damaged part that keeps an index from being
    /// opened is damage of that index.
    pub fn check(&self) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        let engine = self.engine().check();
        report.files += engine.tables as u64;
        report.bytes += engine.bytes;
        report.damaged.extend(engine.damaged.into_iter().map(|(file, what)| Damage { file, what }));
        if let Some(cut) = &self.engine().recovery_report().log_cut {
            report.cut_from_log = Some(format!(
                "{}: {} bytes from byte {} on were no whole records and were left out when the database was opened",
                cut.segment, cut.bytes, cut.offset
            ));
        }
        for name in self.registry().unnamed()? {
            let what = "is missing, but there are layers of an index of that name: a removal was interrupted (make \
                        an index of that name and remove it), or the file was lost (restore it)";
            report.damaged.push(Damage { file: self.registry().describe(&name), what: what.to_owned() });
        }
        for name in self.sequence_indexes()? {
            let index = match self.sequence_index(&name) {
                Ok(index) => index,
                Err(error)
                    if error.is_damage()
                        || matches!(error, Error::NewerFormat { .. } | Error::Sequence(_)) =>
                {
                    report.add(&format!("sequence index {name}"), 0, Some(error.to_string()));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let found = index.check();
            for layer in found.layers {
                report.add(&layer.place, layer.bytes, layer.damage);
            }
            for what in found.contradictions {
                report.damaged.push(Damage { file: format!("sequence index {name}"), what });
            }
        }
        Ok(report)
    }
}
