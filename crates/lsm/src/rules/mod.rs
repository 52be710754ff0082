//! What callers say of single keyspaces: how operands are merged, how long entries live, what merges take out, how
//! entries are stored.

mod filter;
mod living;
mod operator;
mod options;
mod registry;
mod resolver;
mod storing;

pub use filter::{Candidate, CompactionFilter, Decision};
pub(crate) use living::with_expiries;
pub use operator::{MergeError, MergeOperator};
pub use options::KeyspaceOptions;
pub(crate) use registry::{KeyspaceRules, Rule, expiry_after};
pub(crate) use resolver::Resolver;
pub(crate) use storing::{KeyspaceStoring, STORING_MARK, Storing};
