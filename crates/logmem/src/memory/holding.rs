//! Those who own segments: one kind that lets go only when it ends, one that lets go while others read.
//!
//! Both give a [`View`] of a segment only if the segment's place in the table names them as its owner, so that
//! any number is safe to ask for, whoever made it up.

use std::sync::Arc;

use super::cell::{Cell, View};
use super::cells::{Cells, Chunk};
use super::owner::{Owner, SegmentOwner};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::epoch::Guard;

/// Segments that stay until their owner ends: what a log has.
#[derive(Debug)]
pub(crate) struct Holding {
    cells: Arc<Cells>,
    owner: Owner,
    /// The segment taken last, from which a list leads to all others; 0 for none.
    newest: AtomicU32,
}

impl Holding {
    pub(crate) fn new(cells: &Arc<Cells>, kind: SegmentOwner) -> Holding {
        Holding { cells: Arc::clone(cells), owner: Owner::unique(kind), newest: AtomicU32::new(0) }
    }

    /// Makes a segment this owner's; gives its number.
    pub(crate) fn adopt(&self, chunk: Chunk) -> u32 {
        let number = chunk.number;
        if let Some(cell) = own_cell(&self.cells, &chunk) {
            let _ = self.newest.fetch_update(Ordering::AcqRel, Ordering::Acquire, |newest| {
                cell.next.store(newest, Ordering::Relaxed);
                Some(number)
            });
            cell.owner.store(self.owner.word(), Ordering::Release);
        }
        number
    }

    /// The segment of that number, if it is this owner's.
    #[inline]
    pub(crate) fn view(&self, number: u32) -> Option<View<'_>> {
        let cell = self.cells.cell(number)?;
        let is_ours = cell.owner.load(Ordering::Acquire) == self.owner.word();
        // SAFETY: an owner's word is unique, so the segment is ours; the only way for it to leave is `pop`,
        // which takes `&mut self` and so cannot be called while the view borrows from `self`.
        is_ours.then(|| unsafe { View::new(cell, number) })
    }

    /// Takes one segment out, until there is none.
    pub(crate) fn pop(&mut self) -> Option<Chunk> {
        let number = *self.newest.get_mut();
        let cell = self.cells.cell(number)?;
        if number == 0 {
            return None;
        }
        *self.newest.get_mut() = cell.next.load(Ordering::Relaxed);
        cell.owner.store(Owner::RESERVE.word(), Ordering::Release);
        Some(Chunk { cells: Arc::clone(&self.cells), number })
    }
}

/// Segments that leave while readers may still look at them: what a store has.
///
/// Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004) by `crossbeam-epoch`: a reader pins the
/// current epoch; a segment that leaves loses its owner's word at once, so that nobody finds it any more, and
/// is used again only after every thread pinned at that time has unpinned.
#[derive(Debug)]
pub(crate) struct SharedHolding {
    cells: Arc<Cells>,
    owner: Owner,
}

impl SharedHolding {
    pub(crate) fn new(cells: &Arc<Cells>, kind: SegmentOwner) -> SharedHolding {
        SharedHolding { cells: Arc::clone(cells), owner: Owner::unique(kind) }
    }

    /// Makes a segment this owner's, visible to readers from now on; gives its number.
    pub(crate) fn adopt(&self, chunk: Chunk) -> u32 {
        if let Some(cell) = own_cell(&self.cells, &chunk) {
            cell.owner.store(self.owner.word(), Ordering::Release);
        }
        chunk.number
    }

    /// The segment of that number, if it is this owner's; it stays readable until the guard is dropped,
    /// whatever happens to the segment meanwhile.
    #[inline]
    pub(crate) fn view<'g>(&'g self, number: u32, _guard: &'g Guard) -> Option<View<'g>> {
        let cell = self.cells.cell(number)?;
        let is_ours = cell.owner.load(Ordering::Acquire) == self.owner.word();
        // SAFETY: an owner's word is unique, so the segment is ours and has not left. It leaves either by
        // `retire`, which exchanges the word before it defers the making of a new token, so that this guard,
        // pinned before we read the word, is waited for; or by `take_all`, whose `&mut self` no view from
        // `&'g self` survives.
        is_ours.then(|| unsafe { View::new(cell, number) })
    }

    /// The books of a segment, if it is this owner's at this moment.
    pub(crate) fn books(&self, number: u32) -> Option<&Cell> {
        self.cells.cell(number).filter(|cell| cell.owner.load(Ordering::Acquire) == self.owner.word())
    }

    /// All segments of this owner, by number.
    pub(crate) fn views<'g>(&'g self, guard: &'g Guard) -> impl Iterator<Item = View<'g>> {
        self.cells.numbers().filter_map(move |number| self.view(number, guard))
    }

    /// Lets a segment go. `finish` gets its token when no reader can see it any more, on some thread. False
    /// if the segment is not this owner's, or was let go already.
    pub(crate) fn retire(
        &self,
        number: u32,
        guard: &Guard,
        finish: impl FnOnce(Chunk) + Send + 'static,
    ) -> bool {
        let Some(cell) = self.cells.cell(number) else { return false };
        let left = cell.owner.compare_exchange(
            self.owner.word(),
            Owner::LEAVING.word(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if left.is_err() {
            return false;
        }
        let chunk = Chunk { cells: Arc::clone(&self.cells), number };
        // SAFETY: the token must not be used before every reader that saw our word is gone; the closure that
        // owns it runs after all guards pinned now are dropped. It is `Send + 'static`, so any thread may
        // run it at any later time. The exchange above succeeded for this call alone, so the token is one.
        unsafe { guard.defer_unchecked(move || finish(chunk)) }
        true
    }

    /// Takes everything out at the end.
    pub(crate) fn take_all(&mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for number in self.cells.numbers() {
            let Some(cell) = self.cells.cell(number) else { continue };
            if cell.owner.load(Ordering::Acquire) == self.owner.word() {
                cell.owner.store(Owner::RESERVE.word(), Ordering::Release);
                chunks.push(Chunk { cells: Arc::clone(&self.cells), number });
            }
        }
        chunks
    }
}

/// The place of a token that belongs to this table, for no other's may be adopted.
fn own_cell<'a>(cells: &'a Arc<Cells>, chunk: &Chunk) -> Option<&'a Cell> {
    debug_assert!(Arc::ptr_eq(cells, &chunk.cells), "a segment of another pool");
    if Arc::ptr_eq(cells, &chunk.cells) { cells.cell(chunk.number) } else { None }
}
