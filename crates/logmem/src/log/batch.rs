//! Entries put side by side first, to go to a log all at once.

use super::Log;
use crate::location::{LENGTH_BYTES, Location};

/// Entries for [`Log::append_batch`]: one reservation for all of them, where [`Log::append`] takes a lock, a
/// reservation and a count for each.
///
/// ```
/// use stroma_logmem::{Log, LogBatch, Pool, PoolOptions};
///
/// let log = Log::new(&Pool::new(PoolOptions { capacity_bytes: 1 << 20, segment_bytes: 64 << 10 })?);
/// let mut batch = LogBatch::default();
/// batch.push(&[b"one"]);
/// batch.push(&[b"an", b"other"]);
/// // There is no open segment yet.
/// assert_eq!((log.batch_room(), log.append_batch(&batch)), (0, None));
/// log.append(&[b"the first"])?;
/// assert!(batch.bytes() <= log.batch_room());
/// let one = log.append_batch(&batch).ok_or("it has room")?;
/// assert_eq!(log.get(one), b"one");
/// assert_eq!(log.get(one.behind(3)), b"another");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct LogBatch {
    /// Entries as they lie in a segment.
    bytes: Vec<u8>,
    entries: usize,
}

impl LogBatch {
    /// Adds an entry that is the parts one behind the other.
    #[inline]
    pub fn push(&mut self, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.reserve(LENGTH_BYTES + length);
        // What is too long for this has no room in any segment.
        self.bytes.extend_from_slice(&(length as u32).to_le_bytes());
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.entries += 1;
    }

    /// Bytes that the entries take in a log, with the four in front of each.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Makes it empty, to be used again.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries = 0;
    }
}

impl Log {
    /// Bytes that a batch may take now, as long as nobody else appends: what is left of the open segment. A batch of
    /// entries that are many and short wants to be several times smaller.
    pub fn batch_room(&self) -> usize {
        self.room_in_head()
    }

    /// Appends the entries of a batch, one behind the other in one segment: that is where the first lies, and
    /// [`Location::behind`] leads to the others. `None`, and nothing is appended, if they do not fit into what is left
    /// of the open segment, or if there are none. Time is linear in the bytes; it never takes memory from the pool.
    pub fn append_batch(&self, batch: &LogBatch) -> Option<Location> {
        if batch.is_empty() { None } else { self.append_framed(&batch.bytes, batch.entries) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Pool, PoolOptions};

    #[test]
    fn a_batch_lies_as_if_its_entries_had_been_appended_one_by_one() {
        let pool =
            Pool::new(PoolOptions { capacity_bytes: 8 << 20, segment_bytes: 4096 }).expect("valid options");
        let (log, singly) = (Log::new(&pool), Log::new(&pool));
        let mut batch = LogBatch::default();
        let entry = |number: usize| vec![number as u8; number * 7 % 90];
        let mut located: Vec<Location> = Vec::new();
        for number in 0..3000 {
            let bytes = entry(number);
            singly.append(&[&bytes]).expect("fits");
            if log.batch_room() < batch.bytes() + LENGTH_BYTES + bytes.len() {
                flush(&log, &mut batch, &mut located, entry);
                located
                    .push(log.append(&[&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]]).expect("fits"));
                continue;
            }
            batch.push(&[&bytes[..bytes.len() / 3], &bytes[bytes.len() / 3..]]);
            if number % 13 == 0 {
                flush(&log, &mut batch, &mut located, entry);
            }
        }
        flush(&log, &mut batch, &mut located, entry);
        assert_eq!(located.len(), 3000);
        for (number, at) in located.iter().enumerate() {
            assert_eq!(log.get(*at), entry(number));
        }
        assert_eq!((log.len(), log.allocated_bytes()), (singly.len(), singly.allocated_bytes()));
        batch.push(&[&[0; 5000]]);
        assert_eq!(log.append_batch(&batch), None, "longer than a segment");
    }

    fn flush(log: &Log, batch: &mut LogBatch, located: &mut Vec<Location>, entry: impl Fn(usize) -> Vec<u8>) {
        if batch.is_empty() {
            assert_eq!(log.append_batch(batch), None);
            return;
        }
        let mut at = log.append_batch(batch).expect("there was room");
        for _ in 0..batch.len() {
            at = {
                let bytes = entry(located.len()).len();
                located.push(at);
                at.behind(bytes)
            };
        }
        batch.clear();
    }
}
