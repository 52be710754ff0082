//! What can be wrong with a dictionary of unitigs, or with what one is to be made of.

/// Why a dictionary could not be built or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DictionaryError {
    /// The bytes are not what was written.
    #[error("the k-mer dictionary is damaged at byte {offset}: {what}")]
    Corrupt {
        /// Where in the dictionary, in bytes.
        offset: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// The dictionary was written by a newer version.
    #[error("the k-mer dictionary has version {found}, which this version cannot read; use a newer one")]
    Unsupported {
        /// Its version.
        found: u32,
    },
    /// Even k, or one that does not fit the word.
    #[error("k = {k} does not fit a word of {bits} bits: choose an odd k from 3 to {most}", most = .bits / 2 - 1)]
    UnsupportedK {
        /// The k asked for.
        k: u8,
        /// Bits of the word.
        bits: u32,
    },
    /// A word that is no canonical k-mer, or one that came twice.
    #[error("{kmer:#x} is {what}")]
    UnsupportedKmer {
        /// The word.
        kmer: u128,
        /// What is wrong with it.
        what: &'static str,
    },
    /// More paths than can be numbered.
    #[error("a dictionary cannot be made of more than {limit} paths; build two")]
    TooMany {
        /// How many are possible.
        limit: u64,
    },
}
