//! The log itself: many threads append, readers never block, everything is freed on drop.
//!
//! An entry within a segment is a 4-byte little-endian length and its bytes, without padding. An entry that
//! does not fit in a segment is a run that holds nothing but its bytes. Appenders write to one of a few open
//! segments (*heads*); a second head is opened only when the first is busy, so that a log with one writer
//! wastes no more than the tail of each segment.

use crate::sync::atomic::{AtomicUsize, Ordering};

use crate::sync::{Mutex, MutexGuard};

use crate::error::Error;
use crate::location::{LENGTH_BYTES, Location};
use crate::memory::{Holding, SegmentOwner, View, prefetch, prefetch_next_lines};
use crate::pool::{Pool, Segment};

/// Open segments at most, so appenders that can copy at the same time.
const HEADS: usize = 4;

/// Tags tell the locations of most logs apart, to catch a mistake; soundness does not rest on them.
// The real atomic also for a model checker: it is shared by all its runs, and orders nothing.
static NEXT_TAG: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(1);

/// An append-only arena on the segments of a [`Pool`].
///
/// ```
/// use stroma_logmem::{Log, Pool, PoolOptions};
///
/// let pool = Pool::new(PoolOptions { capacity_bytes: 1 << 20, segment_bytes: 64 << 10 })?;
/// let log = Log::new(&pool);
/// let at = log.append(&[b"key", b"=", b"value"])?;
/// assert_eq!(log.get(at), b"key=value");
/// drop(log);
/// assert_eq!(pool.statistics().used_bytes, 0);
/// # Ok::<(), stroma_logmem::Error>(())
/// ```
#[derive(Debug)]
pub struct Log {
    pool: Pool,
    tag: u16,
    segments: Holding,
    /// Numbers of the open segments, 0 for none. The lock is held while an entry is copied.
    heads: [Mutex<u32>; HEADS],
    entries: AtomicUsize,
    allocated: AtomicUsize,
    dead: AtomicUsize,
}

impl Log {
    /// Makes an empty log. It takes its first segment with its first entry.
    pub fn new(pool: &Pool) -> Log {
        Log {
            pool: pool.clone(),
            tag: NEXT_TAG.fetch_add(1, Ordering::Relaxed),
            segments: pool.new_holding(SegmentOwner::Log),
            heads: [const { Mutex::new(0) }; HEADS],
            entries: AtomicUsize::new(0),
            allocated: AtomicUsize::new(0),
            dead: AtomicUsize::new(0),
        }
    }

    /// Appends the parts as one contiguous entry. Time is linear in its bytes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the pool has no segment (or run) left, [`Error::EntryTooLarge`] if the pool
    /// could never hold the entry. The log is unchanged then.
    pub fn append(&self, parts: &[&[u8]]) -> Result<Location, Error> {
        let length = parts
            .iter()
            .try_fold(0_usize, |sum, part| sum.checked_add(part.len()))
            .ok_or(Error::EntryTooLarge { bytes: usize::MAX, limit: self.pool.capacity_bytes() })?;
        let location = if self.is_run(length) {
            self.append_run(length, parts)?
        } else {
            self.append_to_head(length, parts)?
        };
        self.entries.fetch_add(1, Ordering::Relaxed);
        Ok(location)
    }

    /// The entry at a location that [`append`](Log::append) of this log gave. Constant time, never blocks.
    ///
    /// # Panics
    /// If [`try_get`](Log::try_get) finds nothing there: the location is another log's.
    pub fn get(&self, at: Location) -> &[u8] {
        match self.try_get(at) {
            Some(entry) => entry,
            None => panic!("{at:?} names no entry of this log"),
        }
    }

    /// The entry at a location, `None` if it does not lie in this log.
    ///
    /// Any location is safe to ask for. One that was forged, or that belongs to one of the few logs that
    /// share this one's tag, may give bytes of this log that are no entry.
    pub fn try_get(&self, at: Location) -> Option<&[u8]> {
        let segment = self.segment_of(at)?;
        let written = segment.committed();
        if segment.size() != self.pool.segment_bytes() {
            return (at.offset() == 0).then_some(written);
        }
        let entry = written.get(at.offset()..)?;
        let (length, bytes) = entry.split_first_chunk::<LENGTH_BYTES>()?;
        bytes.get(..u32::from_le_bytes(*length) as usize)
    }

    /// Asks the processor for the beginning of the entry at a location, some two hundred bytes, so that it need not be
    /// waited for later. Without effect on anything but time, whatever the location.
    #[inline]
    pub fn prefetch(&self, at: Location) {
        let Some(segment) = self.segment_of(at) else { return };
        if let Some(entry) = segment.committed().get(at.offset()..) {
            prefetch_next_lines(entry, 0);
            entry.first().into_iter().for_each(prefetch);
        }
    }

    /// Declares the entry at a location to be of no more use; gives the bytes that died with it, 0 if there is
    /// none. The entry stays readable, and its memory stays taken until the log is dropped: it is the user who
    /// knows whether copying what lives to a new log is worth it. Call it once for an entry.
    pub fn mark_dead(&self, at: Location) -> usize {
        let (Some(segment), Some(entry)) = (self.segment_of(at), self.try_get(at)) else { return 0 };
        let is_run = segment.size() != self.pool.segment_bytes();
        let bytes = entry.len() + if is_run { 0 } else { LENGTH_BYTES };
        segment.cell().add_dead(bytes);
        self.dead.fetch_add(bytes, Ordering::Relaxed);
        bytes
    }

    /// Bytes of the entries declared dead, with the four bytes in front of each.
    pub fn dead_bytes(&self) -> usize {
        self.dead.load(Ordering::Relaxed)
    }

    /// Bytes that the log takes from the pool's budget: whole segments and runs.
    pub fn allocated_bytes(&self) -> usize {
        self.allocated.load(Ordering::Relaxed)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an entry of that length gets a run of its own.
    fn is_run(&self, length: usize) -> bool {
        length > self.pool.segment_bytes() - LENGTH_BYTES
    }

    fn append_run(&self, length: usize, parts: &[&[u8]]) -> Result<Location, Error> {
        let run = self.pool.take_run(length)?;
        let limit = run.size();
        let number = self.adopt(run);
        // The run was made to hold them, so this cannot fail.
        self.append_in(number, parts).ok_or(Error::EntryTooLarge { bytes: length, limit })
    }

    fn append_to_head(&self, length: usize, parts: &[&[u8]]) -> Result<Location, Error> {
        // Fits: a segment is at most 256 MiB.
        let prefix = (length as u32).to_le_bytes();
        let mut framed = Framed::new(&prefix, parts);
        let mut head = self.lock_a_head();
        if let Some(location) = self.append_in(*head, framed.parts()) {
            return Ok(location);
        }
        match self.pool.take_segment() {
            Ok(segment) => {
                let number = self.adopt(segment);
                *head = number;
                // Nobody else writes to it while the head is locked, and the entry fits an empty segment.
                self.append_in(number, framed.parts())
                    .ok_or(Error::EntryTooLarge { bytes: length, limit: self.pool.segment_bytes() })
            }
            Err(error) => {
                drop(head);
                // The budget is spent, but another head may have room left.
                self.heads.iter().find_map(|head| self.append_in(*head.lock(), framed.parts())).ok_or(error)
            }
        }
    }

    /// Bytes left in the segment that a sole appender writes to.
    pub(super) fn room_in_head(&self) -> usize {
        let head = self.heads[0].lock();
        self.segments.view(*head).map_or(0, |segment| segment.size() - segment.written())
    }

    /// Appends so many entries that have their lengths in front of them, if there are any and the open segment has
    /// room.
    pub(super) fn append_framed(&self, bytes: &[u8], entries: usize) -> Option<Location> {
        if entries == 0 {
            return None;
        }
        let location = self.append_in(*self.heads[0].lock(), &[bytes])?;
        self.entries.fetch_add(entries, Ordering::Relaxed);
        Some(location)
    }

    fn append_in(&self, number: u32, parts: &[&[u8]]) -> Option<Location> {
        let offset = self.segments.view(number)?.append(parts)?;
        Some(Location::pack(self.tag, number, offset))
    }

    /// The first head that is free; if all are busy, waits for the first.
    fn lock_a_head(&self) -> MutexGuard<'_, u32> {
        self.heads.iter().find_map(Mutex::try_lock).unwrap_or_else(|| self.heads[0].lock())
    }

    /// The segment that a location names, if it is this log's.
    fn segment_of(&self, at: Location) -> Option<View<'_>> {
        if at.tag() != self.tag {
            return None;
        }
        self.segments.view(at.segment())
    }

    fn adopt(&self, segment: Segment) -> u32 {
        self.allocated.fetch_add(segment.size(), Ordering::Relaxed);
        // A segment has its token until it is dropped.
        segment.into_chunk().map_or(0, |chunk| self.segments.adopt(chunk))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        while let Some(chunk) = self.segments.pop() {
            self.pool.give_back(chunk);
        }
    }
}

/// The length and the caller's parts as one list, without an allocation for the few parts that are usual.
struct Framed<'a> {
    few: [&'a [u8]; Framed::FEW],
    many: Vec<&'a [u8]>,
    count: usize,
}

impl<'a> Framed<'a> {
    const FEW: usize = 9;

    fn new(prefix: &'a [u8], parts: &[&'a [u8]]) -> Framed<'a> {
        let count = parts.len() + 1;
        let mut framed = Framed { few: [&[]; Framed::FEW], many: Vec::new(), count };
        if let Some(target) = framed.few.get_mut(1..count) {
            target.copy_from_slice(parts);
            framed.few[0] = prefix;
        } else {
            framed.many = std::iter::once(prefix).chain(parts.iter().copied()).collect();
        }
        framed
    }

    fn parts(&mut self) -> &[&'a [u8]] {
        if self.many.is_empty() { &self.few[..self.count] } else { &self.many }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // threads are what is tested
mod tests {
    use super::*;
    use crate::pool::PoolOptions;

    fn pool(capacity_bytes: usize, segment_bytes: usize) -> Pool {
        Pool::new(PoolOptions { capacity_bytes, segment_bytes }).expect("valid options")
    }

    #[test]
    fn gives_back_what_was_appended_whatever_its_size_and_parts() {
        let pool = pool(4 << 20, 1024);
        let log = Log::new(&pool);
        let mut entries = Vec::new();
        for length in [0, 1, 3, 100, 1019, 1020, 1021, 1024, 5000, 100_000] {
            for parts in [1, 2, 3, 12] {
                let bytes: Vec<u8> = (0..length).map(|i| (i * 31 + parts) as u8).collect();
                let pieces: Vec<&[u8]> = bytes.chunks((length / parts).max(1)).collect();
                entries.push((log.append(&pieces).expect("fits"), bytes.clone()));
            }
        }
        for (at, bytes) in &entries {
            assert_eq!(log.get(*at), bytes);
        }
        assert_eq!(log.len(), entries.len());
        assert_eq!(log.allocated_bytes(), pool.statistics().used_bytes);
        drop(log);
        assert_eq!(pool.statistics().used_bytes, 0, "freed whole on drop");
    }

    #[test]
    fn the_budget_ends_with_an_error_and_the_log_stays_readable() {
        let pool = pool(8 * 1024, 1024);
        let log = Log::new(&pool);
        let mut locations = Vec::new();
        let error = loop {
            match log.append(&[&[7; 100]]) {
                Ok(at) => locations.push(at),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::OutOfMemory { capacity: 8192, .. }), "{error}");
        assert!(locations.len() >= 7 * 9, "{} entries of 104 bytes in 8 KiB", locations.len());
        assert!(locations.iter().all(|at| log.get(*at) == [7; 100]));
        assert!(pool.statistics().used_bytes <= 8 * 1024);
        assert!(matches!(log.append(&[&vec![0; 9000]]), Err(Error::EntryTooLarge { .. })));
    }

    #[test]
    fn what_was_declared_dead_shows_in_the_list_of_segments() {
        let pool = pool(64 * 1024, 1024);
        let log = Log::new(&pool);
        let small: Vec<Location> = (0..30).map(|_| log.append(&[&[1; 96]]).expect("fits")).collect();
        let large = log.append(&[&[2; 5000]]).expect("fits");
        let bytes =
            |pick: fn(&crate::SegmentStatistics) -> usize| pool.segments().iter().map(pick).sum::<usize>();
        assert_eq!(bytes(|segment| segment.live_bytes), 30 * 100 + 5000);
        assert_eq!(small.iter().step_by(2).map(|at| log.mark_dead(*at)).sum::<usize>(), 15 * 100);
        assert_eq!(log.mark_dead(large), 5000);
        assert_eq!(log.mark_dead(Location::from_bits(77)), 0);
        assert_eq!(log.dead_bytes(), 6500);
        assert_eq!(bytes(|segment| segment.live_bytes), 1500);
        assert_eq!(bytes(|segment| segment.written_bytes), 8000);
        assert_eq!(bytes(|segment| usize::from(segment.is_run)), 1);
        assert!(pool.segments().iter().all(|segment| segment.owner == SegmentOwner::Log));
        drop(log);
        assert!(pool.segments().iter().all(|segment| segment.owner == SegmentOwner::Free && !segment.is_run));
    }

    #[test]
    fn a_strange_location_is_refused() {
        let pool = pool(1 << 20, 1024);
        let (one, other) = (Log::new(&pool), Log::new(&pool));
        let at = one.append(&[b"mine"]).expect("fits");
        assert_eq!(other.try_get(at), None);
        for bits in [0, 1, u64::MAX, at.to_bits() + 1, at.to_bits() + 9, at.to_bits() + (1 << 28)] {
            assert_ne!(one.try_get(Location::from_bits(bits)), Some(&b"mine"[..]));
        }
    }

    #[test]
    fn many_appenders_and_readers_at_once() {
        let pool = pool(8 << 20, 4096);
        let log = Log::new(&pool);
        let published: Vec<Mutex<Vec<(Location, u64)>>> = (0..4).map(|_| Mutex::default()).collect();
        let fill = |seed: u64| {
            vec![seed as u8; (seed % 300) as usize + if seed.is_multiple_of(97) { 5000 } else { 0 }]
        };
        std::thread::scope(|scope| {
            for (thread, list) in published.iter().enumerate() {
                let (log, fill, published) = (&log, &fill, &published);
                scope.spawn(move || {
                    for i in 0..if cfg!(miri) { 60 } else { 1500 } {
                        let seed = i * 4 + thread as u64;
                        let at = log.append(&[&seed.to_le_bytes(), &fill(seed)]).expect("fits");
                        list.lock().push((at, seed));
                        let other = published[(i % 4) as usize].lock().last().copied();
                        if let Some((at, seed)) = other {
                            assert_eq!(log.get(at)[..8], seed.to_le_bytes());
                            assert_eq!(log.get(at)[8..], fill(seed));
                        }
                    }
                });
            }
        });
        let all: Vec<_> = published.iter().flat_map(|list| list.lock().clone()).collect();
        assert_eq!(all.len(), log.len());
        assert!(all.iter().all(|(at, seed)| log.get(*at)[8..] == fill(*seed)));
    }
}
