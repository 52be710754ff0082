//! Many writers at once: blocks in regions, each under a lock.

use crate::blocks::{Blocks, SATURATED, block_bytes};
use crate::edit::{Changed, Halt};
use crate::filter::{Totals, check_key, checked_change, more};
use crate::find::Sought;
use crate::format::HEADER_BYTES;
use crate::machine::{Cpu, Level, Regions, Window, Work};
use crate::shape::Division;
use crate::{Counted, Error, Key, QuotientFilter, Shape};

/// A filter that any number of threads write at once; frozen, it is an ordinary one that they read without
/// waiting.
///
/// Blocks are divided into regions of 64 (4,096 slots), each under a lock. A change locks the region of the
/// key's home slot, and the regions after it into which it pushes slots, which is rare.
///
/// ```
/// use stroma_quotient::{ConcurrentFilter, InvertibleHash, Shape};
///
/// let (mix, filter) = (InvertibleHash::new(40, 1), ConcurrentFilter::new(Shape::new(40, 10_000)?)?);
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..5000).try_for_each(|key| filter.add(mix.hash(key), 1).map(drop)));
///     }
/// });
/// let frozen = filter.freeze()?;
/// assert_eq!((frozen.distinct(), frozen.count(mix.hash(77))), (5000, 4));
/// # Ok::<(), stroma_quotient::Error>(())
/// ```
pub struct ConcurrentFilter<K: Key = u64> {
    shape: Shape,
    division: Division,
    level: Level,
    regions: Regions<Totals>,
    /// Number of blocks of all regions.
    block_count: usize,
    keys: core::marker::PhantomData<K>,
}

const REGION_BLOCKS: usize = 64;

impl<K: Key> ConcurrentFilter<K> {
    /// An empty filter.
    ///
    /// # Errors
    /// [`Error::BadShape`] or [`Error::OutOfMemory`].
    pub fn new(shape: Shape) -> Result<Self, Error> {
        let QuotientFilter { division, level, store, block_count, .. } = QuotientFilter::<K>::new(shape)?;
        let width = block_bytes(division.slot_bits);
        let blocks = HEADER_BYTES..HEADER_BYTES + block_count * width;
        let regions = Regions::new(store, blocks, REGION_BLOCKS * width);
        Ok(Self { shape, division, level, regions, block_count, keys: core::marker::PhantomData })
    }

    /// Widths and number of slots.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Counts the key once more.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn insert(&self, key: K) -> Result<(), Error> {
        self.add(key, 1).map(drop)
    }

    /// Counts the key `count` times more and returns its new count.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::CountOverflow`], [`Error::KeyTooWide`]; then nothing has changed.
    pub fn add(&self, key: K, count: u64) -> Result<u64, Error> {
        self.try_update(key, |old| more(key, count)(old)).map(|changed| changed.new.count)
    }

    /// Makes the key's count `count` (0 removes it) and returns the count before.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set(&self, key: K, count: u64) -> Result<u64, Error> {
        self.try_update(key, |old| Ok(Counted { count, ..old })).map(|changed| changed.old.count)
    }

    /// Counts the key `count` times less, down to 0, and returns its new count.
    ///
    /// # Errors
    /// [`Error::KeyTooWide`].
    pub fn remove(&self, key: K, count: u64) -> Result<u64, Error> {
        let less = |old: Counted| Ok(Counted { count: old.count.saturating_sub(count), ..old });
        self.try_update(key, less).map(|changed| changed.new.count)
    }

    /// Says something else of a key, as [`QuotientFilter::update`] does; `change` may be asked several times, and
    /// the last answer counts. Other threads wait for the region meanwhile.
    ///
    /// # Errors
    /// As [`add`](Self::add), and [`Error::ValueTooWide`].
    pub fn update(&self, key: K, change: impl Fn(Counted) -> Counted) -> Result<Counted, Error> {
        self.try_update(key, |old| Ok(change(old))).map(|changed| changed.new)
    }

    /// Count and value of the key now. Waits for writers of its region.
    pub fn get(&self, key: K) -> Counted {
        // Nothing changes, so nothing can be refused but a key that is too wide.
        let changed = self.try_update(key, Ok);
        changed.map_or(Counted::default(), |changed| changed.old)
    }

    /// The filter as one that is read without locks, and written by one thread. O(regions).
    ///
    /// # Errors
    /// [`Error::CountOverflow`] if all counts together exceed 2^64 - 1.
    pub fn freeze(self) -> Result<QuotientFilter<K>, Error> {
        let (store, parts) = self.regions.into_parts();
        let mut totals = Totals::default();
        for part in parts {
            let total = totals.total.checked_add(part.total).ok_or(Error::CountOverflow { key: 0 })?;
            let (distinct, used) = (totals.distinct + part.distinct, totals.used + part.used);
            totals = Totals { distinct, total, used };
        }
        QuotientFilter::from_checked(self.shape, store, totals)
    }

    fn try_update<F>(&self, key: K, change: F) -> Result<Changed, Error>
    where
        F: Fn(Counted) -> Result<Counted, Error>,
    {
        self.level.run(Update { filter: self, key, change })
    }

    /// A window that begins in `first` and shows the region `home`.
    #[inline(always)]
    fn window(&self, first: usize, home: usize) -> Window<'_, Totals> {
        let mut window = self.regions.lock(first);
        while first + window.count() <= home && window.extend() {}
        window
    }

    #[cold]
    fn full(&self) -> Error {
        let slots = self.block_count as u64 * 64;
        Error::Full { used: slots, slots }
    }
}

struct Update<'a, K: Key, F> {
    filter: &'a ConcurrentFilter<K>,
    key: K,
    change: F,
}

impl<K: Key, F: Fn(Counted) -> Result<Counted, Error>> Work for Update<'_, K, F> {
    type Output = Result<Changed, Error>;

    #[inline(always)]
    fn run<C: Cpu>(self) -> Result<Changed, Error> {
        let Self { filter, key, change } = self;
        let division = &filter.division;
        check_key(division, key)?;
        let sought = division.sought(key);
        let home = sought.quotient / 64 / REGION_BLOCKS;
        let mut first = home;
        let mut window = filter.window(first, home);
        loop {
            let blocks_before = first * REGION_BLOCKS;
            let count = (window.count() * REGION_BLOCKS).min(filter.block_count - blocks_before);
            let (bytes, totals) = window.parts(home - first);
            let to_the_end = blocks_before + count == filter.block_count;
            let mut blocks = Blocks::new(bytes, division, count, to_the_end);
            if first > 0 && blocks.offset_byte(0) == SATURATED {
                // Its offset is only to be had from blocks before. Locks are waited for in ascending order.
                drop(window);
                first -= 1;
                window = filter.window(first, home);
                continue;
            }
            let change = checked_change(division, *totals, key, &change);
            let within = Sought { quotient: sought.quotient - blocks_before * 64, ..sought };
            match blocks.change::<K, C>(within, change) {
                Ok(changed) => {
                    totals.apply(&changed);
                    return Ok(changed);
                }
                Err(Halt::Beyond) if !window.extend() => return Err(filter.full()),
                Err(Halt::Beyond) => {}
                Err(Halt::Refused(error)) => return Err(error),
            }
        }
    }
}
