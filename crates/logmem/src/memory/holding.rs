//! Those who own segments: one kind that lets go only when it ends, one that lets go while others read.
//!
//! Both give a [`View`] of a segment only if the segment's place in the table names them as its owner, so that
//! any number is safe to ask for, whoever made it up.

use std::sync::Arc;

use super::cell::{Cell, View};
use super::cells::{Cells, Chunk};
use super::owner::{Owner, SegmentOwner};
use super::pins::{Pinned, Pins};
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
/// is used again only after every thread pinned at that time has unpinned. Who needs a segment for longer
/// takes one of a few slots that name it ([`pin`](SharedHolding::pin)).
#[derive(Debug)]
pub(crate) struct SharedHolding {
    cells: Arc<Cells>,
    owner: Owner,
    pins: Arc<Pins>,
}

/// A segment that has left and that no pinned thread looks at any more; a slot may still name it.
#[derive(Debug)]
pub(crate) struct Leaving {
    chunk: Chunk,
    pins: Arc<Pins>,
}

impl Leaving {
    /// The segment's token, once no slot names it.
    pub(crate) fn free(self) -> Result<Chunk, Leaving> {
        if self.pins.hold(self.chunk.number) { Err(self) } else { Ok(self.chunk) }
    }
}

impl SharedHolding {
    /// A new owner; `pins` segments at most can be held with [`pin`](SharedHolding::pin).
    pub(crate) fn new(cells: &Arc<Cells>, kind: SegmentOwner, pins: usize) -> SharedHolding {
        let pins = Arc::new(Pins::new(pins));
        SharedHolding { cells: Arc::clone(cells), owner: Owner::unique(kind), pins }
    }

    /// Bytes that the holding takes itself.
    pub(crate) fn size_bytes(&self) -> usize {
        self.pins.size_bytes()
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

    /// Keeps bytes of a view's readable without the guard. `None` if all slots are taken, or if the bytes are
    /// not the view's: copy them then.
    pub(crate) fn pin<'a>(&'a self, view: View<'_>, bytes: &[u8], _guard: &Guard) -> Option<Pinned<'a>> {
        let of_segment = view.committed().as_ptr_range();
        let wanted = bytes.as_ptr_range();
        let is_ours = self.books(view.number()).is_some_and(|cell| std::ptr::eq(cell, view.cell()));
        if wanted.start < of_segment.start || wanted.end > of_segment.end || !is_ours {
            return None;
        }
        // SAFETY: the bytes are in the view, and so below the watermark. The segment was ours under this
        // guard, and if it leaves, `Leaving::free` asks for the pins, which is run only after the guard has
        // been dropped and so sees the claim. What ends without asking, `take_all`, has `&mut self`, which
        // no `Pinned` from `&'a self` survives.
        unsafe { self.pins.claim(view.number(), bytes) }
    }

    /// Whether someone keeps bytes of this segment.
    pub(crate) fn is_held(&self, number: u32) -> bool {
        self.pins.hold(number)
    }

    /// Lets a segment go. `finish` gets it when no pinned thread can see it any more, on some thread. False if
    /// the segment is not this owner's, or was let go already.
    pub(crate) fn retire(
        &self,
        number: u32,
        guard: &Guard,
        finish: impl FnOnce(Leaving) + Send + 'static,
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
        let leaving = Leaving { chunk, pins: Arc::clone(&self.pins) };
        // SAFETY: the token must not be used before every reader that saw our word is gone; the closure that
        // owns it runs after all guards pinned now are dropped. It is `Send + 'static`, so any thread may
        // run it at any later time. The exchange above succeeded for this call alone, so the token is one.
        unsafe { guard.defer_unchecked(move || finish(leaving)) }
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
