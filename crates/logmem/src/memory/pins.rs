//! Segments that someone holds on to for longer than an epoch: a fixed number of slots, each names one segment.
//!
//! Hazard pointers (Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004) with the
//! epoch in the place of the fence: a slot is claimed while the thread is pinned, and whoever wants to use a
//! segment anew looks at the slots only after that pin has ended. So a reader that holds a value for long
//! keeps that value's segment and nothing else.

use std::marker::PhantomData;

use crate::sync::atomic::{AtomicU32, Ordering};

const SLOTS_PER_LINE: usize = 16;

/// The slots of one owner of segments.
#[derive(Debug)]
pub(crate) struct Pins {
    /// A thread begins at a line of its own, so that threads do not meet.
    lines: Box<[Line]>,
    /// Slots in use of the last line.
    in_last: usize,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([AtomicU32; SLOTS_PER_LINE]);

/// Bytes in a segment that a slot keeps from being used anew.
pub(crate) struct Pinned<'a> {
    bytes: *const [u8],
    slot: &'a AtomicU32,
    _bytes: PhantomData<&'a [u8]>,
}

// SAFETY: the bytes never change while the slot names their segment, any thread may read them, and any thread
// may clear the slot.
unsafe impl Send for Pinned<'_> {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Pinned<'_> {}

impl Pins {
    /// So many slots, at least one.
    pub(super) fn new(slots: usize) -> Pins {
        let slots = slots.max(1);
        let lines = slots.div_ceil(SLOTS_PER_LINE);
        Pins {
            lines: std::iter::repeat_with(Line::default).take(lines).collect(),
            in_last: slots - (lines - 1) * SLOTS_PER_LINE,
        }
    }

    /// Whether a slot names this segment.
    pub(super) fn hold(&self, number: u32) -> bool {
        self.lines.iter().flat_map(|line| &line.0).any(|slot| slot.load(Ordering::Acquire) == number)
    }

    /// Bytes that the slots themselves take.
    pub(super) fn size_bytes(&self) -> usize {
        size_of_val(&*self.lines)
    }

    /// Writes the segment's number into an empty slot; `None` if there is none.
    ///
    /// # Safety
    /// `bytes` must lie below the watermark of that segment, and the segment must not be given to anyone
    /// before `hold` was asked about it by someone who sees this claim; both for all of `'a`.
    pub(super) unsafe fn claim<'a>(&'a self, number: u32, bytes: *const [u8]) -> Option<Pinned<'a>> {
        let first = crate::sync::thread::number() % self.lines.len();
        let lines = (first..self.lines.len()).chain(0..first);
        for line in lines {
            let is_last = line + 1 == self.lines.len();
            let slots = if is_last { self.in_last } else { SLOTS_PER_LINE };
            for slot in &self.lines[line].0[..slots] {
                let is_free = slot.load(Ordering::Relaxed) == 0;
                let claim = || slot.compare_exchange(0, number, Ordering::AcqRel, Ordering::Relaxed);
                if is_free && claim().is_ok() {
                    return Some(Pinned { bytes, slot, _bytes: PhantomData });
                }
            }
        }
        None
    }
}

impl Pinned<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `claim`'s caller guarantees that the bytes are initialised and stay as they are while the
        // slot names their segment, which it does until `self` is dropped.
        unsafe { &*self.bytes }
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        // Release: our reading comes before the writing of whoever sees the slot empty.
        self.slot.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_slots_as_asked_for_and_they_come_back() {
        for slots in [1, 3, 16, 17, 40] {
            let pins = Pins::new(slots);
            let bytes = [1_u8, 2, 3];
            // SAFETY: the bytes are borrowed for longer than the pins, and never change.
            let claim = |number: usize| unsafe { pins.claim(number as u32, &raw const bytes[..]) };
            let mut held: Vec<Pinned<'_>> = (1..=slots).map(|n| claim(n).expect("a slot")).collect();
            assert!(claim(99).is_none(), "no more than {slots}");
            assert!(pins.hold(1) && pins.hold(slots as u32) && !pins.hold(99));
            assert_eq!(held[0].bytes(), [1, 2, 3]);
            held.swap_remove(0);
            assert!(!pins.hold(1));
            assert!(claim(99).is_some());
        }
    }
}
