//! A dictionary of byte strings in a file: the shared prefix stripped, the next eight bytes modelled.

mod builder;
mod entries;
mod lookup;
#[cfg(test)]
mod tests;

pub use builder::StringDictionaryBuilder;
pub use entries::StringEntries;
pub use lookup::StringDictionary;
