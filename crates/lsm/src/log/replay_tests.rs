//! What replay makes of logs that were cut, damaged or written by others.

use std::sync::Arc;

use stroma_strata::storage::MemoryStorage;

use super::super::portion::OneByOne;
use super::super::{Operation, Record, Records, WriteAheadLog, list_segments};
use super::*;

/// What commit `sequence` holds.
fn payload(sequence: u64) -> Vec<u8> {
    let mut payload = Vec::new();
    Operation::encode_put(&mut payload, &[0, 0, 0, 1], &sequence.to_be_bytes(), &[sequence as u8; 20]);
    payload
}

/// Appends commit `sequence`, one operation; synced or not.
fn append(log: &mut WriteAheadLog, sequence: u64, synced: bool) {
    let payload = payload(sequence);
    let record = Record { first_sequence: sequence, operations: 1, payload: &payload };
    let mut bytes = Records::default();
    log.encode(&record, &mut bytes).unwrap();
    log.append(&bytes, sequence).unwrap();
    if synced {
        log.sync().unwrap();
    } else {
        log.flush().unwrap();
    }
}

fn start(storage: &MemoryStorage) -> WriteAheadLog {
    WriteAheadLog::start(Arc::new(storage.clone()), 1, 0, 0, None).unwrap()
}

/// Replays all segments; checks that what was committed comes one by one.
fn replay_all(storage: &MemoryStorage, mode: RecoveryMode) -> Result<Replay, Error> {
    let mut seen = 0;
    let segments = list_segments(storage).unwrap();
    let mut room = Vec::new();
    let replayed = replay(
        LogSource { storage, encryption: None },
        &segments,
        ReplayStart::after(0),
        mode,
        &mut OneByOne(|replayed: Replayed<'_>| {
            seen += 1;
            let record = replayed.record.unpack(replayed.first_sequence, &mut room);
            assert_eq!((record.first_sequence, record.payload), (seen, &*payload(seen)));
            Ok(())
        }),
    )?;
    assert_eq!(replayed.last_sequence, seen);
    Ok(replayed)
}

/// Bytes of a record that names nothing synced: checksum, length, keyspace and kind, key, value.
const RECORD_BYTES: usize = 4 + 1 + 1 + (1 + 8) + (1 + 20);
/// How many more one takes that names a small sequence.
const MARK_BYTES: usize = 2;

#[test]
fn every_truncation_keeps_the_whole_records_before_it() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    (1..=5).for_each(|sequence| append(&mut log, sequence, false));
    let name = segment_name(1);
    let whole = storage.contents(&name).unwrap();
    assert_eq!(whole.len(), SEGMENT_HEADER_BYTES + 5 * RECORD_BYTES);
    for length in 0..=whole.len() {
        storage.replace(&name, whole[..length].to_vec());
        let replayed = replay_all(&storage, RecoveryMode::Strict).unwrap();
        let records = length.saturating_sub(SEGMENT_HEADER_BYTES) / RECORD_BYTES;
        assert_eq!(replayed.last_sequence, records as u64);
        // Zeros at the end are no loss by themselves.
        let written = whole[..length].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let kept =
            if length < SEGMENT_HEADER_BYTES { 0 } else { SEGMENT_HEADER_BYTES + records * RECORD_BYTES };
        assert_eq!(replayed.cut.is_none(), written <= kept, "{length}");
        if let Some(cut) = replayed.cut {
            assert_eq!((cut.first_missing, cut.promised, cut.records), (records as u64 + 1, false, 0));
            assert_eq!(cut.offset + cut.bytes, written as u64);
        }
    }
}

#[test]
fn zeros_that_were_written_ahead_of_records_are_no_loss() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    (1..=3).for_each(|sequence| append(&mut log, sequence, true));
    log.rotate(2).unwrap();
    (4..=5).for_each(|sequence| append(&mut log, sequence, true));
    let names = [1, 2].map(segment_name);
    let whole = names.each_ref().map(|name| storage.contents(name).unwrap());
    let room = |bytes: &[u8], zeros: usize| [bytes, &vec![0; zeros]].concat();
    for zeros in [1, 100, 70_000] {
        names.iter().zip(&whole).for_each(|(name, bytes)| storage.replace(name, room(bytes, zeros)));
        let replayed = replay_all(&storage, RecoveryMode::Strict).unwrap();
        assert_eq!(replayed, Replay { last_sequence: 5, records: 5, cut: None });
        // A synced record that was lost behind such zeros is damage as ever: the next segment tells.
        storage.replace(&names[0], room(&whole[0][..whole[0].len() - RECORD_BYTES - MARK_BYTES], zeros));
        assert!(matches!(replay_all(&storage, RecoveryMode::Strict), Err(Error::Corrupt { .. })));
    }
}

#[test]
fn every_flipped_bit_is_a_torn_tail_or_damage_as_the_later_records_tell() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    // Sequences 1 to 3 are known to be synced by record 4, sequence 4 by nobody.
    (1..=3).for_each(|sequence| append(&mut log, sequence, true));
    (4..=5).for_each(|sequence| append(&mut log, sequence, false));
    let name = segment_name(1);
    let bits = 8 * storage.contents(&name).unwrap().len() as u64;
    // All but the first name a sequence.
    let record_at =
        |at: usize| (at + MARK_BYTES).saturating_sub(SEGMENT_HEADER_BYTES) / (RECORD_BYTES + MARK_BYTES);
    assert_eq!(record_at(bits as usize / 8), 5);
    for bit in 0..bits {
        assert!(storage.flip_bit(&name, bit));
        let at = (bit / 8) as usize;
        let record = if at < SEGMENT_HEADER_BYTES + RECORD_BYTES { 0 } else { record_at(at) };
        let promised = at < SEGMENT_HEADER_BYTES || record < 3;
        let kept = replay_all(&storage, RecoveryMode::KeepPrefix).unwrap();
        assert_eq!(kept.last_sequence, record as u64, "bit {bit}");
        let cut = kept.cut.unwrap();
        assert_eq!(cut.promised, promised, "bit {bit}");
        match replay_all(&storage, RecoveryMode::Strict) {
            Ok(replayed) => assert!(!promised && replayed.cut == Some(cut), "bit {bit}"),
            Err(Error::Corrupt { offset, .. }) => assert!(promised && offset <= at as u64, "bit {bit}"),
            Err(other) => panic!("bit {bit}: {other}"),
        }
        storage.flip_bit(&name, bit);
    }
}

#[test]
fn a_hole_before_sound_unsynced_records_is_a_torn_tail() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    append(&mut log, 1, true);
    (2..=3).for_each(|sequence| append(&mut log, sequence, false));
    log.rotate(2).unwrap();
    (4..=6).for_each(|sequence| append(&mut log, sequence, false));
    let name = segment_name(1);
    let whole = storage.contents(&name).unwrap();
    storage.replace(&name, whole[..whole.len() - RECORD_BYTES - MARK_BYTES].to_vec());
    let replayed = replay_all(&storage, RecoveryMode::Strict).unwrap();
    assert_eq!(replayed.last_sequence, 2);
    let cut = replayed.cut.unwrap();
    assert_eq!((cut.first_missing, cut.records, cut.promised), (3, 3, false));
    // The same hole once the later segment has been synced, and the earlier one with it, is damage.
    append(&mut log, 7, true);
    append(&mut log, 8, false);
    assert!(matches!(replay_all(&storage, RecoveryMode::Strict), Err(Error::Corrupt { .. })));
}

#[test]
fn a_short_segment_tells_of_damage_in_a_long_one_before_it() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    (1..=300).for_each(|sequence| append(&mut log, sequence, false));
    log.rotate(2).unwrap();
    append(&mut log, 301, true);
    append(&mut log, 302, false);
    let bit = 8 * (SEGMENT_HEADER_BYTES + RECORD_BYTES + 10) as u64;
    assert!(storage.flip_bit(&segment_name(1), bit));
    let kept = replay_all(&storage, RecoveryMode::KeepPrefix).unwrap();
    let cut = kept.cut.unwrap();
    assert_eq!((cut.first_missing, cut.records, cut.promised), (2, 300, true));
}

#[test]
fn what_the_manifest_tells_of_needs_no_mark() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    (1..=2).for_each(|sequence| append(&mut log, sequence, true));
    let marked = log.active_bytes();
    log.note_flush(2, 0);
    append(&mut log, 3, false);
    assert_eq!(log.active_bytes(), marked + RECORD_BYTES as u64);
}

#[test]
fn bytes_that_an_earlier_file_left_behind_are_not_taken_for_records() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    (1..=8).for_each(|sequence| append(&mut log, sequence, false));
    let stale = storage.contents(&segment_name(1)).unwrap();
    // The same blocks again, in a segment that begins where the first ended; and the records a little further on.
    for (log_number, shift) in [(2, 0), (1, 1), (1, RECORD_BYTES)] {
        let storage = MemoryStorage::new();
        let mut log = WriteAheadLog::start(Arc::new(storage.clone()), log_number, 0, 0, None).unwrap();
        (1..=3).for_each(|sequence| append(&mut log, sequence, false));
        let name = segment_name(log_number);
        let mut bytes = storage.contents(&name).unwrap();
        let end = bytes.len();
        bytes.resize(end + shift, 0);
        bytes.extend_from_slice(&stale[end..]);
        storage.replace(&name, bytes);
        let replayed = replay_all(&storage, RecoveryMode::Strict).unwrap();
        let cut = replayed.cut.unwrap();
        assert_eq!((replayed.last_sequence, cut.records, cut.promised), (3, 0, false));
    }
}

#[test]
fn a_segment_begun_after_a_cut_takes_the_place_of_what_was_cut() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    (1..=4).for_each(|sequence| append(&mut log, sequence, false));
    let mut log = WriteAheadLog::start(Arc::new(storage.clone()), 2, 2, 0, None).unwrap();
    (3..=6).for_each(|sequence| append(&mut log, sequence, true));
    let mut from_second = 0;
    let replayed = replay(
        LogSource { storage: &storage, encryption: None },
        &[1, 2],
        ReplayStart::after(0),
        RecoveryMode::Strict,
        &mut OneByOne(|replayed: Replayed<'_>| {
            from_second += u64::from(replayed.log_number == 2);
            Ok(())
        }),
    );
    assert_eq!(replayed.unwrap(), Replay { last_sequence: 6, records: 6, cut: None });
    assert_eq!(from_second, 4);
}

#[test]
fn what_tables_hold_already_is_passed_over() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    (1..=6).for_each(|sequence| append(&mut log, sequence, true));
    let mut seen = Vec::new();
    replay(
        LogSource { storage: &storage, encryption: None },
        &[1],
        ReplayStart::after(4),
        RecoveryMode::Strict,
        &mut OneByOne(|replayed: Replayed<'_>| {
            seen.push(replayed.first_sequence);
            Ok(())
        }),
    )
    .unwrap();
    assert_eq!(seen, [5, 6]);
}

#[test]
fn another_version_is_refused_by_name() {
    let storage = MemoryStorage::new();
    let mut log = start(&storage);
    append(&mut log, 1, true);
    let name = segment_name(1);
    let mut bytes = storage.contents(&name).unwrap();
    bytes[8] = 77;
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[..40]);
    bytes[40..48].copy_from_slice(&checksum.to_le_bytes());
    storage.replace(&name, bytes.clone());
    for mode in [RecoveryMode::Strict, RecoveryMode::KeepPrefix] {
        let refused = replay_all(&storage, mode).unwrap_err();
        assert!(matches!(refused, Error::Unsupported { .. }), "{refused}");
        assert!(refused.to_string().contains("version 77"), "{refused}");
    }
    assert_eq!(storage.contents(&name).unwrap(), bytes);
}
