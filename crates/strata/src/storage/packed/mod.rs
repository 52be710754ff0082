//! Many blobs in one sealed file: how it is written, and how it is read as a storage.

mod format;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use format::MAGIC as PACKED_MAGIC;
pub use reader::PackedStorage;
pub use writer::PackedWriter;
