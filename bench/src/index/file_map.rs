//! The part `disk`, inserts: our map in a mapped file that grows.

use std::hint::black_box;

use super::files::{Folder, INSERTED, PRESENT};
use super::mapped::{FileMap, create_map, open_map};
use super::prepare::is_inserted;
use crate::Outcome;
use crate::measure::{Cost, timed};
use crate::process::Figures;

/// The most keys that are inserted in random order: each may need a page of its own.
const MOST_INSERTED: usize = 1_000_000;
const MAP: &str = "map";
pub(super) const WRONG: &str = "disk: map, wrong answers";

/// Inserts nine tenths of the keys in ascending order, syncs; makes the system forget the file and opens it;
/// inserts others in random order, syncs; asks for all that was asked of the others.
pub(super) fn measure(set: &str, folder: &Folder) -> Outcome<Figures> {
    let mapped = folder.keys()?;
    mapped.warm()?;
    let keys = mapped.slice()?;
    let inserted = folder.read(INSERTED)?;
    let inserted = &inserted[..inserted.len().min(MOST_INSERTED)];
    let path = folder.file(MAP);
    let mut figures = Figures::default();
    let mut add = |what: &str, operations: usize, cost: Cost| {
        let each = |seconds: f64| seconds * 1e9 / operations.max(1) as f64;
        figures.add(set, &format!("disk: map, {what}"), each(cost.process), "ns");
        figures.add(set, &format!("disk: map, {what}, by the wall"), each(cost.wall), "ns");
    };
    let loaded = || (0..keys.len()).filter(|position| !is_inserted(*position as u64));
    let ((), cost) = timed(|| {
        let mut map = create_map(&path)?;
        for position in loaded() {
            map.insert(keys[position], position as u8)?;
        }
        Ok(map.sync()?)
    })?;
    add("insert in ascending order and sync, a key", loaded().count(), cost);
    folder.forget(MAP)?;
    let (mut map, cost) = timed(|| open_map(&path))?;
    add("open a cold file, a key", map.len(), cost);
    let ((), cost) = timed(|| {
        for key in inserted {
            map.insert(*key, !(*key as u8))?;
        }
        Ok(())
    })?;
    add("insert in random order", inserted.len(), cost);
    let ((), cost) = timed(|| Ok(map.sync()?))?;
    add("sync after that, an insert", inserted.len(), cost);
    let (wrong, asked) = count_wrong(&map, folder, inserted)?;
    let (_, cost) = timed(|| Ok(asked.iter().filter(|key| map.get(**key).is_some()).count()))?;
    add("get after inserts", asked.len(), cost);
    let bytes = path.metadata()?.len() as f64 / map.len() as f64;
    figures.add(set, "disk: map, file, with a value of a byte", bytes, "bytes a key");
    figures.add(set, WRONG, wrong as f64, "answers");
    drop(map);
    std::fs::remove_file(path)?;
    Ok(figures)
}

/// How many answers are wrong, and the keys that were asked for.
fn count_wrong(map: &FileMap, folder: &Folder, inserted: &[u64]) -> Outcome<(usize, Vec<u64>)> {
    let questions = folder.questions(PRESENT)?;
    let mut is_new = inserted.to_vec();
    is_new.sort_unstable();
    let wrong = questions.keys.iter().zip(&questions.positions).filter(|(key, position)| {
        let expected = match is_new.binary_search(key) {
            Ok(_) => Some(!(**key as u8)),
            Err(_) => (!is_inserted(**position)).then_some(**position as u8),
        };
        black_box(map.get(**key)) != expected
    });
    Ok((wrong.count(), questions.keys))
}
