//! Looking many keys up at once, so that their waits for the device overlap.
//!
//! Keys are taken through the runs together: for each run the blocks in which they would be are found first, by
//! filters and indexes, then all of these are asked for, and only then read. So there is one wait a run, not one a key
//! and run.

use stroma_strata::PaidByReads;

use super::ReadView;
use super::toll::PROBE;
use crate::Error;
use crate::database::Core;
use crate::merging::Visibility;
use crate::snapshot::SnapshotGuard;
use crate::table::Lookup;
use crate::values::{Found, Located};
use crate::{Value, layers::LayerView};

/// A key that no source has decided yet.
struct Open<'k> {
    /// Its place among those asked for.
    place: usize,
    key: &'k [u8],
    lookup: Lookup<'k>,
    /// Whether it was looked for in a run.
    was_probed: bool,
}

impl ReadView {
    /// What `visibility` sees of each key, as [`ReadView::get`] answers it.
    pub(crate) fn get_many(
        &self,
        keys: &[Vec<u8>],
        visibility: Visibility,
    ) -> Result<Vec<Option<Found>>, Error> {
        let mut found: Vec<Option<Found>> = Vec::with_capacity(keys.len());
        let mut open: Vec<Open<'_>> = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let in_memory = self.get_in_memory(key, visibility, |bytes| Value::from(bytes))?;
            if in_memory.is_none() {
                let lookup = Lookup::new(key, visibility.snapshot());
                open.push(Open { place, key, lookup, was_probed: false });
            }
            found.push(in_memory.flatten());
        }
        // In the order of the file, so that neighbours are asked for together.
        open.sort_by_key(|each| each.key);
        self.layers().decide(open, visibility, &mut found)?;
        Ok(found)
    }
}

impl LayerView {
    fn decide(
        &self,
        mut open: Vec<Open<'_>>,
        visibility: Visibility,
        found: &mut [Option<Found>],
    ) -> Result<(), Error> {
        // For runs beyond the first in which there may be what is looked for.
        let mut probes = 0;
        for run in self.runs() {
            if open.is_empty() {
                break;
            }
            let mut located = Vec::with_capacity(open.len());
            for each in &mut open {
                let layer = run.find(each.key);
                probes += u64::from(layer.is_some() && each.was_probed);
                each.was_probed |= layer.is_some();
                let block = match layer {
                    Some(layer) => layer.layer().table()?.locate(&each.lookup)?,
                    None => None,
                };
                located.push((layer, block));
            }
            if located.iter().filter(|(_, block)| block.is_some()).count() > 1 {
                for (layer, block) in &located {
                    if let (Some(layer), Some(block)) = (layer, block) {
                        layer.layer().table()?.prefetch(*block);
                    }
                }
            }
            let mut undecided = Vec::with_capacity(open.len());
            for (each, (layer, block)) in open.into_iter().zip(located) {
                let Some(layer) = layer else {
                    undecided.push(each);
                    continue;
                };
                let table = layer.layer().table()?;
                let deleted = table.tombstones().newest(each.key, visibility);
                let answer = match block {
                    Some(block) => table.get_in(block, &each.lookup, |entry| {
                        let stands = deleted.is_none_or(|deleted| deleted < entry.sequence);
                        if stands { Found::of(&entry) } else { Ok(None) }
                    })?,
                    None => None,
                };
                match answer {
                    Some(answer) => found[each.place] = answer?,
                    // Whatever older tables hold was written before that.
                    None if deleted.is_some() => {}
                    None => undecided.push(each),
                }
            }
            open = undecided;
        }
        if probes > 0 {
            self.read_costs().add(PaidByReads { runs: probes * PROBE, dead: 0 });
        }
        Ok(())
    }
}

impl Core {
    /// The values of stored keys that a reader sees; at one present moment if none is given.
    pub(crate) fn get_many(
        &self,
        keys: &[Vec<u8>],
        at: Option<&SnapshotGuard>,
    ) -> Result<Vec<Option<Value>>, Error> {
        // Registered, so that a value that moves meanwhile is found where it is then.
        let guard = at.cloned().unwrap_or_else(|| self.take_snapshot());
        let found = self.read_view().get_many(keys, Visibility::at(guard.sequence()))?;
        let mut located = Vec::with_capacity(keys.len());
        for (key, found) in keys.iter().zip(found) {
            located.push(match found {
                None => None,
                Some(Found::Inline(value)) => Some(Located::Inline(value)),
                Some(Found::Stored(reference)) => match self.values().find(reference.file) {
                    Some(file) => {
                        file.prefetch(reference);
                        Some(Located::Stored(file, reference))
                    }
                    None => self.look_up(key, Some(&guard))?,
                },
                Some(Found::Marked) => self.look_up(key, Some(&guard))?,
            });
        }
        located.into_iter().map(|located| located.map(Located::load).transpose()).collect()
    }
}
