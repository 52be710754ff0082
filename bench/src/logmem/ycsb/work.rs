//! The work: a million records, then reads and updates by one and by two threads.

use super::maps::{Map, Product};
use crate::Outcome;
use crate::arguments::Settings;
use crate::logmem::suite::in_a_process;
use crate::measure::{Samples, timed};
use crate::process::Figures;
use crate::random::{Random, Zipfian};
use stroma_bench_allocators::Resident;

pub(in crate::logmem) const PART: &str = "ycsb";
const VALUE_BYTES: usize = 100;
/// Name and percent of updates.
const MIXES: [(&str, u64); 3] = [("A", 50), ("B", 5), ("C", 0)];
const THREADS: [usize; 2] = [1, 2];
/// Marks an operation as an update.
const UPDATE: u32 = 1 << 31;

/// Measures each map in a process of its own.
pub(in crate::logmem) fn run(settings: &Settings, seed: u64, samples: &mut Samples) -> Outcome {
    let records = settings.size(1_000_000, 50_000).to_string();
    let operations = settings.size(2_000_000, 50_000).to_string();
    for product in Product::ALL {
        let arguments = [PART, product.word(), &records, &operations, &seed.to_string()];
        in_a_process(&arguments)?.file(&product.subject(), samples);
    }
    Ok(())
}

/// How a trace draws its keys.
enum Keys {
    Zipfian(Zipfian),
    Uniform(u64),
}

impl Keys {
    fn draw(&self, random: &mut Random) -> u64 {
        match self {
            Keys::Zipfian(zipfian) => zipfian.draw(random),
            Keys::Uniform(records) => random.below(*records),
        }
    }

    /// The operations of one thread, drawn beforehand: drawing costs as much as some of them.
    fn trace(&self, operations: u64, update_percent: u64, random: &mut Random) -> Vec<u32> {
        let draw = |_| {
            let update = if random.below(100) < update_percent { UPDATE } else { 0 };
            self.draw(random) as u32 | update
        };
        (0..operations).map(draw).collect()
    }
}

/// Measures one map: its name, records, operations of a thread, seed.
pub(in crate::logmem) fn measure(arguments: &[&str]) -> Outcome<Figures> {
    let [word, records, operations, seed] = arguments else {
        return Err("needed: map, records, operations, seed".into());
    };
    let (records, operations, seed) = (records.parse::<u64>()?, operations.parse::<u64>()?, seed.parse()?);
    let memory = Resident::begin();
    // Half as much again as the bytes of keys and values: an ordinary load, of two thirds or so.
    let budget_bytes = (records * (8 + VALUE_BYTES as u64) * 3 / 2).max(8 << 20);
    let map = Product::make(word, budget_bytes, seed)?;
    let mut figures = Figures::default();
    let value = [0x5a; VALUE_BYTES];
    let ((), cost) = timed(|| {
        let all_fit = (0..records).all(|key| map.put(key, &value));
        if all_fit { Ok(()) } else { Err("the records did not fit".into()) }
    })?;
    figures.add_rate("load, 1 thread", "YCSB", records, cost);
    let overhead = memory.gained_bytes() as f64 / records as f64 - (8 + VALUE_BYTES) as f64;
    figures.add("after the load", "overhead of a record of 108 bytes", overhead, "bytes an object");
    let all_keys =
        [("zipfian", Keys::Zipfian(Zipfian::new(records, 0.99))), ("uniform", Keys::Uniform(records))];
    for (distribution, keys) in &all_keys {
        for (mix, update_percent) in MIXES {
            for threads in THREADS {
                let case =
                    format!("{mix} {distribution}, {threads} thread{}", if threads > 1 { "s" } else { "" });
                let traces: Vec<Vec<u32>> = (0..threads as u64)
                    .map(|thread| keys.trace(operations, update_percent, &mut Random(seed + (thread << 32))))
                    .collect();
                let ((), cost) = timed(|| replay(&*map, &traces))?;
                figures.add_rate(&case, "YCSB", operations * threads as u64, cost);
            }
        }
    }
    Ok(figures)
}

/// Does each trace in a thread of its own.
fn replay(map: &dyn Map, traces: &[Vec<u32>]) -> Outcome {
    let value = [0xa5; VALUE_BYTES];
    let replay_one = |trace: &[u32]| {
        trace.iter().all(|operation| {
            let key = u64::from(operation & !UPDATE);
            if operation & UPDATE == 0 { map.read(key) } else { map.put(key, &value) }
        })
    };
    let all_done = std::thread::scope(|scope| {
        let threads: Vec<_> = traces.iter().map(|trace| scope.spawn(move || replay_one(trace))).collect();
        threads.into_iter().all(|thread| thread.join().unwrap_or(false))
    });
    if all_done { Ok(()) } else { Err("a record was lost, or an update did not fit".into()) }
}
