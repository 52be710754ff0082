//! A counting quotient filter: an exact or approximate counted set.
//!
//! A [`CountingFilter`] maps keys of up to 64 bits to counts. A key is divided: its upper *quotient* bits
//! choose a home slot, its lower *remainder* bits are stored. So a key costs little more than its remainder:
//! 62-bit keys among a million (20 quotient, 42 remainder bits) take 45.1 bits a slot, without pointers, and
//! the filter is exact. Give it hashes cut to fewer bits and it is an approximate set instead.
//!
//! ```
//! use stroma_quotient::{CountingFilter, InvertibleHash, Shape};
//!
//! // An exact count of 62-bit keys. Mixing spreads them evenly and can be undone.
//! let mix = InvertibleHash::new(62, 1);
//! let mut filter = CountingFilter::new(Shape { quotient_bits: 10, remainder_bits: 52 })?;
//! for key in [7, 7, 8, 9, 7] {
//!     filter.insert(mix.hash(key))?;
//! }
//! assert_eq!(filter.count(mix.hash(7)), 3);
//! assert_eq!((filter.len(), filter.distinct()), (5, 3));
//!
//! // Iteration is by ascending (mixed) key, so filters merge and serialise as streams.
//! let other = CountingFilter::open(&filter.to_bytes())?;
//! let sum = CountingFilter::merge([&filter, &other])?;
//! let mut keys: Vec<(u64, u64)> = sum.iter().map(|(mixed, count)| (mix.invert(mixed), count)).collect();
//! keys.sort_unstable();
//! assert_eq!(keys, [(7, 6), (8, 2), (9, 2)]);
//! # Ok::<(), stroma_quotient::Error>(())
//! ```
//!
//! # How it works
//! All keys of one quotient form a *run* of neighbouring slots, ordered by remainder. Runs lie in the order
//! of their quotients, each at its home slot or pushed right by the runs before. Two bitmaps find a run by
//! rank and select: which quotients have a run, and in which slots runs end (Pandey, Bender, Johnson, Patro:
//! "A General-Purpose Counting Filter", SIGMOD 2017). Counts above one are digits in the slots after the
//! remainder. Unlike the paper's encoding, which tells digits from remainders by breaking the order, ours
//! marks them in a third bitmap: a bit a slot more, but a count of 3 and more takes one slot less, every
//! digit has its full range, and one-bit remainders work.
//!
//! The layout is canonical: equal contents of equal shape are equal bytes, whatever the history.

#![forbid(unsafe_code)]

mod bits;
mod blocks;
mod builder;
mod counter;
mod edit;
mod error;
mod filter;
mod format;
mod hash;
mod iter;
mod merge;
mod shape;
mod validate;

pub use builder::Builder;
pub use error::Error;
pub use filter::CountingFilter;
pub use hash::InvertibleHash;
pub use iter::Iter;
pub use merge::Merged;
pub use shape::Shape;
