//! Looks up the k-mers of a sequence one after the other, each first where the one before it was found.

use stroma_quotient::Key;

use super::dictionary::{Found, Hit, UnitigDictionary};
use super::oriented::{Length, Oriented};
use super::sampling::Slider;
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
    /// Has slid up to the k-mer before the one that ends at this `run`.
    slid: u64,
    slider: Slider,
}

impl<'a, W: Key> Search<'a, W> {
    pub(super) fn new(dictionary: &'a UnitigDictionary<'a>, length: Length<W>, sequence: &'a [u8]) -> Self {
        let slider = Slider::new(dictionary.sampling);
        let word = Oriented { forward: W::ZERO, reverse: W::ZERO };
        Search {
            dictionary,
            length,
            rest: sequence.iter().enumerate(),
            word,
            run: 0,
            last: None,
            slid: 0,
            slider,
        }
    }

    /// The k-mer handed out last, canonical.
    pub(crate) fn canonical(&self) -> W {
        self.word.canonical()
    }

    /// Where the k-mer is that follows the one found last with one more base, if the string goes on like that.
    #[inline]
    fn onward(&self, code: u64) -> Option<(Hit, u32)> {
        let (Hit { position, is_forward, run, kmers_end }, colour) = self.last?;
        let bases = &self.dictionary.bases;
        let (position, stays, base) = if is_forward {
            (position + 1, position + 1 < kmers_end, bases.get(position + u64::from(self.length.bases())))
        } else {
            let before = position.checked_sub(1)?;
            (before, before >= run.start, 3 - bases.get(before))
        };
        if base != code {
            return None;
        }
        if stays {
            return Some((Hit { position, is_forward, run, kmers_end }, colour));
        }
        // Another run of the string; or its end, where no k-mer begins.
        let hit = self.dictionary.hit(self.length, position, is_forward)?;
        Some((hit, self.dictionary.runs.colour(hit.run.number)))
    }

    /// Looks the present k-mer up by itself.
    #[inline]
    fn find(&mut self, code: u64) -> Option<(Hit, u32)> {
        let k = self.length.bases();
        let samples = if self.slid == self.run {
            self.slider.push(code)
        } else {
            self.slider.restart();
            let codes = (0..k).rev().map(|place| (self.word.forward >> (2 * place)).low() & 3);
            codes.fold(None, |_, code| self.slider.push(code))
        };
        self.slid = self.run + 1;
        let hit = self.dictionary.find_sampled(self.length, self.word, samples?)?;
        Some((hit, self.dictionary.runs.colour(hit.run.number)))
    }
}

impl<W: Key> Iterator for Search<'_, W> {
    type Item = At;

    #[inline]
    fn next(&mut self) -> Option<At> {
        for (place, &byte) in self.rest.by_ref() {
            let code = code(byte);
            if code == NO_BASE {
                (self.run, self.slid) = (0, 0);
                self.last = None;
                continue;
            }
            self.run += 1;
            self.word = self.length.step(self.word, code.into());
            if self.run < u64::from(self.length.bases()) {
                continue;
            }
            self.last = self.onward(code.into()).or_else(|| self.find(code.into()));
            let found = self.last.map(|(hit, colour)| Found { position: hit.position, colour });
            return Some(At { start: place + 1 - self.length.bases() as usize, found });
        }
        None
    }
}
