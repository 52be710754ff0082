//! Aggregation expressions: parsed once, evaluated per document.
//!
//! A missing value is `Bson::Undefined` throughout: expressions propagate it, and a projection that gets it
//! leaves the field out. Each family of operators is a file with one table; a new operator is one row.

mod arithmetic;
mod comparison;
mod conditional;
mod node;
mod operator;
mod parse;
mod variables;

pub use node::Expression;
pub use parse::ParseScope;
pub use variables::{Scope, Variables};

pub(crate) use node::{Evaluate, truthy};
pub(crate) use operator::is_operator;
pub(crate) use parse::checked_path;
