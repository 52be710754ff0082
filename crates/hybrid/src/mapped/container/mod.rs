//! The file under every dictionary: a header, paged sections with a checksum a page, an index.
//!
//! Documented byte by byte in `docs/formats/hybrid-dictionary.md`.

mod build_file;
mod header;
mod page_writer;
mod reader;
mod verify;
mod writer;

pub(in crate::mapped) use build_file::BuildFile;
#[cfg(test)]
pub(in crate::mapped) use build_file::ROOM;
pub(in crate::mapped) use header::{Header, SectionKind};
pub(in crate::mapped) use reader::{Backing, Container};
pub(in crate::mapped) use writer::ContainerWriter;
