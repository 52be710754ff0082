//! What the owner of each key says of it, so that any thread can tell whether an answer may be true.
//!
//! A key has one owner, who alone writes it. Before a change the owner marks the key as busy, and afterwards
//! it notes the new revision. Whoever reads the key looks at the board before and after: if both looks agree
//! and the key was not busy, only one answer is right; otherwise the revision must lie between them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Flaw;

/// One word a key.
pub(crate) struct Board(Box<[AtomicU64]>);

/// What the board says of a key at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Note {
    /// Number of the last change that is done; removals count.
    pub(crate) revision: u64,
    /// Whether the key is there after it.
    pub(crate) present: bool,
    /// Whether the next change is being made.
    pub(crate) busy: bool,
}

/// A key that is never removed once it was put: then it may never be missed, not even while it is changed.
pub(crate) fn is_kept(key: u64) -> bool {
    key.is_multiple_of(4)
}

impl Board {
    pub(crate) fn new(keys: u64) -> Board {
        Board((0..keys).map(|_| AtomicU64::new(0)).collect())
    }

    pub(crate) fn keys(&self) -> u64 {
        self.0.len() as u64
    }

    /// What is written there. Acquires what the owner did before it wrote that.
    pub(crate) fn note(&self, key: u64) -> Note {
        let word = self.0[key as usize].load(Ordering::Acquire);
        Note { revision: word >> 2, present: word & 1 == 1, busy: word & 2 == 2 }
    }

    /// Writes a note; only the key's owner does.
    pub(crate) fn set(&self, key: u64, note: Note) {
        let word = note.revision << 2 | u64::from(note.busy) << 1 | u64::from(note.present);
        self.0[key as usize].store(word, Ordering::Release);
    }
}

/// Whether `found`, the revision that was read between two looks at the board, may be true.
pub(crate) fn judge(key: u64, before: Note, found: Option<u64>, after: Note) -> Result<(), Flaw> {
    let holds = match found {
        None if before == after && !before.busy => !before.present,
        None => !(is_kept(key) && before.present),
        Some(revision) => {
            let least = before.revision + u64::from(!before.present);
            let most = after.revision + u64::from(after.busy);
            (least..=most).contains(&revision)
        }
    };
    Flaw::unless(holds, || {
        let found = found.map_or("nothing".to_owned(), |revision| format!("revision {revision}"));
        format!("key {key}: found {found}, where the board said {before:?} before and {after:?} after")
    })
}
