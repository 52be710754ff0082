//! Files mapped into memory: the region under a lock, and what is kept in one.

mod error;
mod lock;
mod region;

pub use error::MappedError;
pub use region::{MappedFile, MappedRegion};
