//! A merge operator for tests and examples: operands are appended, so that their order counts and any that is lost,
//! doubled or out of place shows.
#![allow(dead_code, reason = "who includes this uses a part of it")]

use stroma_lsm::{MergeError, MergeOperator};

/// Appends operands to the value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Append {
    combines: bool,
    longest: usize,
    refused: Option<u8>,
}

impl Append {
    /// Does not put operands together without a value.
    pub(crate) const APART: Append = Append { combines: false, longest: usize::MAX, refused: None };
    /// Puts operands together as well.
    pub(crate) const COMBINED: Append = Append { combines: true, ..Append::APART };

    /// One or the other of these.
    pub(crate) const fn combining(combines: bool) -> Append {
        Append { combines, ..Append::APART }
    }

    /// The same, keeping only so many bytes at the end of what it makes.
    pub(crate) const fn keeping(self, longest: usize) -> Append {
        Append { longest, ..self }
    }

    /// The same, but failing on values with this byte.
    pub(crate) const fn refusing(self, byte: u8) -> Append {
        Append { refused: Some(byte), ..self }
    }

    /// What operands make of a value.
    pub(crate) fn appended(&self, base: Option<&[u8]>, operands: &[&[u8]]) -> Vec<u8> {
        let mut value = base.unwrap_or_default().to_vec();
        operands.iter().for_each(|operand| value.extend_from_slice(operand));
        value.split_off(value.len().saturating_sub(self.longest))
    }
}

impl MergeOperator for Append {
    fn name(&self) -> &str {
        "append"
    }

    fn merge(&self, _: &[u8], base: Option<&[u8]>, operands: &[&[u8]]) -> Result<Vec<u8>, MergeError> {
        let value = self.appended(base, operands);
        if self.refused.is_some_and(|byte| value.contains(&byte)) {
            Err("it exclaims".into())
        } else {
            Ok(value)
        }
    }

    fn combine(&self, _: &[u8], operands: &[&[u8]]) -> Option<Vec<u8>> {
        self.combines.then(|| self.appended(None, operands))
    }
}
