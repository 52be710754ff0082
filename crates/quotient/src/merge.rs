//! Adding up several filters in one pass over each.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use core::cmp::Reverse;

use crate::counter::slots_for;
use crate::{Builder, CountingFilter, Error, Iter, Shape};

/// The keys of several filters with their counts added up, by ascending key.
#[derive(Debug, Clone)]
pub struct Merged<'a> {
    /// The next key and count of each filter that has one, and which filter it is.
    heads: BinaryHeap<Reverse<(u64, usize, u64)>>,
    rest: Vec<Iter<'a>>,
}

impl<'a> Merged<'a> {
    fn new(filters: &[&'a CountingFilter]) -> Self {
        let mut rest: Vec<Iter<'a>> = filters.iter().map(|filter| filter.iter()).collect();
        let heads = rest.iter_mut().enumerate();
        let heads =
            heads.filter_map(|(source, rest)| rest.next().map(|(key, count)| Reverse((key, source, count))));
        Self { heads: heads.collect(), rest }
    }

    /// Takes the smallest head, if it is of `wanted` (or of any key), and refills from its filter.
    fn pop(&mut self, wanted: Option<u64>) -> Option<(u64, u64)> {
        let mut head = self.heads.peek_mut()?;
        let Reverse((key, source, count)) = *head;
        if wanted.is_some_and(|wanted| wanted != key) {
            return None;
        }
        match self.rest[source].next() {
            Some((next, its_count)) => *head = Reverse((next, source, its_count)),
            None => drop(PeekMut::pop(head)),
        }
        Some((key, count))
    }
}

impl Iterator for Merged<'_> {
    type Item = (u64, u64);

    /// The next key. Counts that add up to more than 2^64 - 1 are cut to that.
    fn next(&mut self) -> Option<(u64, u64)> {
        let (key, mut count) = self.pop(None)?;
        while let Some((_, more)) = self.pop(Some(key)) {
            count = count.saturating_add(more);
        }
        Some((key, count))
    }
}

impl CountingFilter {
    /// Walks several filters at once, counts of equal keys added up. O(log filters) a key.
    ///
    /// # Errors
    /// [`Error::DifferentKeys`] if the filters' keys have different widths or there is no filter.
    pub fn merged<'a>(filters: impl IntoIterator<Item = &'a CountingFilter>) -> Result<Merged<'a>, Error> {
        let filters: Vec<&CountingFilter> = filters.into_iter().collect();
        common_key_bits(&filters)?;
        Ok(Merged::new(&filters))
    }

    /// Adds up several filters into a new one, no larger than 95 % load asks for. Two or more passes over
    /// all.
    ///
    /// # Errors
    /// [`Error::DifferentKeys`], [`Error::CountOverflow`], [`Error::OutOfMemory`], or [`Error::Full`] if the
    /// counts fit no shape of that key width.
    pub fn merge<'a>(filters: impl IntoIterator<Item = &'a CountingFilter>) -> Result<Self, Error> {
        let filters: Vec<&CountingFilter> = filters.into_iter().collect();
        let key_bits = common_key_bits(&filters)?;
        if filters.iter().try_fold(0u64, |sum, filter| sum.checked_add(filter.total)).is_none() {
            return Err(Error::CountOverflow { key: 0 });
        }
        let mut shape =
            Shape::for_slots(filters.iter().map(|filter| filter.distinct).max().unwrap_or(0), key_bits)?;
        loop {
            let needed: u64 =
                Merged::new(&filters).map(|(_, count)| slots_for(count, shape.remainder_bits) as u64).sum();
            if needed * 100 <= shape.home_slots() * 95 {
                match build(shape, Merged::new(&filters)) {
                    Err(Error::Full { .. }) => {}
                    done => return done,
                }
            }
            let next = Shape::for_slots(needed, key_bits)
                .ok()
                .filter(|next| next.quotient_bits > shape.quotient_bits);
            shape = match next {
                Some(next) => next,
                // A wide tail may still hold what the planned load does not.
                None => match shape.grown() {
                    Ok(grown) => grown,
                    Err(_) => return build(shape, Merged::new(&filters)),
                },
            };
        }
    }
}

fn build(shape: Shape, keys: Merged<'_>) -> Result<CountingFilter, Error> {
    let mut builder = Builder::new(shape)?;
    for (key, count) in keys {
        builder.push(key, count)?;
    }
    Ok(builder.finish())
}

fn common_key_bits(filters: &[&CountingFilter]) -> Result<u32, Error> {
    let first = filters.first().map_or(0, |filter| filter.shape.key_bits());
    match filters.iter().map(|filter| filter.shape.key_bits()).find(|bits| *bits != first) {
        None if first > 0 => Ok(first),
        other => Err(Error::DifferentKeys { first, other: other.unwrap_or(0) }),
    }
}
