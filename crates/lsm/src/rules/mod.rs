//! What callers say of single keyspaces: how operands are merged.

mod operator;
mod options;
mod registry;
mod resolver;

pub use operator::{MergeError, MergeOperator};
pub use options::KeyspaceOptions;
pub(crate) use registry::{KeyspaceRules, Rule};
pub(crate) use resolver::Resolver;
