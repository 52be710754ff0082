//! Aggregation stages, one file each, and the pipeline that runs them as iterators.

mod replace_root;
mod unset;

pub(crate) use replace_root::ReplaceRoot;
pub(crate) use unset::parse as parse_unset;
