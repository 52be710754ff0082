//! Looking many keys up at once, so that each waits for memory while the others do, too.

use super::Dictionary;
use crate::mapped::{MappedError, Pod};
use crate::processor::prefetch;
use crate::{Key, KeySource};

/// Keys whose values are fetched side by side.
const GROUP: usize = 32;

impl<K: Key, V: Pod> Dictionary<K, V> {
    /// [`lower_bound`](Self::lower_bound) of many keys, written to `positions` in the same order.
    ///
    /// Several times quicker than one by one where the file is larger than the processor's caches; of no help
    /// where pages have to come from a disk, since those are waited for one after another.
    ///
    /// # Errors
    /// As [`get`](Self::get), if that would be an error for any of the keys; what `positions` holds then means
    /// nothing.
    ///
    /// # Panics
    /// If `positions` is not as long as `searched`.
    pub fn lower_bound_batch(&self, searched: &[K], positions: &mut [usize]) -> Result<(), MappedError> {
        let keys = self.keys();
        self.index().lower_bound_batch(&keys, searched, positions);
        keys.answer(())
    }

    /// [`get`](Self::get) of many keys, written to `values` in the same order.
    ///
    /// # Errors
    /// As [`lower_bound_batch`](Self::lower_bound_batch).
    ///
    /// # Panics
    /// If `values` is not as long as `searched`.
    pub fn get_batch(&self, searched: &[K], values: &mut [Option<V>]) -> Result<(), MappedError> {
        assert_eq!(searched.len(), values.len(), "a value for each key searched");
        let (keys, mut positions) = (self.keys(), [0; GROUP]);
        for (group, values) in searched.chunks(GROUP).zip(values.chunks_mut(GROUP)) {
            let positions = &mut positions[..group.len()];
            self.index().lower_bound_batch(&keys, group, positions);
            for (key, position) in group.iter().zip(&mut *positions) {
                if *position < self.len() && keys.get(*position) == *key {
                    prefetch(self.value_bytes(*position));
                } else {
                    *position = self.len();
                }
            }
            keys.answer(())?;
            for (position, value) in positions.iter().zip(values) {
                *value = if *position < self.len() { Some(self.value_at(*position)?) } else { None };
            }
        }
        Ok(())
    }
}
