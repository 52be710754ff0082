//! The subjects that are written in Rust: ours, and crates from the registry.

mod arrays;
mod list;
mod ours;
mod pgm;
mod tree_map;

pub(super) use list::{RustSubject, SUBJECTS};
