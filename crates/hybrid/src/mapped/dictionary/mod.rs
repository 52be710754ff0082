//! A dictionary of fixed-width keys in a file: building it, looking keys up, walking through it.

mod batch;
mod builder;
mod entries;
mod lookup;
#[cfg(test)]
mod tests;

pub use builder::DictionaryBuilder;
pub use entries::Entries;
pub use lookup::Dictionary;
