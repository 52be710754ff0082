//! A document database with MongoDB's query language on any ordered transactional store

pub mod error;
pub mod language;
pub mod store;

pub use error::{Code, Error, Result, WriteError};
