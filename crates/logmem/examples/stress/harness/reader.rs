//! Reading keys that other threads write: one by one, held for a while, and all of them.

use stroma_logmem::{Store, Version};

use super::Flaw;
use super::board::{Board, Note, judge};
use super::random::Random;
use super::value::{key_bytes, key_number, revision_of};

/// Keys from here on belong to nobody and are not on the board.
pub(crate) struct Reader<'a> {
    store: &'a Store,
    board: &'a Board,
    /// The newest version that this thread saw of each key.
    newest: Vec<Version>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(store: &'a Store, board: &'a Board) -> Reader<'a> {
        Reader { store, board, newest: vec![Version::from_bits(0); board.keys() as usize] }
    }

    /// Reads any key below `active`.
    pub(crate) fn step(&mut self, active: u64, random: &mut Random) -> Result<(), Flaw> {
        let key = random.below(active);
        let before = self.board.note(key);
        let found = self.store.get(&key_bytes(key));
        let after = self.board.note(key);
        let Some(guard) = found else { return judge(key, before, None, after) };
        let revision = revision_of(key, &guard)?;
        judge(key, before, Some(revision), after)?;
        self.note_version(key, guard.version())?;
        if random.one_in(64) {
            // What is held stays as it is, whatever is written and cleaned meanwhile.
            for _ in 0..random.below(200) {
                std::hint::spin_loop();
            }
            let again = revision_of(key, &guard)?;
            Flaw::unless(again == revision, || format!("key {key}: a held value changed its revision"))?;
        }
        Ok(())
    }

    fn note_version(&mut self, key: u64, version: Version) -> Result<(), Flaw> {
        let newest = &mut self.newest[key as usize];
        let before = std::mem::replace(newest, version);
        Flaw::unless(version >= before, || {
            format!("key {key}: version {version:?} after {before:?} had been seen")
        })
    }

    /// Visits everything: a key that nobody touched meanwhile is seen once, as it is.
    pub(crate) fn walk(&mut self) -> Result<(), Flaw> {
        let before: Vec<Note> = (0..self.board.keys()).map(|key| self.board.note(key)).collect();
        let mut seen: Vec<Option<u64>> = vec![None; before.len()];
        let mut outcome = Ok(());
        self.store.for_each(|key, value, _| {
            if outcome.is_ok() {
                outcome = note_visit(key, value, &mut seen);
            }
        });
        outcome?;
        for (key, (before, seen)) in before.into_iter().zip(seen).enumerate() {
            let after = self.board.note(key as u64);
            if before == after && !before.busy {
                judge(key as u64, before, seen, after)?;
            }
        }
        Ok(())
    }
}

fn note_visit(key: &[u8], value: &[u8], seen: &mut [Option<u64>]) -> Result<(), Flaw> {
    let key = key_number(key)?;
    let revision = revision_of(key, value)?;
    // The rest are the keys that all write.
    if let Some(slot) = seen.get_mut(key as usize) {
        let first = slot.replace(revision);
        Flaw::unless(first.is_none(), || format!("key {key} was visited twice"))?;
    }
    Ok(())
}
