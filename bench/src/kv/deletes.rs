//! Deletes of nine tenths of all entries, scans over what is left, and deletes of ranges.

use std::path::Path;

use super::bench::{BATCH, Bench, SCAN, expect};
use super::engine::Engine;
use super::entries::key;
use crate::Outcome;
use crate::measure::timed;
use crate::random::Random;

/// One entry of so many is left.
const LEFT: u64 = 10;
/// Ranges that are deleted, all together half of the key space.
const RANGES: u64 = 100;

impl Bench {
    /// Each step checks how many entries are left.
    pub(super) fn deletes(&mut self, folder: &Path) -> Outcome {
        let engine = self.loaded(folder)?;
        let seed = self.scale.seed;
        let gone: Vec<u64> = (0..self.scale.entries).filter(|number| number % LEFT != 0).collect();
        let ((), cost) = timed(|| {
            for numbers in gone.chunks(BATCH as usize) {
                let keys: Vec<_> = numbers.iter().map(|number| key(seed, *number)).collect();
                engine.remove(&keys.iter().map(<[u8; 16]>::as_slice).collect::<Vec<_>>())?;
            }
            engine.sync()
        })?;
        self.add_rate("delete in batches of 100", gone.len() as u64, cost);
        let left = (0..self.scale.entries).step_by(LEFT as usize);
        self.scan_what_is_left("after deletes", &*engine, left.clone().count() as u64)?;

        let width = u64::MAX / RANGES;
        let ((), cost) = timed(|| {
            for start in (0..RANGES).map(|range| range * width) {
                engine.remove_range(&start.to_be_bytes(), &(start + width / 2).to_be_bytes())?;
            }
            engine.sync()
        })?;
        self.figures.add("delete half by 100 ranges", "time", cost.wall * 1000.0, "ms");
        let stays = |number: &u64| {
            let start: [u8; 8] = key(seed, *number)[..8].try_into().unwrap_or_default();
            u64::from_be_bytes(start) % width >= width / 2 || u64::from_be_bytes(start) >= RANGES * width
        };
        self.scan_what_is_left("after range deletes", &*engine, left.filter(stays).count() as u64)?;
        engine.close()
    }

    fn scan_what_is_left(&mut self, when: &str, engine: &dyn Engine, left: u64) -> Outcome {
        let (scans, seed) = (self.scale.gets / 100, self.scale.seed);
        let mut random = Random(seed);
        engine.read(&mut |reader| {
            let (walked, cost) = timed(|| {
                let mut starts = (0..scans).map(|_| random.below(u64::MAX).to_be_bytes());
                starts
                    .try_fold(0, |walked, start| Ok::<_, crate::Failure>(walked + reader.scan(&start, SCAN)?))
            })?;
            expect("entries of scans", walked, 1..=scans * SCAN)?;
            self.add_rate(&format!("scan of 50 {when}"), scans, cost);
            let (found, cost) = timed(|| reader.scan(&[], u64::MAX >> 1))?;
            expect("entries that are left", found, left..=left)?;
            self.add_rate(&format!("full scan {when}, entries left"), left, cost);
            Ok(())
        })
    }
}
