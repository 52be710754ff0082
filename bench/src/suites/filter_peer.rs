//! 46-bit keys in a filter of 93 % load, larger than the caches and small enough for them: ours, the crate
//! `qfilter` and the maps of the standard library, turn by turn.
//!
//! All do the same work: each key, wholly, is kept once, and its count is asked for. Both filters store 24 bits
//! of a key in a slot at 2^22 slots (at 2^14: 32), so that they are exact and take the same bits an item.
//!
//! What comes first after a large map was dropped lies on pages scattered over the memory of the machine, and is half
//! as fast for it. So the filters are measured before the maps, and take turns at who is first.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;

use stroma_quotient::{Builder, CountingFilter, InvertibleHash, Shape};

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples, timed};

const KEY_BITS: u32 = 46;
const LOAD: f64 = 0.93;
const LOOKUPS: usize = 1 << 20;

/// What is put in and looked up.
struct Work {
    shape: Shape,
    /// As every case of this size is called.
    size: String,
    keys: Vec<u64>,
    sorted: Vec<u64>,
    /// The keys in two halves, to be merged.
    halves: [Vec<u64>; 2],
    present: Vec<u64>,
    absent: Vec<u64>,
    /// How often a small set is filled, so that enough is timed.
    repeats: u64,
}

/// A set of keys with counts.
trait Counts: Clone {
    const NAME: &'static str;

    fn empty(work: &Work) -> Outcome<Self>;
    fn insert(&mut self, key: u64) -> Outcome<()>;
    fn count(&self, key: u64) -> u64;
    /// Takes out a key that is there once.
    fn take_out(&mut self, key: u64) -> Outcome<()>;
    /// All keys, each combined with its count.
    fn walk(&self) -> u64;
    fn from_sorted(work: &Work) -> Outcome<Self>;
    fn merge(self, other: Self) -> Outcome<Self>;
    /// `None` where that is not to be had.
    fn bytes(&self) -> Option<f64>;
    /// What only this one can do.
    fn more(&self, _work: &Work, _samples: &mut Samples) -> Outcome<()> {
        Ok(())
    }
}

/// Measures the filters in turn, then the maps.
pub(super) fn run(settings: &Settings, samples: &mut Samples) -> Outcome<()> {
    for slot_bits in [settings.size(22, 17), 14] {
        let work = work(settings, slot_bits)?;
        let filters = [measure::<CountingFilter>, measure::<qfilter::Filter>];
        let maps = [measure::<HashMap<u64, u64>>, measure::<BTreeMap<u64, u64>>];
        let mut walked = Vec::new();
        for subjects in [filters, maps] {
            for run in 0..settings.runs {
                for turn in [run % 2, (run + 1) % 2] {
                    walked.push(subjects[turn](&work, samples)?);
                }
            }
        }
        if walked.iter().any(|other| *other != walked[0]) {
            return Err("the filters and the maps hold different keys".into());
        }
    }
    Ok(())
}

fn work(settings: &Settings, slot_bits: u64) -> Outcome<Work> {
    let slots = 1_u64 << slot_bits;
    let mixing = InvertibleHash::new(KEY_BITS, settings.seed);
    let keys: Vec<u64> = (0..(slots as f64 * LOAD) as u64).map(|key| mixing.hash(key)).collect();
    let order = InvertibleHash::new(slots.ilog2(), settings.seed);
    let shuffled: Vec<u64> = (0..slots).filter_map(|at| keys.get(order.hash(at) as usize).copied()).collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    let half = |first: usize| keys.iter().copied().skip(first).step_by(2).collect();
    Ok(Work {
        shape: Shape::new(KEY_BITS, slots)?,
        size: format!("2^{slot_bits} slots"),
        sorted,
        halves: [half(0), half(1)],
        present: shuffled.iter().copied().cycle().take(LOOKUPS).collect(),
        absent: (0..LOOKUPS as u64).map(|key| mixing.hash(keys.len() as u64 + key)).collect(),
        repeats: (LOOKUPS as u64 / slots).max(1),
        keys,
    })
}

fn tell(samples: &mut Samples, work: &Work, case: &str, subject: &str, operations: u64, seconds: f64) {
    let case = format!("{}: {case}", work.size);
    samples.add(&case, subject, "time", seconds * 1e9 / operations as f64, "ns");
}

/// Does something several times and adds up what it cost; what was made last.
fn repeated<A, B>(
    work: &Work,
    mut prepare: impl FnMut() -> Outcome<A>,
    mut act: impl FnMut(A) -> Outcome<B>,
) -> Outcome<(B, f64)> {
    let mut seconds = 0.0;
    let mut last = None;
    for _ in 0..work.repeats {
        let prepared = prepare()?;
        let (made, cost) = timed(|| act(prepared))?;
        seconds += cost.thread;
        last = Some(made);
    }
    Ok((last.ok_or("nothing was repeated")?, seconds))
}

fn filled<S: Counts>(mut empty: S, keys: &[u64]) -> Outcome<S> {
    keys.iter().try_for_each(|key| empty.insert(*key))?;
    Ok(empty)
}

fn without<S: Counts>(mut set: S, keys: &[u64]) -> Outcome<S> {
    keys.iter().try_for_each(|key| set.take_out(*key))?;
    Ok(set)
}

/// All cases of one; what it holds, for comparison.
fn measure<S: Counts>(work: &Work, samples: &mut Samples) -> Outcome<u64> {
    let count = work.keys.len() as u64;
    let mut told =
        |case: &str, operations: u64, seconds: f64| tell(samples, work, case, S::NAME, operations, seconds);
    let (set, seconds) = repeated(work, || S::empty(work), |empty| filled(empty, &work.keys))?;
    told("insert", count * work.repeats, seconds);
    for (case, keys) in [("hit", &work.present), ("miss", &work.absent)] {
        let (found, cost) = timed(|| Ok(keys.iter().map(|key| set.count(*key)).sum::<u64>()))?;
        told(case, keys.len() as u64, cost.thread);
        if found != if case == "hit" { keys.len() as u64 } else { 0 } {
            return Err(format!("{}: a {case} was wrong", S::NAME).into());
        }
    }
    let removed = &work.present[..work.present.len().min(work.keys.len())];
    let (emptied, seconds) = repeated(work, || Ok(set.clone()), |set| without(set, removed))?;
    told("remove", removed.len() as u64 * work.repeats, seconds);
    if removed.iter().any(|key| emptied.count(*key) > 0) {
        return Err(format!("{}: a key that was taken out is still there", S::NAME).into());
    }
    drop(emptied);
    let (walked, seconds) = repeated(work, || Ok(()), |()| Ok(black_box(set.walk())))?;
    told("iterate", count * work.repeats, seconds);
    let (built, seconds) = repeated(work, || Ok(()), |()| S::from_sorted(work))?;
    told("build from sorted keys", count * work.repeats, seconds);
    let halves = || {
        let [one, other] = &work.halves;
        Ok((filled(S::empty(work)?, one)?, filled(S::empty(work)?, other)?))
    };
    let (merged, seconds) = repeated(work, halves, |(one, other)| one.merge(other))?;
    told("merge two halves", count * work.repeats, seconds);
    if let Some(bytes) = set.bytes() {
        samples.add(
            &format!("{}: memory", work.size),
            S::NAME,
            "bits an item",
            bytes * 8.0 / count as f64,
            "bits",
        );
    }
    set.more(work, samples)?;
    if (built.walk(), merged.walk()) == (walked, walked) {
        Ok(walked)
    } else {
        Err(format!("{}: what was built or merged holds other keys", S::NAME).into())
    }
}

impl Counts for CountingFilter {
    const NAME: &'static str = OURS;

    fn empty(work: &Work) -> Outcome<Self> {
        Ok(CountingFilter::new(work.shape)?)
    }

    fn insert(&mut self, key: u64) -> Outcome<()> {
        Ok(CountingFilter::insert(self, key)?)
    }

    fn count(&self, key: u64) -> u64 {
        CountingFilter::count(self, key)
    }

    fn take_out(&mut self, key: u64) -> Outcome<()> {
        self.remove(key, 1)?;
        Ok(())
    }

    fn walk(&self) -> u64 {
        self.iter().fold(0, |sum, entry| sum ^ entry.key.wrapping_mul(entry.count))
    }

    fn from_sorted(work: &Work) -> Outcome<Self> {
        let mut builder = Builder::new(work.shape)?;
        work.sorted.iter().try_for_each(|key| builder.push(*key, 1))?;
        Ok(builder.finish()?)
    }

    fn merge(self, other: Self) -> Outcome<Self> {
        Ok(CountingFilter::merge([&self, &other])?)
    }

    fn bytes(&self) -> Option<f64> {
        Some(self.size_bytes() as f64)
    }

    fn more(&self, work: &Work, samples: &mut Samples) -> Outcome<()> {
        for (case, keys) in [("hit, in batches", &work.present), ("miss, in batches", &work.absent)] {
            let mut answers = Vec::with_capacity(keys.len());
            let ((), cost) = timed(|| {
                self.get_all(keys, &mut answers);
                Ok(())
            })?;
            tell(samples, work, case, OURS, keys.len() as u64, cost.thread);
            black_box(answers);
        }
        let batch = |mut empty: CountingFilter| {
            empty.insert_all(&work.keys)?;
            Ok(empty)
        };
        let (batched, seconds) = repeated(work, || Self::empty(work), batch)?;
        tell(samples, work, "insert, in batches", OURS, work.keys.len() as u64 * work.repeats, seconds);
        if batched == *self { Ok(()) } else { Err("a batch made another filter".into()) }
    }
}

impl Counts for qfilter::Filter {
    const NAME: &'static str = "qfilter";

    fn empty(work: &Work) -> Outcome<Self> {
        let filter = qfilter::Filter::with_fingerprint_size(work.keys.len() as u64, KEY_BITS as u8);
        Ok(filter.map_err(refused)?)
    }

    fn insert(&mut self, key: u64) -> Outcome<()> {
        self.insert_fingerprint(true, key).map_err(refused)?;
        Ok(())
    }

    fn count(&self, key: u64) -> u64 {
        self.count_fingerprint(key)
    }

    fn take_out(&mut self, key: u64) -> Outcome<()> {
        self.remove_fingerprint(key);
        Ok(())
    }

    fn walk(&self) -> u64 {
        self.fingerprints().fold(0, |sum, key| sum ^ key)
    }

    fn from_sorted(work: &Work) -> Outcome<Self> {
        let mut builder = qfilter::Builder::new(Self::empty(work)?);
        for key in &work.sorted {
            builder.insert_fingerprint(true, *key).map_err(refused)?;
        }
        Ok(builder.into_filter())
    }

    fn merge(mut self, other: Self) -> Outcome<Self> {
        qfilter::Filter::merge(&mut self, true, &other).map_err(refused)?;
        Ok(self)
    }

    fn bytes(&self) -> Option<f64> {
        Some(self.memory_usage() as f64)
    }
}

fn refused(error: qfilter::Error) -> String {
    format!("qfilter: {error:?}")
}

impl Counts for HashMap<u64, u64> {
    const NAME: &'static str = "HashMap";

    fn empty(work: &Work) -> Outcome<Self> {
        Ok(HashMap::with_capacity(work.keys.len()))
    }

    fn insert(&mut self, key: u64) -> Outcome<()> {
        *self.entry(key).or_insert(0) += 1;
        Ok(())
    }

    fn count(&self, key: u64) -> u64 {
        self.get(&key).copied().unwrap_or(0)
    }

    fn take_out(&mut self, key: u64) -> Outcome<()> {
        self.remove(&key);
        Ok(())
    }

    fn walk(&self) -> u64 {
        self.iter().fold(0, |sum, (key, count)| sum ^ key.wrapping_mul(*count))
    }

    fn from_sorted(work: &Work) -> Outcome<Self> {
        Ok(work.sorted.iter().map(|key| (*key, 1)).collect())
    }

    fn merge(mut self, other: Self) -> Outcome<Self> {
        for (key, count) in other {
            *self.entry(key).or_insert(0) += count;
        }
        Ok(self)
    }

    fn bytes(&self) -> Option<f64> {
        // Seven of eight slots are usable, and each is key, value and a control byte.
        Some(self.capacity() as f64 * 8.0 / 7.0 * 17.0)
    }
}

impl Counts for BTreeMap<u64, u64> {
    const NAME: &'static str = "BTreeMap";

    fn empty(_: &Work) -> Outcome<Self> {
        Ok(BTreeMap::new())
    }

    fn insert(&mut self, key: u64) -> Outcome<()> {
        *self.entry(key).or_insert(0) += 1;
        Ok(())
    }

    fn count(&self, key: u64) -> u64 {
        self.get(&key).copied().unwrap_or(0)
    }

    fn take_out(&mut self, key: u64) -> Outcome<()> {
        self.remove(&key);
        Ok(())
    }

    fn walk(&self) -> u64 {
        self.iter().fold(0, |sum, (key, count)| sum ^ key.wrapping_mul(*count))
    }

    fn from_sorted(work: &Work) -> Outcome<Self> {
        Ok(work.sorted.iter().map(|key| (*key, 1)).collect())
    }

    fn merge(mut self, mut other: Self) -> Outcome<Self> {
        self.append(&mut other);
        Ok(self)
    }

    fn bytes(&self) -> Option<f64> {
        None
    }
}
