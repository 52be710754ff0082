//! Sorted dictionaries in files that are mapped instead of read, and the mapped memory under them.
//!
//! A [`Dictionary`] is a file of sorted keys, their values kept apart, an index that fits the keys, and a
//! checksum for each page. A [`DictionaryBuilder`] writes it in one pass; opening it reads one page. A
//! [`StringDictionary`] is the same for byte strings.
//!
//! ```
//! use stroma_hybrid::mapped::{Dictionary, DictionaryBuilder};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("squares");
//! let mut builder = DictionaryBuilder::<u64, u32>::create(&path)?;
//! for root in 0..10_000 {
//!     builder.push(u64::from(root) * u64::from(root), root)?;
//! }
//! builder.finish()?;
//!
//! // SAFETY: nobody changes the file while it is mapped.
//! let squares = unsafe { Dictionary::<u64, u32>::open(&path) }?;
//! assert_eq!(squares.get(49)?, Some(7));
//! assert_eq!(squares.range(50..=100)?.collect::<Result<Vec<_>, _>>()?, [(64, 8), (81, 9), (100, 10)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checked_keys;
mod container;
mod dictionary;
mod error;
mod held;
mod lock;
mod open;
mod region;
mod strings;

pub use bytemuck::Pod;
pub use dictionary::{Dictionary, DictionaryBuilder, Entries};
pub use error::MappedError;
pub use open::OpenOptions;
pub use region::{MappedFile, MappedRegion};
pub use strings::{StringDictionary, StringDictionaryBuilder, StringEntries};
