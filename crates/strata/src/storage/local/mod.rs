//! Blobs and logs as files of one directory.

mod blob;
mod lock;
mod log;
mod publish;
mod storage;

pub use storage::{LocalOptions, LocalStorage};
