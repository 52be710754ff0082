//! A map whose leaves lie in a mapped file that grows with it.
//!
//! The entries, which are nearly all of the bytes, are changed where they lie in the file. Inner nodes and heads
//! of leaves, two or three percent, are kept on the heap and built again when the file is opened.
//!
//! ```
//! use stroma_hybrid::map::{MappedMap, Standard};
//! use stroma_hybrid::mapped::MappedRegion;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("squares");
//! // SAFETY: nobody else changes the file while it is mapped.
//! let region = unsafe { MappedRegion::create(&path, 0) }?;
//! let mut map = MappedMap::<Standard<u64, u32>>::create(region)?;
//! for root in 0..10_000u32 {
//!     map.insert(u64::from(root) * u64::from(root), root)?;
//! }
//! map.sync()?;
//! drop(map);
//!
//! // SAFETY: as above.
//! let region = unsafe { MappedRegion::open(&path) }?;
//! let map = MappedMap::<Standard<u64, u32>>::open(region)?;
//! assert_eq!((map.len(), map.get(49)), (10_000, Some(7)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a crash leaves
//! Changes are made in place and in no order, so a file that was changed after its last
//! [`sync`](MappedMap::sync) is of no use if the process ends before the next one. The first change after a sync
//! therefore marks the file as *being changed*, durably, before anything else is written; such a file is refused
//! when it is opened. Whoever cannot rebuild it keeps a copy that was made right after a sync. The format is
//! described in `docs/formats/hybrid-map.md`.

mod error;
mod header;
mod leaves;
mod open;
mod sync;
mod table;

pub use error::MapFileError;
pub use leaves::{FileLeaves, MappedMap};
