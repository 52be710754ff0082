//! Tables of which nobody sees anything any more, because range deletes of newer tables cover all their keys: they
//! go without being read.
//!
//! It is safe to drop such a table although it may hold deletes of its own: what these hide lies in the same keys,
//! is older still, and so is hidden by the same range deletes, which stay until they are merged at the bottom.

use stroma_strata::LayerDescriptor;

use super::summary::TableNotes;
use crate::entry::Sequence;
use crate::tombstones::RangeTombstones;
use crate::values::TableLayer;

/// A table, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct HideableTable<'a> {
    pub(super) id: u64,
    /// The smallest and the largest key, inclusive, its range deletes included.
    pub(super) bounds: (&'a [u8], &'a [u8]),
    /// The least and the largest sequence in it, its range deletes included.
    pub(super) sequences: (Sequence, Sequence),
    pub(super) tombstones: &'a RangeTombstones,
}

impl<'a> HideableTable<'a> {
    /// `None` if the descriptor is none of a table.
    pub(super) fn of(descriptor: &'a LayerDescriptor, table: &'a TableLayer) -> Option<Self> {
        let notes = TableNotes::decode(&descriptor.metadata)?;
        Some(HideableTable {
            id: descriptor.id,
            bounds: (&descriptor.smallest, &descriptor.largest),
            sequences: (notes.smallest_sequence, notes.largest_sequence),
            tombstones: table.tombstones(),
        })
    }

    /// Whether range deletes of `other` hide all of this table from everyone who reads at `reader` or later: each
    /// of its keys was deleted after its last change, and no later than `reader`.
    fn is_hidden_by(&self, other: &RangeTombstones, reader: Sequence) -> bool {
        let (mut from, largest) = self.bounds;
        let deletes = |sequences: &[Sequence]| {
            sequences.iter().any(|&sequence| self.sequences.1 < sequence && sequence <= reader)
        };
        for fragment in other.fragments_from(from) {
            if !fragment.contains(from) || !deletes(&fragment.sequences) {
                return false;
            }
            if largest < &*fragment.end {
                return true;
            }
            from = &fragment.end;
        }
        false
    }
}

/// The ids of those of `tables` that nobody can see anything of: `snapshots` are those in use, ascending, the present
/// among them. Costs a search for each table and each other one with range deletes.
pub(super) fn hidden_tables(tables: &[HideableTable<'_>], snapshots: &[Sequence]) -> Vec<u64> {
    let hiding: Vec<&HideableTable<'_>> =
        tables.iter().filter(|table| !table.tombstones.is_empty()).collect();
    let is_hidden = |table: &&HideableTable<'_>| {
        // Who reads before that sees nothing of the table anyway.
        let first = snapshots.partition_point(|&snapshot| snapshot < table.sequences.0);
        let Some(&reader) = snapshots.get(first) else { return false };
        hiding.iter().any(|other| table.is_hidden_by(other.tombstones, reader))
    };
    tables.iter().filter(is_hidden).map(|table| table.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deletes(ranges: &[(&str, &str, Sequence)]) -> RangeTombstones {
        let mut set = RangeTombstones::default();
        for (start, end, sequence) in ranges {
            set.insert(start.as_bytes(), end.as_bytes(), *sequence);
        }
        set
    }

    fn is_hidden(by: &[(&str, &str, Sequence)], snapshots: &[Sequence]) -> bool {
        let (none, by) = (RangeTombstones::default(), deletes(by));
        let old = HideableTable { id: 1, bounds: (b"c", b"f"), sequences: (3, 7), tombstones: &none };
        let new = HideableTable { id: 2, bounds: (b"a", b"z"), sequences: (10, 20), tombstones: &by };
        let hidden = hidden_tables(&[new, old], snapshots);
        assert!(!hidden.contains(&2));
        hidden == [1]
    }

    #[test]
    fn all_keys_must_be_covered_by_newer_deletes() {
        assert!(is_hidden(&[("c", "g", 10)], &[30]));
        assert!(is_hidden(&[("a", "d", 10), ("d", "z", 11)], &[30]), "fragments that touch");
        assert!(!is_hidden(&[("c", "f", 10)], &[30]), "the largest key is left");
        assert!(!is_hidden(&[("d", "z", 10)], &[30]), "the smallest key is left");
        assert!(!is_hidden(&[("a", "d", 10), ("e", "z", 10)], &[30]), "a gap");
        assert!(
            !is_hidden(&[("a", "z", 7)], &[30]),
            "the table holds the delete itself, or something as new"
        );
        assert!(!is_hidden(&[], &[30]));
    }

    #[test]
    fn a_snapshot_between_table_and_delete_keeps_the_table() {
        assert!(!is_hidden(&[("a", "z", 10)], &[8, 30]));
        assert!(!is_hidden(&[("a", "z", 10)], &[5, 30]), "it sees a part of the table");
        assert!(is_hidden(&[("a", "z", 10)], &[2, 30]), "it sees nothing of the table");
        assert!(is_hidden(&[("a", "z", 10)], &[10, 30]), "it sees the delete");
        assert!(!is_hidden(&[("a", "z", 10)], &[]), "nobody said who reads");
    }
}
