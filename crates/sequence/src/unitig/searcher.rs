//! A dictionary that is searched while it is being read.

use stroma_quotient::Key;

use super::dictionary::UnitigDictionary;
use super::search::Search;
use crate::layer::paged::Awaited;

/// A dictionary of which only what was asked for has been read. Nothing but a search copes with what is not there yet.
pub(crate) struct Searcher<'a> {
    dictionary: UnitigDictionary<'a>,
    awaited: &'a Awaited,
}

impl<'a> Searcher<'a> {
    /// Of a dictionary in bytes [that are awaited](crate::layer::paged::Paged::awaiting).
    pub(crate) fn new(dictionary: UnitigDictionary<'a>, awaited: &'a Awaited) -> Self {
        Searcher { dictionary, awaited }
    }

    /// Bases in a k-mer.
    pub(crate) fn k(&self) -> u8 {
        self.dictionary.k()
    }

    /// Looks up each k-mer of a sequence, in order. Its [steps](Search::step) tell where there is something to wait
    /// for; as an iterator it waits.
    ///
    /// # Panics
    /// If the word is too narrow for k.
    pub(crate) fn search<'s, W: Key>(&'s self, sequence: &'s [u8]) -> Search<'s, W> {
        Search::new(&self.dictionary, self.dictionary.length(), sequence, self.awaited)
    }
}
