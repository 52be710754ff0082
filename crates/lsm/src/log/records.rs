//! Records on their way to the log, put together where the copying is quick.
//!
//! Both the bytes of a large batch and those of its record are as a rule the only ones in their mapping, so they
//! begin at the same place of a page, and what is copied is ahead in the record by some bytes. A processor takes a
//! load for one that depends on a store before it when the lower twelve bits of their addresses are alike; a copy to
//! a place that is a little ahead in its page is then a tenth as quick. So there is some room in front of such a
//! record, which is not logged.

/// Shorter batches are copied in no time.
const LONG_BYTES: usize = 16 << 10;
/// Addresses are compared modulo this.
const PAGE_BYTES: usize = 4096;
/// What stands around the operations of a batch in a record takes no more than this.
const AROUND_BYTES: usize = 256;

/// Encoded records that go to the log together.
#[derive(Debug, Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    /// So many bytes in front belong to no record.
    room: usize,
}

impl Records {
    /// The records.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.room..]
    }

    /// How many bytes that are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.room
    }

    /// How many bytes there may be before the memory has to grow.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets them, but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.room = 0;
    }

    /// Where a record of `payload` is to be appended.
    pub(super) fn place_for(&mut self, payload: &[u8]) -> &mut Vec<u8> {
        if self.bytes.is_empty() && payload.len() >= LONG_BYTES {
            self.bytes.reserve(PAGE_BYTES + payload.len() + AROUND_BYTES);
            let ahead = self.bytes.as_ptr().addr().wrapping_sub(payload.as_ptr().addr());
            // Half a page ahead.
            self.room = (PAGE_BYTES / 2).wrapping_sub(ahead) % PAGE_BYTES;
            self.bytes.resize(self.room, 0);
        }
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_record_is_half_a_page_ahead_of_its_batch_wherever_that_is() {
        let batch = vec![7; 2 * PAGE_BYTES + LONG_BYTES];
        let mut records = Records::default();
        for skipped in (0..2 * PAGE_BYTES).step_by(61) {
            let payload = &batch[skipped..];
            records.clear();
            records.place_for(payload).extend_from_slice(payload);
            assert_eq!((records.bytes(), records.len()), (payload, payload.len()));
            let ahead = records.bytes().as_ptr().addr().wrapping_sub(payload.as_ptr().addr());
            assert_eq!(ahead % PAGE_BYTES, PAGE_BYTES / 2);
            // One behind it stands where it ends.
            records.place_for(payload).push(8);
            assert_eq!((records.len(), records.bytes().last()), (payload.len() + 1, Some(&8)));
        }
        records.clear();
        records.place_for(&[9; 100]).extend_from_slice(&[9; 100]);
        assert_eq!((records.bytes(), records.room), ([9; 100].as_slice(), 0));
    }
}
