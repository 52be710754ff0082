//! Merging a memtable into the resident layer: indexes are merged, entries stay where they are.
//!
//! Both sides are sorted. For each key of the memtable the layer is searched onwards from the last place, and the
//! cells in between are taken over without a look at their entries. Of a key that both have, and of versions within
//! the memtable, only those stay that somebody may still see: of each stripe of snapshots the newest, just as when
//! tables are merged. Deletes stay, for they hide what tables hold.
//!
//! *Cleaning* happens on the way. A log of which less than [`LEAST_LIVE_SHARE`] is alive is left: each entry that
//! is met in it is copied to the end of another log, and the log goes when the last reader of the older state of the
//! layer does. Copies of a memtable's entries and those of older entries are kept apart, since the former die sooner.
//! Copying stops where memory runs out; entries then stay where they are, which is always allowed.

use std::sync::Arc;

use stroma_logmem::{Log, Pool};

use super::cell::Cell;
use super::layer::{LogSegment, Origin, Part, Resident};
use crate::compaction::Retention;
use crate::entry::MAX_SEQUENCE;
use crate::memtable::{Head, Memtable, Target, split_entry};

/// A log with less than this share of live bytes is cleaned. At 0.85, less than six bytes are copied for each byte
/// won, which costs far less than to write that byte to a table.
const LEAST_LIVE_SHARE: f64 = 0.85;

/// Where survivors are copied to.
#[derive(Debug, Clone)]
pub(crate) struct CleaningRoom {
    /// Where their memory comes from.
    pub(crate) pool: Pool,
    /// A log of survivors that has grown to so many bytes gets a successor.
    pub(crate) log_bytes: usize,
    /// The most bytes of older entries that are copied in one merge.
    pub(crate) copy_bytes: usize,
    /// The most bytes that are copied in one merge, those of the memtable included.
    pub(crate) all_copies_bytes: usize,
}

/// What came of a merge.
#[derive(Debug)]
pub(crate) struct Absorbed {
    /// The layer with the memtable in it.
    pub(crate) resident: Resident,
    /// Bytes of entries that were dropped: these never reach a table.
    pub(crate) cleaned_bytes: u64,
}

/// Merges `memtable`, which must be sealed and without range tombstones, into `older`. Time linear in the length of
/// the memtable and, at a few nanoseconds each, of the layer.
pub(crate) fn absorb(
    older: &Resident,
    memtable: &Memtable,
    retention: &Retention,
    room: &CleaningRoom,
) -> Absorbed {
    let mut absorption = Absorption::new(older, memtable, retention, room);
    absorption.run(memtable);
    absorption.finish(LogSegment {
        number: memtable.log_number(),
        last_sequence: memtable.last_sequence(),
        bytes: memtable.log_bytes(),
    })
}

struct Absorption<'a> {
    older: &'a Resident,
    retention: &'a Retention,
    room: &'a CleaningRoom,
    cells: Vec<Cell>,
    /// Those of the older layer, then the memtable's, then new ones.
    parts: Vec<Part>,
    /// Whether entries are copied out of the part.
    is_left: Vec<bool>,
    /// The number of the part that takes copies of the memtable's entries, and of that for older entries.
    targets: [Option<usize>; 2],
    cleaned_bytes: u64,
    copied_bytes: usize,
}

impl<'a> Absorption<'a> {
    fn new(
        older: &'a Resident,
        memtable: &Memtable,
        retention: &'a Retention,
        room: &'a CleaningRoom,
    ) -> Self {
        let mut parts = older.parts.clone();
        let open = |origin| {
            let is_open = |part: &Part| part.origin == origin && part.log.allocated_bytes() < room.log_bytes;
            older.parts.iter().rposition(is_open)
        };
        let targets = [open(Origin::Young), open(Origin::Old)];
        let mut is_left = vec![false; parts.len()];
        let mut by_share: Vec<usize> =
            (0..parts.len()).filter(|part| !targets.contains(&Some(*part))).collect();
        by_share.sort_by(|one, other| live_share(&parts[*one]).total_cmp(&live_share(&parts[*other])));
        let mut copied = 0;
        for number in by_share {
            copied += parts[number].live_bytes;
            if live_share(&parts[number]) >= LEAST_LIVE_SHARE || copied > room.copy_bytes {
                break;
            }
            is_left[number] = true;
        }
        let log = memtable.entries();
        let alive = (memtable.linked_bytes() - memtable.superseded_bytes()) as f64;
        is_left.push(alive < LEAST_LIVE_SHARE * log.allocated_bytes() as f64);
        parts.push(Part { log: log.clone(), live_bytes: 0, origin: Origin::Memtable });
        let cells = Vec::with_capacity(older.len() + memtable.len());
        Absorption {
            older,
            retention,
            room,
            cells,
            parts,
            is_left,
            targets,
            cleaned_bytes: 0,
            copied_bytes: 0,
        }
    }

    fn run(&mut self, memtable: &Memtable) {
        let older = self.older;
        let part = older.parts.len();
        let log = memtable.entries();
        let mut places = memtable.places().peekable();
        let mut at = 0;
        while let Some(&(first, ..)) = places.peek() {
            let key = split_entry(log.get(first)).0;
            let target = Target::new(key, MAX_SEQUENCE);
            let until = older.lower_bound_from(at, &target);
            self.take_over(&older.cells[at..until]);
            at = until;
            // Versions of the key from here on, newest first: the memtable's are all newer.
            let mut last_stripe = None;
            while let Some((location, sequence, kind)) =
                places.next_if(|(location, ..)| split_entry(log.get(*location)).0 == key)
            {
                let cell = Cell::new(Head::of(key), sequence, kind, part, location);
                self.parts[part].live_bytes += self.parts[part].bytes_of(&cell);
                let stripe = self.retention.stripe(sequence);
                self.keep_or_drop(cell, last_stripe.replace(stripe) != Some(stripe));
            }
            while let Some(cell) = older.cells.get(at).filter(|cell| older.is_of_key(cell, &target)) {
                let stripe = self.retention.stripe(cell.sequence());
                self.keep_or_drop(*cell, last_stripe.replace(stripe) != Some(stripe));
                at += 1;
            }
        }
        self.take_over(&older.cells[at..]);
    }

    fn take_over(&mut self, cells: &[Cell]) {
        for cell in cells {
            let cell = if self.is_left[cell.part()] { self.moved(*cell) } else { *cell };
            self.cells.push(cell);
        }
    }

    fn keep_or_drop(&mut self, cell: Cell, keep: bool) {
        if keep {
            return self.take_over(&[cell]);
        }
        let part = &mut self.parts[cell.part()];
        let bytes = part.bytes_of(&cell);
        part.live_bytes -= bytes;
        self.cleaned_bytes += bytes as u64;
    }

    /// The cell after its entry was copied to another part; as it was, if there is no memory for that.
    fn moved(&mut self, cell: Cell) -> Cell {
        let from = cell.part();
        let bytes = self.parts[from].bytes_of(&cell);
        if self.copied_bytes + bytes > self.room.all_copies_bytes {
            self.is_left.fill(false);
            return cell;
        }
        let origin = if from == self.older.parts.len() { Origin::Young } else { Origin::Old };
        let to = self.target(origin);
        let entry = self.parts[from].log.get(cell.location());
        let Ok(location) = self.parts[to].log.append(&[entry]) else {
            // Entries may stay where they are.
            self.is_left.fill(false);
            return cell;
        };
        self.copied_bytes += bytes;
        self.parts[from].live_bytes -= bytes;
        self.parts[to].live_bytes += bytes;
        cell.moved(to, location)
    }

    /// The part that takes copies.
    fn target(&mut self, origin: Origin) -> usize {
        let slot = usize::from(origin == Origin::Old);
        if let Some(open) = self.targets[slot]
            && self.parts[open].log.allocated_bytes() < self.room.log_bytes
        {
            return open;
        }
        self.parts.push(Part { log: Arc::new(Log::new(&self.room.pool)), live_bytes: 0, origin });
        self.is_left.push(false);
        self.targets[slot] = Some(self.parts.len() - 1);
        self.parts.len() - 1
    }

    fn finish(mut self, segment: LogSegment) -> Absorbed {
        self.cells.shrink_to_fit();
        let mut segments = self.older.segments.clone();
        segments.push(segment);
        let mut resident = Resident { cells: self.cells, parts: self.parts, segments, ..Resident::default() };
        resident.drop_dead_parts();
        Absorbed { resident, cleaned_bytes: self.cleaned_bytes }
    }
}

fn live_share(part: &Part) -> f64 {
    part.live_bytes as f64 / part.log.allocated_bytes().max(1) as f64
}

impl Resident {
    /// The number of the first entry at or after `target`, which no entry before number `from` is. Logarithmic in
    /// the distance.
    fn lower_bound_from(&self, from: usize, target: &Target<'_>) -> usize {
        let (mut low, mut step) = (from, 1);
        while let Some(cell) = self.cells.get(low + step - 1) {
            if self.compare(cell, target).is_ge() {
                break;
            }
            low += step;
            step *= 2;
        }
        let high = (low + step).min(self.cells.len());
        low + self.cells[low..high].partition_point(|cell| self.compare(cell, target).is_lt())
    }

    fn is_of_key(&self, cell: &Cell, target: &Target<'_>) -> bool {
        target.has_key(cell.head(), || self.key(cell))
    }
}
