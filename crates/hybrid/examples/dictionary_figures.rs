//! Measures mapped dictionaries: building, opening, looking keys up with and without checks, warm and cold.
//!
//! `cargo run --release -p stroma-hybrid --example dictionary_figures -- [keys] [folder]`
//!
//! Cold figures need GNU `dd`, which asks the system to forget the pages of the file.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark that owns its files")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use stroma_hybrid::mapped::{
    Dictionary, DictionaryBuilder, OpenOptions, StringDictionary, StringDictionaryBuilder,
};
use stroma_hybrid::{CostModelPolicy, Index};

#[path = "../../lsm/tests/shared/random.rs"]
mod random;

/// Rounds of each measurement, of which the fastest counts.
const ROUNDS: usize = 5;
const WARM_PROBES: u64 = 1_000_000;
const COLD_PROBES: u64 = 2_000;

type Squares = Dictionary<u64, u64>;

/// Nanoseconds each of `times` took, by the clock.
fn nanoseconds(times: u64, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / times as f64
}

/// The same in processor time, where the system tells it: others on the machine disturb it less.
fn processor_nanoseconds(times: u64, run: impl FnOnce()) -> f64 {
    let used = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    let before = used();
    let elapsed = nanoseconds(times, run);
    match (before, used()) {
        (Some(before), Some(after)) => (after - before) as f64 / times as f64,
        _ => elapsed,
    }
}

/// # Safety
/// As [`Dictionary::open`].
unsafe fn open(path: &Path, check_pages: bool) -> Squares {
    // SAFETY: the caller's promise is the one asked for.
    unsafe { (OpenOptions { check_pages, ..OpenOptions::default() }).open(path) }.expect("just written")
}

/// Present keys drawn at random.
fn probes(keys: &[u64], count: u64) -> Vec<u64> {
    let mut random = random::Random(count);
    (0..count).map(|_| keys[random.below(keys.len() as u64) as usize]).collect()
}

fn forget_pages(path: &Path) -> bool {
    let mut source = std::ffi::OsString::from("if=");
    source.push(path);
    let outcome = Command::new("dd").arg(source).args(["iflag=nocache", "count=0", "status=none"]).status();
    outcome.is_ok_and(|status| status.success())
}

fn look_up(dictionary: &Squares, probes: &[u64]) {
    let values = probes.iter().map(|probe| dictionary.get(*probe).expect("undamaged").unwrap_or_default());
    black_box(values.fold(0u64, u64::wrapping_add));
}

fn look_up_batches(dictionary: &Squares, probes: &[u64]) {
    let (mut values, mut sum) = ([None; 32], 0u64);
    for group in probes.chunks(32) {
        dictionary.get_batch(group, &mut values[..group.len()]).expect("undamaged");
        sum = values.iter().flatten().fold(sum, |sum, value| sum.wrapping_add(*value));
    }
    black_box(sum);
}

/// Lookups in memory, which is what a mapped file is to be compared with.
fn warm(path: &Path, keys: &[u64]) -> Result<(), Box<dyn Error>> {
    let values: Vec<u64> = (0..keys.len() as u64).collect();
    let index = Index::build(keys, &CostModelPolicy::default())?;
    let probes = probes(keys, WARM_PROBES);
    let mut best = [f64::MAX; 7];
    // SAFETY: nobody changes the file that was just written.
    let (checked, trusting) = unsafe { (open(path, true), open(path, false)) };
    let read = OpenOptions { check_pages: false, ..OpenOptions::default() }.read(path)?;
    for _ in 0..ROUNDS {
        // SAFETY: as above.
        let first_touch = unsafe { open(path, true) };
        let in_memory = processor_nanoseconds(WARM_PROBES, || {
            let found = probes.iter().map(|probe| index.get(keys, *probe).map_or(0, |at| values[at]));
            black_box(found.fold(0u64, u64::wrapping_add));
        });
        let round = [
            in_memory,
            processor_nanoseconds(WARM_PROBES, || look_up(&read, &probes)),
            processor_nanoseconds(WARM_PROBES, || look_up(&trusting, &probes)),
            processor_nanoseconds(WARM_PROBES, || look_up(&checked, &probes)),
            processor_nanoseconds(WARM_PROBES, || look_up(&first_touch, &probes)),
            processor_nanoseconds(WARM_PROBES, || look_up_batches(&trusting, &probes)),
            processor_nanoseconds(WARM_PROBES, || look_up_batches(&checked, &probes)),
        ];
        best = std::array::from_fn(|at| best[at].min(round[at]));
    }
    let [memory, read, trusting, checked, first, batch, checked_batch] = best;
    println!(
        "  get, warm, ns of processor time: vectors and index {memory:.0}, file read into memory {read:.0}; \
         mapped unchecked {trusting:.0}, checked {checked:.0}, checked from opening on {first:.0}; \
         in batches of 32 unchecked {batch:.0}, checked {checked_batch:.0}"
    );
    Ok(())
}

fn cold(path: &Path, keys: &[u64]) {
    let probes = probes(keys, COLD_PROBES);
    let plain = OpenOptions::default();
    let ways = [
        ("as it comes", plain.clone()),
        ("unchecked", OpenOptions { check_pages: false, ..plain.clone() }),
        ("pages read alone", OpenOptions { random_access: true, ..plain }),
    ];
    let mut best = [f64::MAX; 3];
    for _ in 0..ROUNDS {
        for (best, (_, options)) in best.iter_mut().zip(&ways) {
            // Only pages that nobody has mapped are forgotten.
            if !forget_pages(path) {
                return println!("  get, cold: not measured, there is no `dd` that forgets pages");
            }
            // SAFETY: nobody changes the file that was just written.
            let dictionary = unsafe { options.open(path) }.expect("just written");
            *best = best.min(nanoseconds(COLD_PROBES, || look_up(&dictionary, &probes)));
        }
    }
    let figures = ways.iter().zip(best).map(|((name, _), best)| format!("{name} {:.1}", best / 1e3));
    println!("  get, cold, µs by the clock: {}", figures.collect::<Vec<_>>().join(", "));
}

fn open_and_walk(path: &Path, keys: &[u64]) {
    let opened = |check_pages| {
        let times = (0..51).map(|_| {
            // SAFETY: nobody changes the file that was just written.
            nanoseconds(1000, || drop(black_box(unsafe { open(path, check_pages) })))
        });
        times.fold(f64::MAX, f64::min)
    };
    println!("  open and close, µs: unchecked {:.1}, checked {:.1}", opened(false), opened(true));
    let count = keys.len() as u64;
    for check_pages in [false, true] {
        // SAFETY: as above.
        let dictionary = unsafe { open(path, check_pages) };
        let walk = || {
            let found = dictionary.iter().map(|entry| entry.expect("undamaged").1);
            black_box(found.fold(0u64, u64::wrapping_add));
        };
        let best = (0..ROUNDS).map(|_| processor_nanoseconds(count, walk)).fold(f64::MAX, f64::min);
        let verify = processor_nanoseconds(count, || dictionary.verify().expect("undamaged"));
        println!(
            "  {}: walk {best:.2} ns an entry, verify {verify:.2}",
            if check_pages { "checked" } else { "unchecked" }
        );
    }
}

fn measure(name: &str, keys: &[u64], path: &Path) -> Result<(), Box<dyn Error>> {
    let count = keys.len() as u64;
    let mut builder = DictionaryBuilder::<u64, u64>::create(path)?;
    let mut outcome = Ok(());
    let indexing = processor_nanoseconds(count, || {
        black_box(Index::build(keys, &CostModelPolicy::default()).is_ok());
    });
    let pushing = processor_nanoseconds(count, || {
        outcome = keys.iter().zip(0..).try_for_each(|(key, value)| builder.push(*key, value));
    });
    outcome?;
    let mut finished = Ok(0);
    let finishing = nanoseconds(count, || finished = builder.finish());
    let bytes = finished? as f64;
    // SAFETY: nobody changes the file that was just written.
    let dictionary = unsafe { open(path, true) };
    println!(
        "{name}, {count} keys: pushed in {pushing:.1} ns a key (its index alone {indexing:.1}), ended and synced in \
         {finishing:.1} by the clock; {:.3} bytes a key, of which index {:.4}; {}",
        bytes / count as f64,
        dictionary.index_bytes() as f64 / count as f64,
        dictionary.kind()
    );
    drop(dictionary);
    warm(path, keys)?;
    open_and_walk(path, keys);
    cold(path, keys);
    std::fs::remove_file(path)?;
    Ok(())
}

/// Paths of files that share a prefix, look-ups beside those in a `BTreeMap`.
fn measure_strings(count: u64, path: &Path) -> Result<(), Box<dyn Error>> {
    let name = |n: u64| {
        let mixed = random::mix(n);
        format!("/srv/archive/{:03x}/{:04x}/{:x}.fasta", mixed % 4096, mixed >> 12 & 0xffff, mixed >> 28)
    };
    let map: BTreeMap<Vec<u8>, u64> = (0..count).map(|n| (name(n).into_bytes(), n)).collect();
    let mut builder = StringDictionaryBuilder::<u64>::create(path)?;
    let mut outcome = Ok(0);
    let building = processor_nanoseconds(count, || {
        outcome =
            map.iter().try_for_each(|(key, value)| builder.push(key, *value)).and_then(|()| builder.finish());
    });
    let bytes = outcome? as f64 / count as f64;
    let own = map.keys().map(Vec::len).sum::<usize>() as f64 / count as f64;
    let mut random = random::Random(7);
    let probes: Vec<Vec<u8>> = (0..WARM_PROBES / 4).map(|_| name(random.below(count)).into_bytes()).collect();
    // SAFETY: nobody changes the file that was just written.
    let dictionary = unsafe { StringDictionary::<u64>::open(path) }?;
    let mut best = [f64::MAX; 2];
    for _ in 0..ROUNDS {
        let in_map = processor_nanoseconds(probes.len() as u64, || {
            black_box(probes.iter().fold(0u64, |sum, probe| sum.wrapping_add(map[probe])));
        });
        let mapped = processor_nanoseconds(probes.len() as u64, || {
            let found =
                probes.iter().map(|probe| dictionary.get(probe).expect("undamaged").unwrap_or_default());
            black_box(found.fold(0u64, u64::wrapping_add));
        });
        best = [best[0].min(in_map), best[1].min(mapped)];
    }
    println!(
        "paths, {count} keys of {own:.1} bytes: built in {building:.1} ns a key; {bytes:.1} bytes a key, value and \
         all, of which index {:.4}; {}\n  get, warm, ns of processor time: BTreeMap {:.0}, mapped, checked {:.0}",
        dictionary.index_bytes() as f64 / count as f64,
        dictionary.kind(),
        best[0],
        best[1]
    );
    std::fs::remove_file(path)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let folder = match arguments.next() {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let path = folder.path().join("dictionary");
    let mut uniform: Vec<u64> = (0..count).map(random::mix).collect();
    uniform.sort_unstable();
    measure("uniform", &uniform, &path)?;
    let mut gaps = random::Random(1);
    let times: Vec<u64> = (0..count).map(|n| 1_700_000_000_000 + n * 40 + gaps.below(40)).collect();
    measure("timestamps", &times, &path)?;
    let rough = (0..count).map(|_| gaps.next() >> gaps.below(60)).collect::<BTreeSet<_>>();
    measure("rough", &rough.into_iter().collect::<Vec<_>>(), &path)?;
    measure_strings(count / 5, &path)?;
    Ok(())
}

#[test]
fn runs() {
    let folder = tempfile::tempdir().unwrap();
    let keys: Vec<u64> = (0..20_000).map(|n| n * 7).collect();
    let path = folder.path().join("dictionary");
    measure("few", &keys, &path).unwrap();
    measure_strings(5_000, &path).unwrap();
}
