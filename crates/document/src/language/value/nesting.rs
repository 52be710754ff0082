//! Guards against documents nested so deeply that recursion over them could exhaust the stack.

use crate::error::{Code, Error, Result};
use bson::{Bson, Document};

/// How many levels of documents and arrays a stored document may have, as in MongoDB.
pub const MAX_NESTING: usize = 180;

/// Fails with `Overflow` where a document has more than [`MAX_NESTING`] levels.
pub fn check_nesting(document: &Document) -> Result<()> {
    document.iter().try_for_each(|(_, value)| check_below(value, 1))
}

/// The same for a single value.
pub fn check_value_nesting(value: &Bson) -> Result<()> {
    check_below(value, 0)
}

fn check_below(value: &Bson, level: usize) -> Result<()> {
    if level > MAX_NESTING {
        return Err(Error::new(
            Code::Overflow,
            format!("the document is nested more deeply than the limit of {MAX_NESTING} levels"),
        ));
    }
    match value {
        Bson::Document(inner) => inner.iter().try_for_each(|(_, value)| check_below(value, level + 1)),
        Bson::JavaScriptCodeWithScope(code) => {
            code.scope.iter().try_for_each(|(_, value)| check_below(value, level + 1))
        }
        Bson::Array(inner) => inner.iter().try_for_each(|value| check_below(value, level + 1)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_nesting_is_an_error() {
        let mut value = Bson::Int32(1);
        for _ in 0..170 {
            value = Bson::Array(vec![value]);
        }
        assert!(check_value_nesting(&value).is_ok());
        for _ in 0..30 {
            value = Bson::Document(bson::doc! {"a": value});
        }
        assert_eq!(check_value_nesting(&value).unwrap_err().code(), 15);
    }
}
