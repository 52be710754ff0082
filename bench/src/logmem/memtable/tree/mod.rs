//! A candidate for the memtable's index: a B+-tree whose readers never wait.

mod node;
mod order;
mod words;
mod write;

pub(super) use order::{Entry, Target, Tree};
