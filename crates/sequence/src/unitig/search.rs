//! Looks up the k-mers of a sequence one after the other, each first where the one before it was found.

use stroma_quotient::Key;

use super::dictionary::{Found, Hit, UnitigDictionary};
use super::oriented::{Length, Oriented};
use super::sampling::Slider;
use crate::kmer::{NO_BASE, code};
use crate::layer::paged::Awaited;

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

/// What follows a k-mer in its string, in the direction of the sequence.
struct Next {
    position: u64,
    /// Where the base is that it has and the k-mer before has not.
    base: u64,
    /// Bits of that base that are different in the sequence.
    flips: u64,
}

impl Hit {
    #[inline]
    fn next(&self, k: u32) -> Option<Next> {
        let position = self.position;
        if self.is_forward {
            return Some(Next { position: position + 1, base: position + u64::from(k), flips: 0 });
        }
        position.checked_sub(1).map(|before| Next { position: before, base: before, flips: 3 })
    }
}

/// What a step along a sequence comes to.
pub(crate) enum Step {
    /// The next k-mer.
    At(At),
    /// Something must be read, and was asked for: the step is to be made [again](Search::again), better later.
    Awaiting,
    End,
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
    /// Where the present k-mer ends, if it is to be looked up again.
    place: usize,
    awaited: &'a Awaited,
}

impl<'a, W: Key> Search<'a, W> {
    /// `awaited` is what the dictionary tells what is not there yet.
    pub(super) fn new(
        dictionary: &'a UnitigDictionary<'a>,
        length: Length<W>,
        sequence: &'a [u8],
        awaited: &'a Awaited,
    ) -> Self {
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
            place: 0,
            awaited,
        }
    }

    /// The k-mer handed out last, canonical.
    pub(crate) fn canonical(&self) -> W {
        self.word.canonical()
    }

    /// Where the k-mer is that follows the one found last with one more base, if the string goes on like that.
    fn onward(&self, code: u64) -> Option<(Hit, u32)> {
        let (last, colour) = self.last?;
        let next = last.next(self.length.bases())?;
        if self.dictionary.bases.get(next.base) ^ next.flips != code {
            return None;
        }
        let position = next.position;
        if (last.run.start..last.kmers_end).contains(&position) {
            return Some((Hit { position, ..last }, colour));
        }
        // Another run of the string; or its end, where no k-mer begins.
        let hit = self.dictionary.hit(self.length, position, last.is_forward)?;
        Some((hit, self.dictionary.runs.colour(hit.run.number)))
    }

    /// Looks the present k-mer up by itself.
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

impl<W: Key> Search<'_, W> {
    /// Looks up the next k-mer.
    #[inline]
    pub(crate) fn step(&mut self) -> Step {
        let Some(place) = self.advance() else { return Step::End };
        let code = self.word.forward.low() & 3;
        // Mostly the string goes on, with the same colour.
        if let Some((hit, colour)) = &mut self.last
            && let Some(next) = hit.next(self.length.bases())
            && (hit.run.start..hit.kmers_end).contains(&next.position)
            && self.dictionary.bases.at(next.base).is_some_and(|base| base ^ next.flips == code)
        {
            hit.position = next.position;
            let found = Some(Found { position: next.position, colour: *colour });
            return Step::At(At { start: place + 1 - self.length.bases() as usize, found });
        }
        self.look_up(place)
    }

    /// Looks up the same k-mer again, after a step that told to wait.
    pub(crate) fn again(&mut self) -> Step {
        self.look_up(self.place)
    }

    /// Looks up the present k-mer, which ends at a place.
    #[inline(never)]
    fn look_up(&mut self, place: usize) -> Step {
        let code = self.word.forward.low() & 3;
        let next = self.onward(code).or_else(|| self.find(code));
        if self.awaited.take() {
            self.place = place;
            return Step::Awaiting;
        }
        self.last = next;
        let found = next.map(|(hit, colour)| Found { position: hit.position, colour });
        Step::At(At { start: place + 1 - self.length.bases() as usize, found })
    }

    /// Goes on to the next k-mer: where it ends.
    #[inline]
    fn advance(&mut self) -> Option<usize> {
        for (place, &byte) in self.rest.by_ref() {
            let code = code(byte);
            if code == NO_BASE {
                (self.run, self.slid) = (0, 0);
                self.last = None;
                continue;
            }
            self.run += 1;
            self.word = self.length.step(self.word, code.into());
            if self.run >= u64::from(self.length.bases()) {
                return Some(place);
            }
        }
        None
    }
}

impl<W: Key> Iterator for Search<'_, W> {
    type Item = At;

    #[inline]
    fn next(&mut self) -> Option<At> {
        let mut step = self.step();
        loop {
            match step {
                Step::At(at) => return Some(at),
                Step::Awaiting => step = self.again(),
                Step::End => return None,
            }
        }
    }
}
