//! Looks up the k-mers of a sequence one after the other, each first where the one before it was found.

use stroma_quotient::Key;

use super::dictionary::{Found, Hit, UnitigDictionary};
use super::oriented::{Length, Oriented};
use crate::kmer::{NO_BASE, code};

/// What is known of one k-mer of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Where in the sequence the k-mer begins.
    pub start: usize,
    /// Where the dictionary has it; none if it does not.
    pub found: Option<Found>,
}

impl At {
    /// The k-mer's colour; none if the dictionary does not have it.
    pub fn colour(&self) -> Option<u32> {
        self.found.map(|found| found.colour)
    }
}

/// Iterator over the k-mers of a sequence, repeats included; windows with a character that is no base are left out.
///
/// A k-mer after one that was found costs the comparison of one base, as long as sequence and string agree.
#[derive(Clone, Debug)]
pub struct Search<'a, W> {
    dictionary: &'a UnitigDictionary<'a>,
    length: Length<W>,
    rest: std::iter::Enumerate<std::slice::Iter<'a, u8>>,
    word: Oriented<W>,
    /// Bases since the last character that is none.
    run: u64,
    /// Where the k-mer before was found, and its colour.
    last: Option<(Hit, u32)>,
}

impl<'a, W: Key> Search<'a, W> {
    pub(super) fn new(dictionary: &'a UnitigDictionary<'a>, length: Length<W>, sequence: &'a [u8]) -> Self {
        let word = Oriented { forward: W::ZERO, reverse: W::ZERO };
        Search { dictionary, length, rest: sequence.iter().enumerate(), word, run: 0, last: None }
    }

    /// Where the k-mer is that follows the one found last with one more base, if the string goes on like that.
    #[inline]
    fn onward(&self, code: u64) -> Option<(Hit, u32)> {
        let (Hit { position, is_forward, run }, colour) = self.last?;
        let k = u64::from(self.length.bases());
        let runs = &self.dictionary.runs;
        let stays = if is_forward {
            let is_last = runs.is_last_of_string(run.number);
            if is_last && position + 1 + k > run.end {
                return None;
            }
            position + 1 < run.end
        } else {
            position > run.start
        };
        let (position, base) = if is_forward {
            (position + 1, self.dictionary.bases.get(position + k))
        } else {
            let position = position.checked_sub(1)?;
            (position, 3 - self.dictionary.bases.get(position))
        };
        if base != code {
            return None;
        }
        if stays {
            return Some((Hit { position, is_forward, run }, colour));
        }
        let run = runs.locate(position)?;
        // Going back, the run before may belong to another string.
        let crosses = !is_forward && runs.is_last_of_string(run.number);
        (!crosses).then(|| (Hit { position, is_forward, run }, runs.colour(run.number)))
    }
}

impl<W: Key> Iterator for Search<'_, W> {
    type Item = At;

    #[inline]
    fn next(&mut self) -> Option<At> {
        for (place, &byte) in self.rest.by_ref() {
            let code = code(byte);
            if code == NO_BASE {
                self.run = 0;
                self.last = None;
                continue;
            }
            self.run += 1;
            self.word = self.length.step(self.word, code.into());
            if self.run < u64::from(self.length.bases()) {
                continue;
            }
            let dictionary = self.dictionary;
            self.last = self.onward(code.into()).or_else(|| {
                let hit = dictionary.find(self.length, self.word)?;
                Some((hit, dictionary.runs.colour(hit.run.number)))
            });
            let found = self.last.map(|(hit, colour)| Found { position: hit.position, colour });
            return Some(At { start: place + 1 - self.length.bases() as usize, found });
        }
        None
    }
}
