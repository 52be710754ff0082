//! Values: their order, their arithmetic, their types by name, and the way to them along dotted paths.

mod compare;
pub mod decimal;
mod nesting;
pub mod number;
pub mod path;
mod size;
mod types;

pub(crate) use compare::raw_bytes;
pub use compare::{
    compare, compare_documents, equal, equal_documents, identical, identical_documents, is_nullish,
};
pub use nesting::{MAX_NESTING, check_nesting, check_value_nesting};
pub use number::Number;
pub use path::FieldPath;
pub use size::{document_memory, value_memory};
pub use types::{bracket, describe, is_numeric, type_name, type_number, type_number_of_name};

/// A key by which values hash and compare as MongoDB's `compare` does; for sets and groups.
pub fn grouping_key(value: &bson::Bson) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    super::key::encode_value(value, super::key::Direction::Ascending, &mut key);
    key
}
