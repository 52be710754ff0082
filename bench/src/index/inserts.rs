//! The part `inserts`: maps that are loaded with nine tenths of the keys and then take the others one by one.

use std::collections::BTreeMap;
use std::hint::black_box;

use stroma_bench_allocators::Resident;
use stroma_hybrid::map::U64Map;

use super::files::{Folder, INSERTED, PRESENT};
use super::peers::Peer;
use super::prepare::is_inserted;
use super::suite::{self, Prepared};
use super::warm::{LEAST_GAIN, SCAN_KEYS};
use crate::Outcome;
use crate::measure::{OURS, timed};
use crate::process::Figures;

pub(super) const WRONG: &str = "map: wrong answers";

/// A sorted map from keys to values of eight bytes.
trait Map: Sized {
    /// An empty map.
    fn empty() -> Self;
    /// A map of entries that ascend.
    fn load(entries: impl Iterator<Item = (u64, u64)>) -> Outcome<Self>;
    fn insert(&mut self, key: u64, value: u64);
    fn get(&self, key: u64) -> Option<u64>;
    /// The sum of so many keys from the lower bound on.
    fn sum_from(&self, key: u64, count: usize) -> u64;
}

impl Map for BTreeMap<u64, u64> {
    fn empty() -> Self {
        BTreeMap::new()
    }

    fn load(entries: impl Iterator<Item = (u64, u64)>) -> Outcome<Self> {
        Ok(entries.collect())
    }

    #[inline]
    fn insert(&mut self, key: u64, value: u64) {
        black_box(BTreeMap::insert(self, key, value));
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        BTreeMap::get(self, &key).copied()
    }

    #[inline]
    fn sum_from(&self, key: u64, count: usize) -> u64 {
        self.range(key..).take(count).fold(0, |sum, (key, _)| sum.wrapping_add(*key))
    }
}

impl Map for U64Map<u64> {
    fn empty() -> Self {
        U64Map::new()
    }

    fn load(entries: impl Iterator<Item = (u64, u64)>) -> Outcome<Self> {
        Ok(U64Map::bulk_load(entries)?)
    }

    #[inline]
    fn insert(&mut self, key: u64, value: u64) {
        black_box(U64Map::insert(self, key, value));
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        U64Map::get(self, key)
    }

    #[inline]
    fn sum_from(&self, key: u64, count: usize) -> u64 {
        self.range(key..).take(count).fold(0, |sum, (key, _)| sum.wrapping_add(key))
    }
}

/// Word, name, bytes an entry at the most.
const SUBJECTS: [(&str, &str, u64); 2] = [("ours", OURS, 32), ("btreemap", "BTreeMap", 40)];

pub(super) fn run(prepared: &Prepared<'_>, peers: &[Peer], samples: &mut crate::measure::Samples) -> Outcome {
    for (word, name, bytes_a_key) in SUBJECTS {
        if prepared.fits(word, name, bytes_a_key, samples) {
            eprintln!("{}: inserts into {name}", prepared.set.name);
            suite::file(prepared.in_a_process(suite::INSERTS, word), name, prepared, samples)?;
        }
    }
    for peer in peers.iter().filter(|peer| peer.is_map) {
        if prepared.fits(&peer.word, &peer.name, peer.bytes_a_key + 8, samples) {
            eprintln!("{}: inserts into {}", prepared.set.name, peer.name);
            suite::file(peer.measure(prepared, suite::INSERTS), &peer.name, prepared, samples)?;
        }
    }
    Ok(())
}

pub(super) fn measure(word: &str, set: &str, folder: &Folder, runs: usize) -> Outcome<Figures> {
    match word {
        "ours" => measure_map::<U64Map<u64>>(set, folder, runs),
        "btreemap" => measure_map::<BTreeMap<u64, u64>>(set, folder, runs),
        _ => Err(format!("there is no map `{word}`").into()),
    }
}

fn measure_map<M: Map>(set: &str, folder: &Folder, runs: usize) -> Outcome<Figures> {
    let mapped = folder.keys()?;
    mapped.warm()?;
    let keys = mapped.slice()?;
    let (inserted, questions) = (folder.read(INSERTED)?, folder.questions(PRESENT)?);
    let mut figures = Figures::default();
    let mut add = |metric: &str, operations: usize, seconds: f64| {
        figures.add(set, metric, seconds * 1e9 / operations.max(1) as f64, "ns");
    };
    let memory = Resident::begin();
    let loaded = || keys.iter().copied().zip(0..).filter(|(_, position)| !is_inserted(*position));
    let (mut map, cost) = timed(|| M::load(loaded()))?;
    add("map: load, a key", keys.len() - inserted.len(), cost.process);
    let ((), cost) = timed(|| {
        inserted.iter().for_each(|key| map.insert(*key, !key));
        Ok(())
    })?;
    add("map: insert in random order", inserted.len(), cost.thread);
    let gained = memory.gained_bytes();
    let mut is_new = inserted.clone();
    is_new.sort_unstable();
    let wrong = questions.keys.iter().zip(&questions.positions).filter(|(key, position)| {
        let expected = match is_new.binary_search(key) {
            Ok(_) => Some(!**key),
            Err(_) => Some(**position).filter(|position| !is_inserted(*position)),
        };
        map.get(**key) != expected
    });
    let wrong = wrong.count();
    for _ in 0..if wrong == 0 { runs } else { 0 } {
        let sum = |key: &u64| map.get(*key).unwrap_or(0);
        let (_, cost) = timed(|| Ok(questions.keys.iter().map(sum).fold(0, u64::wrapping_add)))?;
        add("map: get after inserts", questions.keys.len(), cost.thread);
        let starts = &questions.keys[..questions.keys.len().div_ceil(10)];
        let sum = |key: &u64| map.sum_from(*key, SCAN_KEYS);
        let (_, cost) = timed(|| Ok(starts.iter().map(sum).fold(0, u64::wrapping_add)))?;
        add("map: scan of 100 after inserts", starts.len(), cost.thread);
    }
    drop(map);
    let ((), cost) = timed(|| {
        let mut map = M::empty();
        keys[..inserted.len()].iter().for_each(|key| map.insert(*key, 0));
        black_box(map);
        Ok(())
    })?;
    add("map: insert in ascending order", inserted.len(), cost.thread);
    let entries = (keys.len() - keys.len() / 10) as f64 + inserted.len() as f64;
    if gained >= LEAST_GAIN {
        figures.add(set, "map: memory an entry, with its 16 bytes", gained as f64 / entries, "bytes");
    }
    figures.add(set, WRONG, wrong as f64, "answers");
    Ok(figures)
}
