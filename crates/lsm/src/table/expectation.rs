//! Whether a thread's keys have been found lately in the run where nothing is below: then its filter need not be asked.
//!
//! A filter saves a lookup the index and the block of a table that does not have the key. In the last run a key that no
//! newer one has either is there or is nowhere, and where the last keys all were there the filter said nothing new,
//! sixteen times, and each time some memory was waited for. One key that is not there makes filters asked again.

use std::cell::Cell;

/// So many keys in a row that were there let the filter go unasked.
const ENOUGH: u32 = 16;

thread_local! {
    static FOUND: Cell<u32> = const { Cell::new(0) };
}

/// Whether the next key is likely to be there.
#[inline]
pub(crate) fn is_likely() -> bool {
    FOUND.with(|found| found.get() >= ENOUGH)
}

/// Notes whether a key was there.
#[inline]
pub(crate) fn note(is_there: bool) {
    FOUND.with(|found| found.set(if is_there { found.get().saturating_add(1) } else { 0 }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_many_keys_to_expect_and_one_not_to() {
        assert!(!is_likely());
        for _ in 0..ENOUGH {
            note(true);
        }
        assert!(is_likely());
        note(false);
        assert!(!is_likely());
    }
}
