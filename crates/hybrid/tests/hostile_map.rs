//! Files of maps that were damaged or forged, drawn from a seed: an error or a sound map, never a panic.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests own their files")]

#[path = "shared/key_sets.rs"]
mod key_sets;
#[path = "shared/map_attack.rs"]
mod map_attack;

use key_sets::next;
use map_attack::{Outcome, attack, sample};

/// What a fuzzer would feed: the way of the attack, then some changes.
fn draw(mode: u8, state: &mut u64) -> Vec<u8> {
    let changes = 1 + next(state) % 4;
    let mut bytes = vec![mode];
    (0..changes * 6).for_each(|_| bytes.push(next(state) as u8));
    bytes
}

#[test]
fn changed_files_are_refused_and_forged_ones_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let whole = sample(&folder.path().join("sample"));
    let path = folder.path().join("hostile");
    assert_eq!(attack(&path, &whole, &[12]), Outcome::Opened);
    let mut state = 20_261_121;
    let mut opened = [0, 0];
    for round in 0..2000 {
        // Every other one is forged; of those, some have to take inserts, which waits for the disk.
        let mode = if round % 2 == 0 { 0 } else { 2 } | if round % 16 == 1 { 12 } else { 0 };
        let bytes = draw(mode, &mut state);
        let outcome = attack(&path, &whole, &bytes);
        opened[round % 2] += usize::from(outcome == Outcome::Opened);
    }
    // A change may change nothing: a field swapped with an equal one. Right checksums carry values anywhere.
    assert!(opened[0] < 300 && opened[1] > 100, "{opened:?}");
}

#[test]
fn bytes_that_are_no_map_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile");
    let whole = sample(&path);
    let mut state = 7;
    for length in (0..whole.len()).step_by(97) {
        let mut cut = vec![1];
        cut.extend_from_slice(&whole[..length]);
        assert_eq!(attack(&path, &[], &cut), Outcome::Refused, "cut to {length}");
        // Its checksums made right, it is still too short.
        cut[0] = 3;
        assert_eq!(attack(&path, &[], &cut), Outcome::Refused, "cut to {length}");
        let noise: Vec<u8> = (0..length).map(|_| next(&mut state) as u8 | 1).collect();
        assert_eq!(attack(&path, &[], &noise), Outcome::Refused);
    }
}
