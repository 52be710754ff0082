//! Resident memory per live byte when sizes change: log-structured memory against a map of boxed slices.
//!
//! The workloads of Rumble, Kejriwal and Ousterhout (FAST 2014), scaled down. Every measurement is a process
//! of its own: what an earlier one left resident would falsify the next.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::process::Command;
use std::str::FromStr;

use stroma_logmem::{Error, Pool, PoolOptions, Store, StoreOptions};

use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples, timed};
use crate::random::Random;

/// Of x86-64 and of most others.
const PAGE_BYTES: u64 = 4096;
const PEER: &str = "HashMap of boxed slices, system allocator";

/// Sizes before, percent deleted, sizes after (none: the workload ends after the first phase).
type Workload = (&'static str, RangeInclusive<u64>, u64, Option<RangeInclusive<u64>>);

const WORKLOADS: [Workload; 8] = [
    ("W1", 100..=100, 0, None),
    ("W2", 100..=100, 0, Some(130..=130)),
    ("W3", 100..=100, 90, Some(130..=130)),
    ("W4", 100..=150, 0, Some(200..=250)),
    ("W5", 100..=150, 90, Some(200..=250)),
    ("W6", 100..=200, 50, Some(1000..=2000)),
    ("W7", 1000..=2000, 90, Some(1500..=2500)),
    ("W8", 50..=150, 90, Some(5000..=15000)),
];

/// One measurement: what a process of its own is told.
pub(crate) struct Fragment {
    workload: usize,
    target_bytes: u64,
    seed: u64,
    /// The budget of our store in percent of the live bytes; none for the peer.
    budget_percent: Option<u64>,
}

impl FromStr for Fragment {
    type Err = String;

    fn from_str(text: &str) -> Result<Fragment, String> {
        let numbers: Vec<u64> = text.split(',').map_while(|number| number.parse().ok()).collect();
        let [workload, target_bytes, seed, budget] = numbers[..] else {
            return Err("a fragment is four numbers".to_owned());
        };
        let budget_percent = (budget > 0).then_some(budget);
        let workload = workload as usize % WORKLOADS.len();
        Ok(Fragment { workload, target_bytes, seed, budget_percent })
    }
}

/// Measures each workload. Ours runs under budgets of 105 %, 110 %, ... of the live bytes until one suffices.
pub(super) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("logmem");
    let target_bytes = settings.size(64 << 20, 8 << 20);
    let mut budgets = [105; WORKLOADS.len()];
    for run in 0..settings.runs as u64 {
        for (workload, (name, ..)) in WORKLOADS.iter().enumerate() {
            let seed = settings.seed + run;
            let fragment = |budget_percent| Fragment { workload, target_bytes, seed, budget_percent };
            let (resident, rate) = in_a_process(&fragment(None))?.ok_or("the system's memory ran out")?;
            samples.add(name, PEER, "resident over live", resident, "bytes a byte");
            samples.add(name, PEER, "puts", rate, "1000/cpu s");
            let (resident, rate) = loop {
                match in_a_process(&fragment(Some(budgets[workload])))? {
                    Some(measured) => break measured,
                    None if budgets[workload] > 300 => return Err(format!("{name} never fits").into()),
                    None => budgets[workload] += 5,
                }
            };
            samples.add(name, OURS, "resident over live", resident, "bytes a byte");
            samples.add(name, OURS, "puts", rate, "1000/cpu s");
            samples.add(name, OURS, "budget over live", budgets[workload] as f64 / 100.0, "bytes a byte");
        }
    }
    Ok(samples)
}

/// Runs one measurement; nothing if the budget did not suffice.
fn in_a_process(fragment: &Fragment) -> Outcome<Option<(f64, f64)>> {
    let Fragment { workload, target_bytes, seed, budget_percent } = fragment;
    let told = format!("{workload},{target_bytes},{seed},{}", budget_percent.unwrap_or(0));
    let output = Command::new(std::env::current_exe()?).args(["--fragment", &told]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let Some((resident, rate)) = text.trim().split_once(' ') else { return Ok(None) };
    Ok(Some((resident.parse()?, rate.parse()?)))
}

/// What is measured: a map that owns its memory.
enum Subject {
    Ours(Store),
    Peer(HashMap<u64, Box<[u8]>>),
}

impl Subject {
    fn put(&mut self, key: u64, value: &[u8]) -> Result<(), Error> {
        match self {
            Subject::Ours(store) => store.put(&key.to_le_bytes(), value).map(drop),
            Subject::Peer(map) => {
                map.insert(key, value.into());
                Ok(())
            }
        }
    }

    fn remove(&mut self, key: u64) -> bool {
        match self {
            Subject::Ours(store) => store.remove(&key.to_le_bytes()).is_some(),
            Subject::Peer(map) => map.remove(&key).is_some(),
        }
    }
}

/// What the workload knows of the live objects: key and size.
struct Live {
    subject: Subject,
    objects: Vec<(u64, u32)>,
    bytes: u64,
    puts: u64,
    random: Random,
}

impl Live {
    fn remove_one(&mut self) -> Outcome {
        let victim = self.random.below(self.objects.len() as u64) as usize;
        let (key, size) = self.objects.swap_remove(victim);
        self.bytes -= u64::from(size);
        if self.subject.remove(key) { Ok(()) } else { Err(format!("key {key} was lost").into()) }
    }

    /// Puts five times `target` bytes, deleting at random so that at most `target` are live.
    fn churn(&mut self, target: u64, sizes: &RangeInclusive<u64>) -> Outcome {
        let value = vec![0x5a; *sizes.end() as usize];
        let mut put = 0;
        while put < 5 * target {
            let size = sizes.start() + self.random.below(sizes.end() - sizes.start() + 1);
            while self.bytes + size > target {
                self.remove_one()?;
            }
            // A key has 8 bytes of the size.
            self.subject.put(self.puts, &value[..size as usize - 8])?;
            self.objects.push((self.puts, size as u32));
            self.bytes += size;
            self.puts += 1;
            put += size;
        }
        Ok(())
    }

    fn work(&mut self, target: u64, workload: &Workload) -> Outcome {
        let (_, before, deleted, after) = workload;
        self.churn(target, before)?;
        let Some(after) = after else { return Ok(()) };
        let keep = self.objects.len() as u64 * (100 - deleted) / 100;
        while self.objects.len() as u64 > keep {
            self.remove_one()?;
        }
        self.churn(target, after)
    }
}

/// Resident memory of the process, but for pages of files such as the program's own.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Vec<u64> = statm.split(' ').map_while(|pages| pages.parse().ok()).collect();
    let [_, resident, shared, ..] = pages[..] else { return 0 };
    resident.saturating_sub(shared) * PAGE_BYTES
}

/// Prints resident over live bytes and thousand puts a second of processor time; nothing if the budget did not suffice.
pub(crate) fn run_fragment(fragment: &Fragment) -> Outcome {
    let workload = &WORKLOADS[fragment.workload];
    // The workload's own list is written once beforehand, so that it is not counted as the map's memory;
    // the compiler must not see that nobody reads it.
    let mut objects = vec![(1, 1); (fragment.target_bytes / workload.1.start()) as usize + 1];
    std::hint::black_box(&mut objects).clear();
    let before = resident_bytes();
    let subject = match fragment.budget_percent {
        None => Subject::Peer(HashMap::new()),
        Some(percent) => {
            // A gigabyte in segments of 2 MiB, to scale, but far larger than the largest object.
            let segment_bytes = (fragment.target_bytes / 512).next_power_of_two().max(64 << 10) as usize;
            let capacity_bytes = (fragment.target_bytes * percent / 100) as usize;
            let pool = Pool::new(PoolOptions { capacity_bytes, segment_bytes })?;
            Subject::Ours(Store::new(StoreOptions::new(pool, fragment.seed))?)
        }
    };
    let mut live = Live { subject, objects, bytes: 0, puts: 0, random: Random(fragment.seed) };
    let worked = timed(|| live.work(fragment.target_bytes, workload));
    let cost = match worked {
        Ok(((), cost)) => cost,
        Err(error) if matches!(error.downcast_ref(), Some(Error::OutOfMemory { .. })) => return Ok(()),
        Err(error) => return Err(error),
    };
    let resident = resident_bytes().saturating_sub(before) as f64 / live.bytes as f64;
    println!("{resident} {}", live.puts as f64 / 1000.0 / cost.thread);
    Ok(())
}
