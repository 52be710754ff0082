//! The work of the stress test: many threads on a small store and a cache, every answer checked.
//!
//! - [`value`]: what is stored tells whose it is, of which revision, and whether it is whole.
//! - [`board`]: what the owners of keys say of them, and whether an answer agrees with it.
//! - [`settings`] and [`profile`]: how much memory and how many threads; what sizes a round has.
//! - [`owner`], [`reader`] and [`contender`]: what a thread does with its own keys, with those of others, and
//!   with keys that all write.
//! - [`cached`]: a cache and logs that take from and give to the same memory.
//! - [`stress`]: rounds of threads, and the recount after each.

mod board;
mod cached;
mod contender;
mod flaw;
mod owner;
mod profile;
mod random;
mod reader;
mod settings;
mod stress;
mod value;

pub(crate) use flaw::Flaw;
pub(crate) use settings::Settings;
pub(crate) use stress::Stress;
