//! The unit in which statistics give sizes.

use bson::Bson;
use stroma_document::{Error, Result};

use super::Arguments;

/// Bytes per unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale(i64);

impl Scale {
    /// Reads `scale`: bytes, unless it says otherwise.
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Scale> {
        match arguments.integer("scale")?.unwrap_or(1) {
            scale if scale >= 1 => Ok(Scale(scale)),
            scale => Err(Error::location(
                51024,
                format!("BSON field 'scale' value must be >= 1, actual value '{scale}'"),
            )),
        }
    }

    /// The number of bytes to a unit.
    pub(crate) fn factor(self) -> i64 {
        self.0
    }

    /// A size in whole units.
    pub(crate) fn apply(self, bytes: u64) -> Bson {
        Bson::Int64(i64::try_from(bytes).unwrap_or(i64::MAX) / self.0)
    }
}
