//! A counting quotient filter: an exact or approximate counted set, or a map to small values.
//!
//! A [`CountingFilter`] maps keys of up to 64 bits to counts, a [`WideCountingFilter`] those of up to 128. A
//! key is divided: its *quotient* chooses a home slot, its *remainder* is stored. So a key costs little more
//! than its remainder: 62-bit keys among a million (20 quotient, 42 remainder bits) take 44.1 bits a slot,
//! without pointers, and the filter is exact. Give it hashes cut to fewer bits and it is an approximate set
//! instead. A value of fixed width may lie beside each remainder.
//!
//! ```
//! use stroma_quotient::{CountingFilter, InvertibleHash, Shape};
//!
//! // An exact count of 62-bit keys. Mixing spreads them evenly and can be undone.
//! let mix = InvertibleHash::new(62, 1);
//! let mut filter = CountingFilter::new(Shape::new(62, 1000)?)?;
//! for key in [7, 7, 8, 9, 7] {
//!     filter.insert(mix.hash(key))?;
//! }
//! assert_eq!(filter.count(mix.hash(7)), 3);
//! assert_eq!((filter.len(), filter.distinct()), (5, 3));
//!
//! // Iteration is by ascending (mixed) key, so filters merge and serialise as streams.
//! let bytes = filter.to_bytes();
//! let other = CountingFilter::open(&bytes)?;
//! let sum = CountingFilter::merge([&filter, &filter.clone()])?;
//! let mut keys: Vec<(u64, u64)> = sum.iter().map(|entry| (mix.invert(entry.key), entry.count)).collect();
//! keys.sort_unstable();
//! assert_eq!(keys, [(7, 6), (8, 2), (9, 2)]);
//! assert!(other == filter);
//! # Ok::<(), stroma_quotient::Error>(())
//! ```
//!
//! With values it is a map; here from words of 50 letters to colours of 20 bits:
//!
//! ```
//! use stroma_quotient::{Shape, WideCountingFilter, WideInvertibleHash};
//!
//! let mix = WideInvertibleHash::new(100, 1);
//! let mut colours = WideCountingFilter::new(Shape::new(100, 1000)?.with_value_bits(20))?;
//! colours.put(mix.hash(1 << 99), 77)?;
//! assert_eq!(colours.get(mix.hash(1 << 99)).value, 77);
//! # Ok::<(), stroma_quotient::Error>(())
//! ```
//!
//! # How it works
//! All keys of one quotient form a *run* of neighbouring slots, ordered by remainder. Runs lie in the order
//! of their quotients, each at its home slot or pushed right by the runs before. Two bitmaps find a run by
//! rank and select: which quotients have a run, and in which slots runs end (Pandey, Bender, Johnson, Patro:
//! "A General-Purpose Counting Filter", SIGMOD 2017); a byte for each 64 slots says how far runs reach into
//! them. That makes 2.125 bits a slot beside the remainder. Counts above one are written into the slots after
//! the remainder, which tell themselves apart because they break the ascending order; how differs from the
//! paper and is told in `counter.rs`.
//!
//! The layout is canonical: equal contents of equal shape are equal bytes, whatever the history, and
//! whatever instructions the processor has.

#![deny(unsafe_code)]

mod batch;
mod blocks;
mod builder;
mod concurrent;
mod counter;
mod edit;
mod error;
mod filter;
mod find;
mod format;
mod hash;
mod iter;
mod key;
mod machine;
mod merge;
mod near;
mod packer;
mod pair;
mod resize;
mod runs;
mod shape;
mod stored;
mod validate;

pub use batch::Stopped;
pub use builder::{Builder, SortedBuilder};
pub use concurrent::ConcurrentFilter;
pub use error::Error;
pub use filter::{CountingFilter, QuotientFilter, WideCountingFilter};
pub use find::Counted;
pub use format::stored_size;
pub use hash::{InvertibleHash, Mixing, WideInvertibleHash};
pub use iter::{Entry, Iter};
pub use key::Key;
pub use machine::Memory;
pub use merge::{Join, Joined, Merge, join};
pub use shape::Shape;
pub use stored::{StoredMap, Walk};
