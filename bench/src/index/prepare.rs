//! Makes the files of a set of keys, in a process of its own, and tells how hard the keys are.

use stroma_hybrid::{Layer as _, LinearLayer};

use super::data::DataSet;
use super::files::{ABSENT, EXTREME, Folder, INSERTED, KEYS, PRESENT, answers};
use crate::Outcome;
use crate::measure::timed;
use crate::process::Figures;
use crate::random::{Random, mix};

/// Errors at which pieces are counted.
const EPSILONS: [usize; 2] = [32, 4096];
/// How far from a random key a gap is sought.
const FARTHEST_GAP: usize = 4096;
/// The most keys that are inserted.
const MOST_INSERTED: usize = 10_000_000;
/// One key of so many is inserted, the others are loaded.
const INSERTED_SHARE: u64 = 10;

/// Whether the key at a position is among those to be inserted into a map of the others.
pub(super) fn is_inserted(position: u64) -> bool {
    mix(position).is_multiple_of(INSERTED_SHARE)
}

/// Makes the files: set, folder, number of keys, number of questions, seed.
pub(super) fn measure(arguments: &[&str]) -> Outcome<Figures> {
    let [set, folder, count, questions, seed] = arguments else {
        return Err("needed: set, folder, keys, questions, seed".into());
    };
    let (set, folder) = (DataSet::find(set)?, Folder::new(*folder));
    let (count, questions, seed): (u64, usize, u64) = (count.parse()?, questions.parse()?, seed.parse()?);
    let (count, cost) = timed(|| set.write(count, seed, &folder.file(KEYS)))?;
    let mapped = folder.keys()?;
    let keys = mapped.slice()?;
    let mut figures = Figures::default();
    figures.add(set.name, "set, keys", count as f64, "keys");
    figures.add(set.name, "set, time to draw a key", cost.process * 1e9 / count as f64, "ns");
    for epsilon in EPSILONS {
        let pieces = LinearLayer::<u64>::build(keys, epsilon)?.entry_count();
        let metric = format!("hardness, pieces at ε = {epsilon}");
        figures.add(set.name, &metric, pieces as f64 * 1000.0 / count as f64, "per 1,000 keys");
    }
    ask(keys, questions, seed, &folder)?;
    Ok(figures)
}

/// Writes the questions with their answers, and the keys to be inserted.
fn ask(keys: &[u64], count: usize, seed: u64, folder: &Folder) -> Outcome {
    let mut random = Random(mix(seed));
    let any = |random: &mut Random| random.below(keys.len() as u64) as usize;
    let present: Vec<u64> = (0..count).map(|_| keys[any(&mut random)]).collect();
    let absent: Vec<u64> = (0..count).map(|_| absent_key(keys, &mut random)).collect();
    let (Some(&first), Some(&last)) = (keys.first(), keys.last()) else { return Err("no keys".into()) };
    let mut extreme = vec![0, 1, u64::MAX, u64::MAX - 1];
    for near in [first, last] {
        extreme.extend([near.saturating_sub(1), near, near.saturating_add(1)]);
    }
    for (name, questions) in [(PRESENT, present), (ABSENT, absent), (EXTREME, extreme)] {
        let positions: Vec<u64> =
            questions.iter().map(|asked| keys.partition_point(|key| key < asked) as u64).collect();
        folder.write(name, &questions)?;
        folder.write(&answers(name), &positions)?;
    }
    let inserted = (0..keys.len()).filter(|position| is_inserted(*position as u64));
    let mut inserted: Vec<u64> = inserted.map(|position| keys[position]).collect();
    for at in (1..inserted.len()).rev() {
        inserted.swap(at, random.below(at as u64 + 1) as usize);
    }
    inserted.truncate(MOST_INSERTED);
    folder.write(INSERTED, &inserted)
}

/// A key that is not in the set: within the first gap from a random key on, or beyond the last key.
fn absent_key(keys: &[u64], random: &mut Random) -> u64 {
    let at = random.below(keys.len() as u64) as usize;
    let near = &keys[at..keys.len().min(at + FARTHEST_GAP)];
    let gap = near.windows(2).map(|pair| (pair[0], pair[1] - pair[0])).find(|(_, width)| *width > 1);
    match (gap, keys.last()) {
        (Some((key, width)), _) => key + 1 + random.below(width - 1),
        (None, Some(last)) => last.saturating_add(1),
        (None, None) => u64::MAX,
    }
}
