//! The same keys in a filter of another size.

use crate::{Error, Key, QuotientFilter, Shape, SortedBuilder};

impl<K: Key, S: AsRef<[u8]>> QuotientFilter<K, S> {
    /// The same keys in a filter of at least so many home slots, more or fewer; keys keep all their bits.
    /// O(slots) in one pass over both.
    ///
    /// # Errors
    /// [`Error::Full`] if they do not fit, [`Error::BadShape`], [`Error::OutOfMemory`].
    pub fn resized(&self, home_slots: u64) -> Result<QuotientFilter<K>, Error> {
        self.rebuilt(self.shape.resized(home_slots)?)
    }

    pub(crate) fn rebuilt(&self, shape: Shape) -> Result<QuotientFilter<K>, Error> {
        let mut builder = SortedBuilder::new(shape)?;
        self.iter().try_for_each(|entry| builder.push_entry(entry))?;
        builder.finish()
    }
}

impl<K: Key> QuotientFilter<K> {
    /// Doubles the number of home slots. O(slots).
    ///
    /// # Errors
    /// [`Error::BadShape`] when the remainder has one bit left, [`Error::OutOfMemory`].
    pub fn grow(&mut self) -> Result<(), Error> {
        let mut slots = self.shape.home_slots();
        loop {
            slots *= 2;
            match self.resized(slots) {
                // Narrower remainders make counts take more slots: rarely, one doubling is not enough.
                Err(Error::Full { .. }) => {}
                outcome => {
                    *self = outcome?;
                    return Ok(());
                }
            }
        }
    }

    /// Gives up the memory of free slots, down to 95 % load. O(slots).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; then nothing has changed.
    pub fn shrink_to_fit(&mut self) -> Result<(), Error> {
        let mut shape = self.shape.refitted::<K>(self.slots_taken().max(2))?;
        while shape.home_slots() < self.shape.home_slots() {
            match self.rebuilt(shape) {
                // A remainder that has become wider may make the count of a key longer by a slot.
                Err(Error::Full { .. }) => {
                    shape = shape.resized(shape.home_slots() + shape.home_slots() / 16 + 1)?
                }
                outcome => {
                    *self = outcome?;
                    break;
                }
            }
        }
        Ok(())
    }
}
