//! Turns a filter and a sort into a way through the collection: which index, between which keys.
//!
//! A plan only has to lead to every document that matches; each one found is still checked by the matcher.
//! So whatever the planner does not understand merely leaves a range wider. See
//! `docs/decisions/052-planner.md` for how it chooses.

mod bounds;
mod candidate;
mod choose;
mod hint;
mod plan;
mod predicate;
mod sort;

pub(crate) use choose::plan;
pub use hint::Hint;
pub(crate) use plan::{Access, IndexAccess, Plan, ScannedIndex};
