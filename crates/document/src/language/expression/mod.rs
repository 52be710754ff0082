//! Aggregation expressions: parsed once, evaluated per document.
//!
//! A missing value is `Bson::Undefined` throughout: expressions propagate it, and a projection that gets it
//! leaves the field out. Each family of operators is a file with one table; a new operator is one row.

mod accumulate;
mod arithmetic;
mod array;
mod comparison;
mod conditional;
mod convert;
mod date;
mod iterate;
mod measure;
mod node;
mod object;
mod operator;
mod parse;
mod set;
mod string;
mod variables;

pub use node::Expression;
pub use parse::ParseScope;
pub use variables::{Scope, Variables};

pub(crate) use node::{Evaluate, truthy};
pub(crate) use operator::is_operator;
pub(crate) use parse::{check_ends, checked_path};

#[cfg(test)]
mod tests;
