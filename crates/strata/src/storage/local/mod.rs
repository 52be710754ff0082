//! Blobs and logs as files of one directory.

mod blob;
mod descriptors;
mod file;
mod lock;
mod log;
mod publish;
mod storage;
mod window;

pub use file::{IfExists, create_file, open_file};
pub use storage::{LocalOptions, LocalStorage};
