//! Entries put side by side first, to go to a log all at once.

use super::Log;
use crate::error::Error;
use crate::location::{LENGTH_BYTES, Location};

/// Entries for [`Log::append_batch`]: one reservation for as many of them as a segment has room for, where
/// [`Log::append`] takes a lock, a reservation and a count for each.
///
/// ```
/// use stroma_logmem::{Log, LogBatch, Pool, PoolOptions};
///
/// let log = Log::new(&Pool::new(PoolOptions { capacity_bytes: 1 << 20, segment_bytes: 64 << 10 })?);
/// let mut batch = LogBatch::default();
/// batch.push(&[b"one"]);
/// batch.push(&[b"an", b"other"]);
/// let mut located = Vec::new();
/// log.append_batch(&batch, |run| {
///     located.extend((run.first..run.end).map(|entry| batch.location(&run, entry)));
/// })?;
/// assert_eq!((log.get(located[0]), log.get(located[1])), (b"one".as_slice(), b"another".as_slice()));
/// # Ok::<(), stroma_logmem::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct LogBatch {
    /// Entries as they lie in a segment.
    bytes: Vec<u8>,
    /// Where each begins.
    starts: Vec<usize>,
}

/// Entries of a batch that lie one behind the other in one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRun {
    /// The first of them lies here.
    pub location: Location,
    /// Its number in the batch.
    pub first: usize,
    /// The number of the first that is not one of them.
    pub end: usize,
}

impl LogBatch {
    /// An empty one with room for so many bytes, the four in front of each entry included.
    pub fn with_capacity(bytes: usize) -> LogBatch {
        LogBatch { bytes: Vec::with_capacity(bytes), starts: Vec::new() }
    }

    /// Adds an entry that is the parts one behind the other.
    #[inline]
    pub fn push(&mut self, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.starts.push(self.bytes.len());
        self.bytes.reserve(LENGTH_BYTES + length);
        // What is too long for this has no room in any segment.
        self.bytes.extend_from_slice(&(length as u32).to_le_bytes());
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
    }

    /// Adds an entry that is `head`, `key` and `value` one behind the other. As [`push`](LogBatch::push), but quicker:
    /// how many parts there are, and how long the first one is, is known when this is compiled.
    #[inline]
    pub fn push_headed<const HEAD: usize>(&mut self, head: [u8; HEAD], key: &[u8], value: &[u8]) {
        let length = HEAD + key.len() + value.len();
        self.starts.push(self.bytes.len());
        self.bytes.reserve(LENGTH_BYTES + length);
        // What is too long for this has no room in any segment.
        self.bytes.extend_from_slice(&(length as u32).to_le_bytes());
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
    }

    /// Makes room for so many more bytes, the four in front of each entry included.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// So many bytes it takes before it has to grow.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Takes all entries out of it. It keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.starts.clear();
    }

    /// Bytes that the entries take in a log, with the four in front of each.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Where an entry of a run of this batch lies.
    #[inline]
    pub fn location(&self, run: &BatchRun, entry: usize) -> Location {
        match (self.starts.get(run.first), self.starts.get(entry)) {
            (Some(first), Some(start)) if start > first => run.location.behind(start - first - LENGTH_BYTES),
            _ => run.location,
        }
    }

    /// Where an entry begins, or all end.
    fn start(&self, entry: usize) -> usize {
        self.starts.get(entry).copied().unwrap_or(self.bytes.len())
    }
}

impl Log {
    /// Appends the entries of a batch in their order, while nobody else appends, and tells of each run of them that
    /// came to lie side by side. Time is linear in the bytes.
    ///
    /// # Errors
    /// As [`append`](Log::append), for the first entry that has no room. Those before it are appended then.
    pub fn append_batch(&self, batch: &LogBatch, mut appended: impl FnMut(BatchRun)) -> Result<(), Error> {
        let mut first = 0;
        while first < batch.len() {
            let start = batch.start(first);
            let fits = start + self.room_in_head();
            // Nearly always all of them do, or all but a few.
            let end = match batch.bytes() <= fits {
                true => batch.len(),
                false => first + batch.starts[first + 1..].partition_point(|next| *next <= fits),
            };
            let run = match self.append_framed(&batch.bytes[start..batch.start(end)], end - first) {
                Some(location) => BatchRun { location, first, end },
                None => {
                    // It opens a segment, or gets one of its own.
                    let end = first + 1;
                    let entry = &batch.bytes[start + LENGTH_BYTES..batch.start(end)];
                    BatchRun { location: self.append(&[entry])?, first, end }
                }
            };
            appended(run);
            first = run.end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Pool, PoolOptions};

    fn entry(number: usize) -> Vec<u8> {
        // Some are longer than a segment.
        let length = if number % 500 == 77 { 4000 + number } else { number * 7 % 90 };
        vec![number as u8; length]
    }

    #[test]
    fn a_batch_lies_as_if_its_entries_had_been_appended_one_by_one() {
        let pool =
            Pool::new(PoolOptions { capacity_bytes: 8 << 20, segment_bytes: 4096 }).expect("valid options");
        let (log, singly) = (Log::new(&pool), Log::new(&pool));
        let (mut located, mut batches) = (Vec::new(), 0..);
        while located.len() < 3000 {
            let mut batch = LogBatch::default();
            let from = located.len();
            batch.push(&[b"what was there before"]);
            batch.clear();
            assert!(batch.is_empty() && batch.bytes() == 0);
            // None, a few, and more than several segments take.
            let count = batches.next().map_or(0, |turn: usize| turn * turn % 320);
            for number in from..from + count {
                let bytes = entry(number);
                singly.append(&[&bytes]).expect("fits");
                match bytes.split_first_chunk::<5>() {
                    Some((head, rest)) if number % 2 == 0 => {
                        let (key, value) = rest.split_at(rest.len() / 3);
                        batch.push_headed(*head, key, value);
                    }
                    _ => batch.push(&[&bytes[..bytes.len() / 3], &bytes[bytes.len() / 3..]]),
                }
            }
            let mut next = 0;
            log.append_batch(&batch, |run| {
                assert!(run.first == next && run.end > run.first);
                next = run.end;
                located.extend((run.first..run.end).map(|entry| batch.location(&run, entry)));
            })
            .expect("fits");
            assert_eq!((next, located.len()), (batch.len(), from + count));
        }
        for (number, at) in located.iter().enumerate() {
            assert_eq!(log.get(*at), entry(number));
        }
        assert_eq!((log.len(), log.allocated_bytes()), (singly.len(), singly.allocated_bytes()));
    }

    #[test]
    fn a_batch_that_has_no_room_is_appended_as_far_as_it_has() {
        let pool = Pool::new(PoolOptions { capacity_bytes: 16 << 10, segment_bytes: 1024 }).expect("valid");
        let log = Log::new(&pool);
        let mut batch = LogBatch::default();
        (0..1000).for_each(|number| batch.push(&[&entry(number % 70)]));
        let mut appended = 0;
        assert!(log.append_batch(&batch, |run| appended = run.end).is_err());
        assert!(appended > 100 && log.len() == appended);
    }
}
