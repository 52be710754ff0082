//! Merging tables changes nothing that a snapshot in use, or the newest state, shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use stroma_strata::KeyRange;

use super::{Retention, TableOutput, write_tables};
use crate::Error;
use crate::block::Compression;
use crate::block_cache::Caching;
use crate::cursor::{Cursor, EntriesCursor, OwnedEntry};
use crate::entry::Sequence;
use crate::merging::{MergingCursor, Visibility, VisibleCursor};
use crate::table::tests::blob_of;
use crate::table::{Properties, Table, TableOptions, TableSummary};
use crate::tombstones::RangeTombstones;

#[derive(Default)]
struct Files {
    files: Vec<Vec<u8>>,
    table_bytes: u64,
    read: u64,
}

impl TableOutput for Files {
    type Sink = Vec<u8>;

    fn start(&mut self) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }

    fn finish(&mut self, sink: Vec<u8>, _: TableSummary) -> Result<(), Error> {
        self.files.push(sink);
        Ok(())
    }

    fn table_bytes(&self) -> u64 {
        self.table_bytes
    }

    fn note_read(&mut self, bytes: u64) {
        self.read += bytes;
    }
}

#[derive(Clone, Debug)]
enum Write {
    Put(u8),
    Delete(u8),
    DeleteRange(u8, u8),
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    prop_oneof![of_keys(40), of_keys(4)]
}

fn of_keys(keys: u8) -> impl Strategy<Value = Vec<Write>> {
    let write = prop_oneof![
        6 => (0..keys).prop_map(Write::Put),
        2 => (0..keys).prop_map(Write::Delete),
        1 => (0..keys, 0..keys + 3).prop_map(|(start, end)| Write::DeleteRange(start, end)),
    ];
    prop::collection::vec(write, 1..120)
}

/// The writes `from..` as a source: sequences go on from `from + 1`.
fn source(writes: &[Write], from: usize) -> (Vec<OwnedEntry>, RangeTombstones) {
    let (mut entries, mut tombstones) = (Vec::new(), RangeTombstones::default());
    for (write, sequence) in writes.iter().zip(from as u64 + 1..) {
        match *write {
            Write::Put(key) => entries.push((vec![key], sequence, Some(vec![sequence as u8; 9]))),
            Write::Delete(key) => entries.push((vec![key], sequence, None)),
            Write::DeleteRange(start, end) => tombstones.insert(&[start], &[end], sequence),
        }
    }
    (entries, tombstones)
}

fn seen(mut cursor: VisibleCursor<impl Cursor>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut map = BTreeMap::new();
    let mut on = cursor.seek_first().unwrap();
    while on {
        let (key, value) = cursor.pair();
        map.insert(key.to_vec(), value.to_vec());
        on = cursor.next().unwrap();
    }
    map
}

type Sources = Vec<(Vec<OwnedEntry>, RangeTombstones)>;

fn seen_in_sources(sources: &Sources, snapshot: Sequence) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let cursors = sources.iter().map(|source| EntriesCursor::new(source.0.clone())).collect();
    let tombstones = sources.iter().map(|source| Arc::new(source.1.clone())).collect();
    seen(VisibleCursor::new(MergingCursor::new(cursors), tombstones, Visibility::at(snapshot)))
}

fn seen_in_tables(
    tables: &[Table],
    older: &(Vec<OwnedEntry>, RangeTombstones),
    snapshot: Sequence,
) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut cursors: Vec<Box<dyn Cursor>> = Vec::new();
    let mut tombstones = vec![Arc::new(older.1.clone())];
    for table in tables {
        cursors.push(Box::new(table.cursor(Caching::Use)));
        tombstones.push(Arc::clone(table.tombstones()));
    }
    cursors.push(Box::new(EntriesCursor::new(older.0.clone())));
    seen(VisibleCursor::new(MergingCursor::new(cursors), tombstones, Visibility::at(snapshot)))
}

fn merge(sources: &Sources, retention: &Retention, table_bytes: u64) -> Vec<Table> {
    let (tables, read) = merge_range(sources, retention, table_bytes, (None, None));
    let all: usize = sources
        .iter()
        .flat_map(|source| &source.0)
        .map(|entry| entry.0.len() + entry.2.as_ref().map_or(0, Vec::len))
        .sum();
    assert_eq!(read, all as u64);
    tables
}

/// Merges one piece; answers its tables and how many bytes were read.
fn merge_range(
    sources: &Sources,
    retention: &Retention,
    table_bytes: u64,
    range: KeyRange<'_>,
) -> (Vec<Table>, u64) {
    let mut output = Files { table_bytes, ..Files::default() };
    let cursors = sources.iter().map(|source| EntriesCursor::new(source.0.clone())).collect::<Vec<_>>();
    let mut tombstones = RangeTombstones::default();
    sources.iter().for_each(|source| tombstones.extend(&source.1));
    let options = TableOptions { block_bytes: 64, compression: Compression::None, ..TableOptions::default() };
    let source = MergingCursor::new(cursors);
    write_tables(source, tombstones, range, retention, &options, &mut output).unwrap();
    let tables: Vec<Table> =
        output.files.iter().map(|file| Table::open(blob_of(file, true)).unwrap()).collect();
    tables.iter().for_each(|table| table.verify().unwrap());
    (tables, output.read)
}

fn disjoint(tables: &[Table]) -> bool {
    let bounds: Vec<&Properties> = tables.iter().map(Table::properties).collect();
    bounds.iter().all(|bound| bound.smallest_key <= bound.largest_key)
        && bounds.is_sorted_by(|left, right| left.largest_key < right.smallest_key)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_merge_changes_nothing_that_can_be_seen(
        writes in writes(), cuts in (0.0..1.0, 0.0..1.0), table_bytes in 1_u64..600,
        snapshots in prop::collection::vec(0_u64..120, 0..4), bottom: bool,
    ) {
        // Oldest to newest: what is below the merge (nothing, at the bottom), and two merged sources.
        let below = if bottom { 0 } else { (writes.len() as f64 * cuts.0) as usize };
        let middle = below + ((writes.len() - below) as f64 * cuts.1) as usize;
        let older = source(&writes[..below], 0);
        let sources = vec![source(&writes[middle..], middle), source(&writes[below..middle], below)];
        let last = writes.len() as u64;
        let snapshots: Vec<Sequence> = snapshots.into_iter().map(|snapshot| snapshot % (last + 1)).collect();
        let tables = merge(&sources, &Retention::new(snapshots.clone(), bottom), table_bytes);
        prop_assert!(disjoint(&tables));
        let before: Sources = [sources, vec![older.clone()]].concat();
        for snapshot in snapshots.into_iter().chain([last, last + 5]) {
            prop_assert_eq!(seen_in_tables(&tables, &older, snapshot), seen_in_sources(&before, snapshot));
        }
    }

    #[test]
    fn a_merge_in_pieces_shows_the_same_and_its_tables_share_no_key(
        writes in writes(),
        cut in 0_u8..44,
        second_cut in 0_u8..44,
        snapshot in 0_u64..120,
        bottom in any::<bool>(),
        table_bytes in prop_oneof![Just(1), 100_u64..1500, Just(u64::MAX)],
    ) {
        let middle = writes.len() / 2;
        let sources = vec![source(&writes[middle..], middle), source(&writes[..middle], 0)];
        let retention = Retention::new(vec![snapshot], bottom);
        // As the set cuts: right after a key.
        let (first, second) = ([cut.min(second_cut), 0], [cut.max(second_cut), 0]);
        let bounds = [(None, Some(&first[..])), (Some(&first[..]), Some(&second[..])), (Some(&second[..]), None)];
        let pieces = bounds.into_iter().filter(|(start, end)| start.is_none() || end.is_none() || start < end);
        let tables: Vec<Table> =
            pieces.flat_map(|range| merge_range(&sources, &retention, table_bytes, range).0).collect();
        prop_assert!(disjoint(&tables));
        let nothing = source(&[], 0);
        for reader in [snapshot, writes.len() as u64 + 5] {
            prop_assert_eq!(seen_in_tables(&tables, &nothing, reader), seen_in_sources(&sources, reader));
        }
    }

    #[test]
    fn at_the_bottom_without_snapshots_only_live_puts_are_left(writes in writes()) {
        let sources = vec![source(&writes, 0)];
        let tables = merge(&sources, &Retention::new(vec![], true), u64::MAX);
        prop_assert!(tables.len() <= 1);
        let live = seen_in_sources(&sources, u64::MAX);
        prop_assert_eq!(tables.is_empty(), live.is_empty());
        for table in &tables {
            prop_assert_eq!(table.properties().entries, live.len() as u64);
            prop_assert_eq!((table.properties().deletes, table.properties().range_deletes), (0, 0));
        }
    }
}

#[test]
fn versions_of_one_key_stay_in_one_table() {
    let entries = (0..50_u64).map(|n| (vec![(n / 10) as u8], n + 1, Some(vec![0; 40]))).collect();
    let tables = merge(&vec![(entries, RangeTombstones::default())], &Retention::everything(), 1);
    assert_eq!(tables.len(), 5);
    assert!(tables.iter().all(|table| table.properties().entries == 10));
}

#[test]
fn a_delete_is_kept_while_a_snapshot_or_an_older_layer_needs_it() {
    let sources = vec![(vec![(b"a".to_vec(), 9, None)], RangeTombstones::default())];
    let count = |retention: Retention| merge(&sources, &retention, u64::MAX).len();
    assert_eq!(count(Retention::new(vec![], false)), 1, "an older layer may have the key");
    assert_eq!(count(Retention::new(vec![], true)), 0, "nothing to hide");
    assert_eq!(count(Retention::new(vec![9], true)), 0, "the snapshot sees the delete, which hides nothing");
    assert_eq!(count(Retention::new(vec![5], true)), 1, "at the snapshot the key may exist");
}
