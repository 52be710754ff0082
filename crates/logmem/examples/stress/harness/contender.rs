//! Keys that every thread writes: counters, raised by conditional puts alone, so that none may be lost.

use std::sync::atomic::{AtomicU64, Ordering};

use stroma_logmem::{Error, Expected, Store};

use super::Flaw;
use super::random::Random;
use super::value::{key_bytes, revision_of, write_value};

/// Counters in the store, and what they should say.
pub(crate) struct Counters {
    first_key: u64,
    raised: Vec<AtomicU64>,
}

impl Counters {
    /// `count` counters in the keys from `first_key` on.
    pub(crate) fn new(first_key: u64, count: usize) -> Counters {
        Counters { first_key, raised: (0..count).map(|_| AtomicU64::new(0)).collect() }
    }

    /// How many counters were raised at least once.
    pub(crate) fn present(&self) -> usize {
        self.raised.iter().filter(|raised| raised.load(Ordering::Relaxed) > 0).count()
    }

    /// Raises one of them by one, however often others come between.
    pub(crate) fn step(&self, store: &Store, random: &mut Random) -> Result<(), Flaw> {
        let at = random.below(self.raised.len() as u64);
        let key = self.first_key + at;
        let bytes = key_bytes(key);
        let mut value = Vec::new();
        loop {
            let (count, expected) = match store.get_copied(&bytes) {
                Some((value, version)) => (revision_of(key, &value)?, Expected::Version(version)),
                None => (0, Expected::Absent),
            };
            write_value(key, count + 1, 24 + random.below(200) as usize, &mut value);
            match store.put_if(&bytes, &value, expected) {
                Ok(version) => {
                    self.raised[at as usize].fetch_add(1, Ordering::Relaxed);
                    let after = Expected::Version(version);
                    return Flaw::unless(expected != after, || format!("key {key}: {version:?} came twice"));
                }
                Err(Error::VersionMismatch { .. }) => {}
                Err(Error::OutOfMemory { .. }) => return Ok(()),
                Err(error) => return Err(Flaw(format!("key {key}: {error}"))),
            }
        }
    }

    /// Compares each with the number of times it was raised. Nobody may write meanwhile.
    pub(crate) fn check(&self, store: &Store) -> Result<(), Flaw> {
        for (key, raised) in (self.first_key..).zip(&self.raised) {
            let raised = raised.load(Ordering::Relaxed);
            let count = match store.get(&key_bytes(key)) {
                Some(value) => revision_of(key, &value)?,
                None => 0,
            };
            Flaw::unless(count == raised, || format!("counter {key} says {count}, raised {raised} times"))?;
        }
        Ok(())
    }
}
