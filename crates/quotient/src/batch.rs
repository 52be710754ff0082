//! Many keys at once: what the next ones need comes from memory while one is worked on.

use crate::filter::{check_key, more};
use crate::machine::{Cpu, Work};
use crate::{Counted, Error, Key, QuotientFilter};

/// How many keys ahead memory is asked for: enough to cover a miss, few enough for the processor to hold all
/// its requests.
const AHEAD: usize = 16;

/// Why a batch stopped, and how far it came.
#[derive(Debug, thiserror::Error)]
#[error("stopped after {done} keys: {cause}")]
pub struct Stopped {
    /// How many keys from the front were counted; those after them were not.
    pub done: usize,
    /// Why the next one was not.
    #[source]
    pub cause: Error,
}

impl<K: Key, S: AsRef<[u8]>> QuotientFilter<K, S> {
    /// Count and value of each key, in the order of the keys, appended to `answers`.
    ///
    /// Much faster than one call a key when the filter is larger than the processor's caches.
    pub fn get_all(&self, keys: &[K], answers: &mut Vec<Counted>) {
        answers.reserve(keys.len());
        self.each_found(keys, |_, found| answers.push(found));
    }

    /// Hands out count and value of each key, in their order.
    #[inline]
    pub(crate) fn each_found(&self, keys: &[K], each: impl FnMut(K, Counted)) {
        self.level.run(GetAll { filter: self, keys, each });
    }
}

struct GetAll<'a, K, S, F> {
    filter: &'a QuotientFilter<K, S>,
    keys: &'a [K],
    each: F,
}

impl<K: Key, S: AsRef<[u8]>, F: FnMut(K, Counted)> Work for GetAll<'_, K, S, F> {
    type Output = ();

    #[inline(always)]
    fn run<C: Cpu>(mut self) {
        let (division, blocks) = (self.filter.division, self.filter.blocks());
        let ask = |key: &K| {
            if division.holds(*key) {
                blocks.prefetch(division.split(*key).0);
            }
        };
        self.keys.iter().take(AHEAD).for_each(ask);
        for (index, key) in self.keys.iter().enumerate() {
            if let Some(later) = self.keys.get(index + AHEAD) {
                ask(later);
            }
            (self.each)(*key, self.filter.look_up::<C>(*key, false));
        }
    }
}

impl<K: Key, S: AsRef<[u8]> + AsMut<[u8]>> QuotientFilter<K, S> {
    /// Counts each of the keys once more, in order; a key may come several times.
    ///
    /// Much faster than one call a key when the filter is larger than the processor's caches.
    ///
    /// # Errors
    /// At the first key that [`insert`](Self::insert) would refuse; those before it are counted.
    pub fn insert_all(&mut self, keys: &[K]) -> Result<(), Stopped> {
        self.level.run(InsertAll { filter: self, keys })
    }
}

struct InsertAll<'a, K, S> {
    filter: &'a mut QuotientFilter<K, S>,
    keys: &'a [K],
}

impl<K: Key, S: AsRef<[u8]> + AsMut<[u8]>> Work for InsertAll<'_, K, S> {
    type Output = Result<(), Stopped>;

    #[inline(always)]
    fn run<C: Cpu>(self) -> Result<(), Stopped> {
        let (filter, keys) = (self.filter, self.keys);
        for (index, key) in keys.iter().enumerate() {
            // The first ones are asked for together.
            let ahead = if index == 0 { 0..AHEAD } else { index + AHEAD - 1..index + AHEAD };
            for later in keys.get(ahead.start..ahead.end.min(keys.len())).unwrap_or(&[]) {
                if check_key(&filter.division, *later).is_ok() {
                    let quotient = filter.division.split(*later).0;
                    let blocks = filter.blocks();
                    blocks.prefetch(quotient);
                    blocks.prefetch_more(quotient);
                }
            }
            filter
                .changed::<C>(*key, more(*key, 1))
                .map(drop)
                .map_err(|cause| Stopped { done: index, cause })?;
        }
        Ok(())
    }
}
