//! Open scans, so that memory which only an idle scan still holds can be taken back from it.
//!
//! A scan's cursors keep memtables in memory. A caller may hold a scan for hours, and may wait with it for a commit
//! that waits for that very memory. So the cursors live in a slot which the flush empties when a memtable has
//! reached the disk; the scan then opens new ones where it stood. Its snapshot makes sure that it sees the same.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::cursor::Cursor;
use crate::merging::{MergingCursor, VisibleCursor};

/// What walks over all sources at once.
pub(crate) type ScanCursor = VisibleCursor<MergingCursor<Box<dyn Cursor>>>;

/// The cursors of one scan: each end has its own.
#[derive(Default)]
pub(crate) struct OpenCursors {
    /// Stands on the entry that the scan gave last from the front.
    pub(crate) front: Option<ScanCursor>,
    /// Stands on the entry that the scan gave last from the back.
    pub(crate) back: Option<ScanCursor>,
}

impl std::fmt::Debug for OpenCursors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (front, back) = (self.front.is_some(), self.back.is_some());
        formatter.debug_struct("OpenCursors").field("front", &front).field("back", &back).finish()
    }
}

/// Locked by the scan while it moves, by the flush while it empties it.
pub(crate) type ScanSlot = Mutex<OpenCursors>;

/// The slots of all scans alive.
#[derive(Debug, Default)]
pub(crate) struct ScanRegistry {
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    slots: Vec<Weak<ScanSlot>>,
    /// Swept when there are this many, so that the sweep costs constant time a scan.
    sweep_at: usize,
}

impl ScanRegistry {
    /// A slot for a new scan.
    pub(crate) fn register(&self) -> Arc<ScanSlot> {
        let slot = Arc::new(ScanSlot::default());
        let mut slots = self.slots.lock();
        if slots.slots.len() >= slots.sweep_at {
            slots.slots.retain(|slot| slot.strong_count() > 0);
            slots.sweep_at = (2 * slots.slots.len()).max(64);
        }
        slots.slots.push(Arc::downgrade(&slot));
        slot
    }

    /// Empties every slot.
    pub(crate) fn release_all(&self) {
        let alive: Vec<Arc<ScanSlot>> = self.slots.lock().slots.iter().filter_map(Weak::upgrade).collect();
        for slot in alive {
            let cursors = std::mem::take(&mut *slot.lock());
            drop(cursors);
        }
    }
}
