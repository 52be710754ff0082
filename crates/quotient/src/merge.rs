//! Several filters in one pass over each: side by side, or added up into a new one.

use core::cell::Cell;
use core::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::counter::slots_for;
use crate::find::shifted;
use crate::pair::both;
use crate::shape::Division;
use crate::{Counted, Entry, Error, Iter, Key, QuotientFilter, Shape, SortedBuilder};

/// A key of one of two filters, or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined<K> {
    /// Only the left one has it.
    Left(Entry<K>),
    /// Only the right one has it.
    Right(Entry<K>),
    /// Both have it: what the left one says, and what the right one says.
    Both(Entry<K>, Entry<K>),
}

/// Two ascending sequences side by side; made by [`join`].
#[derive(Debug, Clone)]
pub struct Join<K, L, R> {
    left: L,
    right: R,
    next_left: Option<Entry<K>>,
    next_right: Option<Entry<K>>,
}

/// Walks two ascending sequences of keys at once, each key once: for unions, intersections, differences.
///
/// ```
/// use stroma_quotient::{CountingFilter, Joined, Shape, join};
///
/// let shape = Shape::new(20, 64)?;
/// let (mut left, mut right) = (CountingFilter::new(shape)?, CountingFilter::new(shape)?);
/// [1, 2].into_iter().try_for_each(|key| left.insert(key))?;
/// [2, 3].into_iter().try_for_each(|key| right.insert(key))?;
/// let both = join(&left, &right).filter(|joined| matches!(joined, Joined::Both(..))).count();
/// assert_eq!((both, join(&left, &right).count()), (1, 3));
/// # Ok::<(), stroma_quotient::Error>(())
/// ```
pub fn join<K, L, R>(left: L, right: R) -> Join<K, L::IntoIter, R::IntoIter>
where
    L: IntoIterator<Item = Entry<K>>,
    R: IntoIterator<Item = Entry<K>>,
{
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let (next_left, next_right) = (left.next(), right.next());
    Join { left, right, next_left, next_right }
}

impl<K, L, R> Iterator for Join<K, L, R>
where
    K: Key,
    L: Iterator<Item = Entry<K>>,
    R: Iterator<Item = Entry<K>>,
{
    type Item = Joined<K>;

    fn next(&mut self) -> Option<Joined<K>> {
        let (left, right) = match (self.next_left, self.next_right) {
            (None, None) => return None,
            (Some(left), Some(right)) => match left.key.cmp(&right.key) {
                Ordering::Less => (Some(left), None),
                Ordering::Greater => (None, Some(right)),
                Ordering::Equal => (Some(left), Some(right)),
            },
            one => one,
        };
        if left.is_some() {
            self.next_left = self.left.next();
        }
        if right.is_some() {
            self.next_right = self.right.next();
        }
        match (left, right) {
            (Some(left), Some(right)) => Some(Joined::Both(left, right)),
            (Some(left), None) => Some(Joined::Left(left)),
            (None, right) => right.map(Joined::Right),
        }
    }
}

/// Any number of ascending sequences side by side. As an iterator it adds counts up, cut to 2^64 - 1, and
/// takes the value of the first sequence that has the key; [`next_key`](Self::next_key) tells who has it.
#[derive(Debug, Clone)]
pub struct Merge<K, I> {
    /// The next key of each sequence that has one, and which sequence it is.
    heads: BinaryHeap<Reverse<Head<K>>>,
    rest: Vec<I>,
    same: Vec<(usize, Entry<K>)>,
}

/// Ordered by key, then by sequence.
#[derive(Debug, Clone, Copy)]
struct Head<K> {
    source: usize,
    entry: Entry<K>,
}

impl<K: Key> Ord for Head<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.entry.key, self.source).cmp(&(other.entry.key, other.source))
    }
}

impl<K: Key> PartialOrd for Head<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Key> PartialEq for Head<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K: Key> Eq for Head<K> {}

impl<K: Key, I: Iterator<Item = Entry<K>>> Merge<K, I> {
    /// Walks sequences whose keys strictly ascend, at once. O(log sequences) a key.
    pub fn new(sequences: impl IntoIterator<Item = I>) -> Self {
        let mut rest: Vec<I> = sequences.into_iter().collect();
        let heads = rest.iter_mut().enumerate();
        let heads = heads.filter_map(|(source, rest)| Some(Reverse(Head { source, entry: rest.next()? })));
        Self { heads: heads.collect(), rest, same: Vec::new() }
    }

    /// The next key: which sequences have it, in their order, and what each says of it.
    pub fn next_key(&mut self) -> Option<&[(usize, Entry<K>)]> {
        self.same.clear();
        while let Some(mut head) = self.heads.peek_mut() {
            let Reverse(Head { source, entry }) = *head;
            if self.same.first().is_some_and(|(_, first)| first.key != entry.key) {
                break;
            }
            self.same.push((source, entry));
            match self.rest[source].next() {
                Some(next) => *head = Reverse(Head { source, entry: next }),
                None => drop(PeekMut::pop(head)),
            }
        }
        (!self.same.is_empty()).then_some(&*self.same)
    }
}

impl<K: Key, I: Iterator<Item = Entry<K>>> Iterator for Merge<K, I> {
    type Item = Entry<K>;

    fn next(&mut self) -> Option<Entry<K>> {
        let same = self.next_key()?;
        let (_, first) = same.first()?;
        let Counted { count, value } = added_up(same);
        Some(Entry { key: first.key, count, value })
    }
}

/// The sum of the counts and the first value.
fn added_up<K>(same: &[(usize, Entry<K>)]) -> Counted {
    let count = same.iter().fold(0u64, |sum, (_, entry)| sum.saturating_add(entry.count));
    Counted { count, value: same.first().map_or(0, |(_, first)| first.value) }
}

impl<K: Key, S: AsRef<[u8]>> QuotientFilter<K, S> {
    /// Walks several filters at once.
    ///
    /// # Errors
    /// [`Error::DifferentKeys`] if keys or values have different widths or there is no filter.
    pub fn merged<'a>(filters: impl IntoIterator<Item = &'a Self>) -> Result<Merge<K, Iter<'a, K>>, Error>
    where
        S: 'a,
    {
        let filters: Vec<&Self> = filters.into_iter().collect();
        common_widths(&filters)?;
        Ok(Merge::new(filters.iter().map(|filter| filter.iter())))
    }

    /// Adds up several filters into a new one, no larger than 95 % load asks for; of values the first
    /// filter's are kept. One pass over all if their first keys are different ones, and all come out as different as
    /// these; otherwise one more to see how large it becomes, and in vain the first one if their first keys misled.
    ///
    /// # Errors
    /// [`Error::DifferentKeys`], [`Error::CountOverflow`], [`Error::OutOfMemory`], or [`Error::Full`] if the
    /// counts fit no shape of that key width.
    pub fn merge<'a>(filters: impl IntoIterator<Item = &'a Self>) -> Result<QuotientFilter<K>, Error>
    where
        S: 'a,
    {
        Self::merge_with(filters, added_up)
    }

    /// Merges several filters into a new one, no larger than 95 % load asks for. `combine` is told which
    /// filters have a key and what each says, and returns what the new one is to say; a count of 0 leaves the
    /// key out. It is asked once or more often about each key and must always answer the same.
    ///
    /// # Errors
    /// As [`merge`](Self::merge), and [`Error::ValueTooWide`].
    pub fn merge_with<'a>(
        filters: impl IntoIterator<Item = &'a Self>,
        combine: impl Fn(&[(usize, Entry<K>)]) -> Counted,
    ) -> Result<QuotientFilter<K>, Error>
    where
        S: 'a,
    {
        let filters: Vec<&Self> = filters.into_iter().collect();
        let widths = common_widths(&filters)?;
        let sum = filters.iter().try_fold(0u64, |sum, filter| sum.checked_add(filter.len()));
        if sum.is_none() {
            return Err(Error::CountOverflow { key: 0 });
        }
        // Room for all of each. In a filter with fewer home slots remainders are longer and counts no longer, so
        // what is needed here is enough there.
        let all = filters.iter().fold(0u64, |sum, filter| sum.saturating_add(filter.slots_taken()));
        let roomy = widths.refitted::<K>(all)?;
        if have_little_in_common(&filters, &combine) {
            match build(roomy, &filters, &combine) {
                // That is what the longer way would come to.
                Ok(built) if built.load() <= 0.95 && widths.refitted::<K>(built.slots_taken())? == roomy => {
                    return Ok(built);
                }
                Ok(_) | Err(Error::Full { .. } | Error::OutOfMemory { .. }) => {}
                refused => return refused,
            }
        }
        let mut needed = slots_needed(roomy, &filters, &combine)?;
        let mut shape = widths.refitted::<K>(needed)?;
        if shape.home_slots() > roomy.home_slots() {
            needed = slots_needed(shape, &filters, &combine)?;
        }
        loop {
            if needed * 100 <= shape.home_slots() * 95 {
                match build(shape, &filters, &combine) {
                    Err(Error::Full { .. }) => {}
                    done => return done,
                }
            }
            let wanted = (needed * 100 / 95 + 2).max(shape.home_slots() + shape.home_slots() / 16 + 1);
            match widths.resized(wanted).or_else(|_| widths.refitted::<K>(wanted)) {
                Ok(next) if next.home_slots() > shape.home_slots() => {
                    shape = next;
                    needed = slots_needed(shape, &filters, &combine)?;
                }
                // No larger one is possible; the tail may still hold what the planned load does not.
                _ => return build(shape, &filters, &combine),
            }
        }
    }
}

/// Walks all filters and hands each key to `each` with what is to be said of it.
fn for_each_key<K: Key, S: AsRef<[u8]>, E>(
    filters: &[&QuotientFilter<K, S>],
    combine: impl Fn(&[(usize, Entry<K>)]) -> Counted,
    mut each: impl FnMut(Entry<K>) -> Result<(), E>,
) -> Result<(), E> {
    let mut told = |same: &[(usize, Entry<K>)]| {
        let (key, Counted { count, value }) = (same[0].1.key, combine(same));
        each(Entry { key, count, value })
    };
    if let [left, right] = filters {
        return both(left.iter(), right.iter(), told);
    }
    let mut merge = Merge::new(filters.iter().map(|filter| filter.iter()));
    while let Some(same) = merge.next_key() {
        told(same)?;
    }
    Ok(())
}

/// Whether among the first keys hardly one is in two filters, and hardly one is left out.
fn have_little_in_common<K: Key, S: AsRef<[u8]>>(
    filters: &[&QuotientFilter<K, S>],
    combine: impl Fn(&[(usize, Entry<K>)]) -> Counted,
) -> bool {
    const ASKED: usize = 1000;
    let (told, mut kept) = (Cell::new(0), 0);
    let counted = |same: &[(usize, Entry<K>)]| {
        told.set(told.get() + same.len());
        combine(same)
    };
    let stopped = for_each_key(filters, counted, |entry| {
        kept += usize::from(entry.count > 0);
        if told.get() < ASKED { Ok(()) } else { Err(()) }
    });
    // Of few keys in all, that would be a pass of its own.
    stopped.is_err() && kept >= told.get() - told.get() / 128
}

fn slots_needed<K: Key, S: AsRef<[u8]>>(
    shape: Shape,
    filters: &[&QuotientFilter<K, S>],
    combine: impl Fn(&[(usize, Entry<K>)]) -> Counted,
) -> Result<u64, Error> {
    let division = Division::new::<K>(shape)?;
    let (mut needed, low) = (0, K::mask(division.value_bits));
    for_each_key(filters, combine, |entry| -> Result<(), Error> {
        if entry.count > 1 {
            let (_, remainder) = division.split(entry.key);
            let top = shifted(remainder, division.value_bits) | low;
            needed += slots_for(entry.count, top, division.slot_bits) as u64;
        } else {
            needed += entry.count;
        }
        Ok(())
    })?;
    Ok(needed)
}

fn build<K: Key, S: AsRef<[u8]>>(
    shape: Shape,
    filters: &[&QuotientFilter<K, S>],
    combine: impl Fn(&[(usize, Entry<K>)]) -> Counted,
) -> Result<QuotientFilter<K>, Error> {
    let mut builder = SortedBuilder::new(shape)?;
    for_each_key(filters, combine, |entry| builder.push_entry(entry))?;
    builder.finish()
}

/// A shape with the widths that all filters share.
fn common_widths<K: Key, S: AsRef<[u8]>>(filters: &[&QuotientFilter<K, S>]) -> Result<Shape, Error> {
    let Some(first) = filters.first().map(|filter| filter.shape()) else {
        return Err(Error::DifferentKeys { first: 0, other: 0 });
    };
    let differs =
        |shape: &Shape| (shape.key_bits(), shape.value_bits()) != (first.key_bits(), first.value_bits());
    match filters.iter().map(|filter| filter.shape()).find(differs) {
        None => Ok(first),
        Some(other) => Err(Error::DifferentKeys {
            first: first.key_bits() + first.value_bits(),
            other: other.key_bits() + other.value_bits(),
        }),
    }
}
