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
        for name in self.sequence_indexes()? {
            let index = match self.sequence_index(&name) {
                Ok(index) => index,
                Err(Error::Sequence(error)) => {
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
