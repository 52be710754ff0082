//! The filter: counts and values of keys, looked up and changed one at a time.

use core::fmt;

use crate::blocks::{Blocks, block_bytes};
use crate::edit::{Changed, Halt};
use crate::find::Counted;
use crate::format::HEADER_BYTES;
use crate::machine::{Cpu, Level, Memory, Sight, Work};
use crate::near::{look_up_in_two, look_up_near};
use crate::shape::Division;
use crate::{Error, Key, Shape};

/// A counted set, or map, of keys of a fixed number of bits, over any bytes.
///
/// `K` is the type of keys, `u64` or `u128`; `S` is what holds the bytes: [`Memory`], a `Vec<u8>`, a
/// `&[u8]`, a mapped file. Whatever holds bytes that can be changed can be changed as a filter; one over
/// `Memory` can grow, too. See [`CountingFilter`] and [`WideCountingFilter`].
///
/// The filter stores keys exactly. It is approximate only when the caller cuts keys (hashes) down to fewer
/// bits than tell them apart; then a lookup of an absent key finds another's count with probability about
/// `load / 2^remainder_bits`.
///
/// Keys should be spread evenly over their range: hash them, or mix them with
/// [`InvertibleHash`](crate::InvertibleHash). With keys that crowd together everything stays right, but an
/// operation takes time linear in the crowd. Spread evenly, operations take expected O(1), O(1 / (1 -
/// load)^2) as the filter fills.
///
/// A filter that is only read can be shared by any number of threads; none of them waits.
#[derive(Clone)]
pub struct QuotientFilter<K, S = Memory> {
    pub(crate) shape: Shape,
    pub(crate) division: Division,
    pub(crate) level: Level,
    /// The stored form. While the filter is changed only its blocks are kept up to date.
    pub(crate) store: S,
    pub(crate) block_count: usize,
    pub(crate) totals: Totals,
    pub(crate) keys: core::marker::PhantomData<K>,
}

/// A filter of keys of up to 64 bits.
pub type CountingFilter<S = Memory> = QuotientFilter<u64, S>;
/// A filter of keys of up to 128 bits.
pub type WideCountingFilter<S = Memory> = QuotientFilter<u128, S>;

/// What is known of all keys together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Different keys.
    pub(crate) distinct: u64,
    /// Sum of all counts.
    pub(crate) total: u64,
    /// Slots taken.
    pub(crate) used: u64,
}

impl Totals {
    /// What `total` becomes; `None` if it would exceed 2^64 - 1.
    pub(crate) fn total_after(&self, old: u64, new: u64) -> Option<u64> {
        (self.total - old).checked_add(new)
    }

    pub(crate) fn apply(&mut self, changed: &Changed) {
        let Changed { old, new, slots } = changed;
        self.total = self.total - old.count + new.count;
        self.used = self.used - slots.0 as u64 + slots.1 as u64;
        self.distinct = self.distinct - u64::from(old.count > 0) + u64::from(new.count > 0);
    }
}

impl<K: Key> QuotientFilter<K> {
    /// An empty filter.
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn new(shape: Shape) -> Result<Self, Error> {
        let bytes = Self::stored_bytes_of(shape, &Division::new::<K>(shape)?)?;
        Self::from_checked(shape, Memory::zeroed(bytes)?, Totals::default())
    }

    /// An empty filter for `items` different keys of `key_bits` bits, each counted once, at 95 % load or
    /// less. Larger counts take further slots; see [`Shape::for_slots`].
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn with_capacity(items: u64, key_bits: u32) -> Result<Self, Error> {
        Self::new(Shape::for_slots(items, key_bits)?)
    }
}

impl<K: Key, S: AsRef<[u8]>> QuotientFilter<K, S> {
    /// A filter over bytes that are known to be one.
    pub(crate) fn from_checked(shape: Shape, store: S, totals: Totals) -> Result<Self, Error> {
        let (division, level) = (Division::new::<K>(shape)?, Level::detect());
        let (block_count, keys) = (shape.blocks(), core::marker::PhantomData);
        Ok(Self { shape, division, level, store, block_count, totals, keys })
    }

    /// Widths and number of slots.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The sum of all counts.
    pub fn len(&self) -> u64 {
        self.totals.total
    }

    /// Whether no key is counted.
    pub fn is_empty(&self) -> bool {
        self.totals.distinct == 0
    }

    /// How many different keys are counted.
    pub fn distinct(&self) -> u64 {
        self.totals.distinct
    }

    /// Slots taken.
    pub fn slots_taken(&self) -> u64 {
        self.totals.used
    }

    /// Slots taken per home slot. Operations stay fast up to 0.95; it can pass 1 by a little.
    pub fn load(&self) -> f64 {
        self.totals.used as f64 / self.shape.home_slots() as f64
    }

    /// Bytes the filter takes, in memory as in a file.
    pub fn size_bytes(&self) -> usize {
        self.store.as_ref().len()
    }

    /// How often the key is counted; 0 for a key wider than the filter's.
    #[inline]
    pub fn count(&self, key: K) -> u64 {
        self.get(key).count
    }

    /// Whether the key is counted at all.
    #[inline]
    pub fn contains(&self, key: K) -> bool {
        self.count(key) > 0
    }

    /// Count and value of the key.
    #[inline]
    pub fn get(&self, key: K) -> Counted {
        self.level.run(Get { filter: self, key })
    }

    #[inline(always)]
    pub(crate) fn blocks(&self) -> Blocks<&[u8]> {
        let bytes = &self.store.as_ref()[HEADER_BYTES..];
        Blocks::new(bytes, &self.division, self.block_count, true)
    }

    /// The home block of a quotient, to be read in haste.
    #[inline(always)]
    fn sight(&self, quotient: usize) -> Option<Sight<'_, K>> {
        let slot_bits = self.division.slot_bits;
        let at = HEADER_BYTES + quotient / 64 * block_bytes(slot_bits);
        Sight::new(self.store.as_ref(), at, slot_bits)
    }

    /// Count and value of the key, for instructions chosen by the caller; `ask` if memory was not asked for
    /// before.
    #[inline(always)]
    pub(crate) fn look_up<C: Cpu>(&self, key: K, ask: bool) -> Counted {
        if !self.division.holds(key) {
            return Counted::default();
        }
        let sought = self.division.sought(key);
        if let Some(block) = self.sight(sought.quotient) {
            if ask {
                block.prefetch((sought.quotient % 64) as u32 + 4);
            }
            if let Some(counted) = look_up_near::<K, C>(block, sought) {
                return counted;
            }
        }
        C::apart(GetFar(self, key))
    }

    pub(crate) fn full(&self) -> Error {
        Error::Full { used: self.totals.used, slots: self.block_count as u64 * 64 }
    }
}

impl<K: Key, S: AsRef<[u8]> + AsMut<[u8]>> QuotientFilter<K, S> {
    /// Counts the key once more.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    #[inline]
    pub fn insert(&mut self, key: K) -> Result<(), Error> {
        self.level.run(Insert { filter: self, key })
    }

    /// Counts the key `count` times more and returns its new count.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::CountOverflow`], [`Error::KeyTooWide`]; then nothing has changed.
    pub fn add(&mut self, key: K, count: u64) -> Result<u64, Error> {
        let add = more(key, count);
        self.try_update(key, add, |changed| changed.new.count)
    }

    /// Makes the key's count `count` (0 removes it) and returns the count before.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set(&mut self, key: K, count: u64) -> Result<u64, Error> {
        self.try_update(key, |old| Ok(Counted { count, ..old }), |changed| changed.old.count)
    }

    /// Counts the key `count` times less, down to 0, and returns its new count.
    ///
    /// # Errors
    /// [`Error::KeyTooWide`].
    pub fn remove(&mut self, key: K, count: u64) -> Result<u64, Error> {
        let less = |old: Counted| Ok(Counted { count: old.count.saturating_sub(count), ..old });
        self.try_update(key, less, |changed| changed.new.count)
    }

    /// Gives the key a value and returns what was said of it before. A key not yet there is counted once.
    ///
    /// # Errors
    /// As [`add`](Self::add), and [`Error::ValueTooWide`].
    pub fn put(&mut self, key: K, value: u64) -> Result<Counted, Error> {
        self.try_update(key, |old| Ok(Counted { count: old.count.max(1), value }), |changed| changed.old)
    }

    /// Says something else of a key: `change` is told its count and value and returns the new ones. A count
    /// of 0 removes it. Returns the new ones.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn update(&mut self, key: K, change: impl FnOnce(Counted) -> Counted) -> Result<Counted, Error> {
        self.try_update(key, |old| Ok(change(old)), |changed| changed.new)
    }

    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.store.as_mut().fill(0);
        self.totals = Totals::default();
    }

    /// Changes what is said of a key. `told` says what is wanted of that: no more than that is kept.
    #[inline(always)]
    fn try_update<F, T, R>(&mut self, key: K, change: F, told: T) -> Result<R, Error>
    where
        F: FnOnce(Counted) -> Result<Counted, Error>,
        T: FnOnce(Changed) -> R,
    {
        self.level.run(Update { filter: self, key, change, told })
    }

    /// The change itself, for instructions chosen by the caller.
    #[inline(always)]
    pub(crate) fn changed<C: Cpu>(
        &mut self,
        key: K,
        change: impl FnOnce(Counted) -> Result<Counted, Error>,
    ) -> Result<Changed, Error> {
        let division = self.division;
        check_key(&division, key)?;
        let totals = self.totals;
        let change = checked_change(&division, totals, key, change);
        let bytes = &mut self.store.as_mut()[HEADER_BYTES..];
        let mut blocks = Blocks::new(bytes, &division, self.block_count, true);
        let sought = division.sought(key);
        match blocks.change::<K, C>(sought, change) {
            Ok(changed) => {
                self.totals.apply(&changed);
                Ok(changed)
            }
            Err(Halt::Beyond) => Err(self.full()),
            Err(Halt::Refused(error)) => Err(error),
        }
    }
}

/// Adding to a count.
#[inline(always)]
pub(crate) fn more<K: Key>(key: K, count: u64) -> impl FnOnce(Counted) -> Result<Counted, Error> {
    move |old| match old.count.checked_add(count) {
        Some(count) => Ok(Counted { count, ..old }),
        None => Err(Error::CountOverflow { key: key.into() }),
    }
}

#[inline(always)]
pub(crate) fn check_key<K: Key>(division: &Division, key: K) -> Result<(), Error> {
    if division.holds(key) {
        Ok(())
    } else {
        Err(Error::KeyTooWide { key: key.into(), key_bits: division.key_bits })
    }
}

/// A change whose outcome is one that the filter can hold.
#[inline(always)]
pub(crate) fn checked_change<K: Key>(
    division: &Division,
    totals: Totals,
    key: K,
    change: impl FnOnce(Counted) -> Result<Counted, Error>,
) -> impl FnOnce(Counted) -> Result<Counted, Error> {
    move |old| {
        let new = change(old)?;
        if !division.holds_value(new.value) {
            return Err(Error::ValueTooWide { value: new.value, value_bits: division.value_bits });
        }
        if totals.total_after(old.count, new.count).is_none() {
            return Err(Error::CountOverflow { key: key.into() });
        }
        Ok(if new.count == 0 { Counted::default() } else { new })
    }
}

/// Looking up. Filter and key are all that is handed over, in registers, so that the common case keeps nothing for
/// the rare one.
struct Get<'a, K, S> {
    filter: &'a QuotientFilter<K, S>,
    key: K,
}

impl<K: Key, S: AsRef<[u8]>> Work for Get<'_, K, S> {
    type Output = Counted;

    #[inline(always)]
    fn run<C: Cpu>(self) -> Counted {
        self.filter.look_up::<C>(self.key, true)
    }
}

struct GetFar<'a, K, S>(&'a QuotientFilter<K, S>, K);

impl<K: Key, S: AsRef<[u8]>> Work for GetFar<'_, K, S> {
    type Output = Counted;

    #[inline(always)]
    fn run<C: Cpu>(self) -> Counted {
        let Self(filter, key) = self;
        let sought = filter.division.sought(key);
        let in_two = filter.sight(sought.quotient).and_then(|block| look_up_in_two::<K, C>(block, sought));
        in_two.or_else(|| filter.blocks().look_up_far::<K, C>(sought)).unwrap_or_default()
    }
}

/// Small enough to be handed over in registers.
struct Insert<'a, K, S> {
    filter: &'a mut QuotientFilter<K, S>,
    key: K,
}

impl<K: Key, S: AsRef<[u8]> + AsMut<[u8]>> Work for Insert<'_, K, S> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<C: Cpu>(self) -> Result<(), Error> {
        self.filter.blocks().prefetch_slots(self.filter.division.split(self.key).0);
        self.filter.changed::<C>(self.key, more(self.key, 1)).map(drop)
    }
}

struct Update<'a, K, S, F, T> {
    filter: &'a mut QuotientFilter<K, S>,
    key: K,
    change: F,
    told: T,
}

impl<K, S, F, T, R> Work for Update<'_, K, S, F, T>
where
    K: Key,
    S: AsRef<[u8]> + AsMut<[u8]>,
    F: FnOnce(Counted) -> Result<Counted, Error>,
    T: FnOnce(Changed) -> R,
{
    type Output = Result<R, Error>;

    #[inline(always)]
    fn run<C: Cpu>(self) -> Result<R, Error> {
        self.filter.blocks().prefetch_slots(self.filter.division.split(self.key).0);
        self.filter.changed::<C>(self.key, self.change).map(self.told)
    }
}

/// Equal shape and equal contents.
impl<K: Key, A: AsRef<[u8]>, B: AsRef<[u8]>> PartialEq<QuotientFilter<K, B>> for QuotientFilter<K, A> {
    fn eq(&self, other: &QuotientFilter<K, B>) -> bool {
        self.shape == other.shape && self.totals == other.totals && self.block_bytes() == other.block_bytes()
    }
}

impl<K: Key, S: AsRef<[u8]>> Eq for QuotientFilter<K, S> {}

impl<K, S> fmt::Debug for QuotientFilter<K, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("QuotientFilter")
            .field("shape", &self.shape)
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InvertibleHash;

    /// Portable code and BMI2 do the same to the same bytes.
    #[test]
    fn equal_bytes_whatever_the_instructions() {
        let (mix, shape) = (InvertibleHash::new(30, 1), Shape::new(30, 3000).expect("possible"));
        let mut filters = [Level::detect(), Level::portable()].map(|level| {
            let mut filter = CountingFilter::new(shape).expect("memory");
            filter.level = level;
            filter
        });
        for filter in &mut filters {
            for key in 0..2900 {
                filter.add(mix.hash(key), key % 3 + 1).expect("room");
                filter.remove(mix.hash(key / 2), 1).expect("narrow");
            }
        }
        assert_eq!(filters[0].to_bytes(), filters[1].to_bytes());
        assert!((0..5000).all(|key| filters[0].get(mix.hash(key)) == filters[1].get(mix.hash(key))));
    }
}
