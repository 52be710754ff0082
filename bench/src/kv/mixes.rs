//! The mixes of YCSB (Cooper and others, SoCC 2010) on one and two threads, over the same database in YCSB's order:
//! A, B, C, F, and E last, which inserts.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bench::{Bench, expect, in_threads};
use super::engine::Engine;
use super::entries::{entry, key, pairs};
use crate::Outcome;
use crate::measure::timed;
use crate::random::{Random, Zipfian};

/// The shares of a mix, in percent. What is left of 100 are reads.
struct Mix {
    name: &'static str,
    updates: u64,
    /// A read, and a put of the same key.
    changes: u64,
    scans: u64,
    inserts: u64,
}

const MIXES: [Mix; 5] = [
    Mix { name: "A: half reads, half updates", updates: 50, changes: 0, scans: 0, inserts: 0 },
    Mix { name: "B: 5 % updates", updates: 5, changes: 0, scans: 0, inserts: 0 },
    Mix { name: "C: reads", updates: 0, changes: 0, scans: 0, inserts: 0 },
    Mix { name: "F: half reads, half changes", updates: 0, changes: 50, scans: 0, inserts: 0 },
    Mix { name: "E: scans, 5 % inserts", updates: 0, changes: 0, scans: 95, inserts: 5 },
];

/// A scan takes from one entry to so many.
const LONGEST_SCAN: u64 = 100;

/// What all threads of all mixes share.
struct Shared<'a> {
    engine: &'a dyn Engine,
    zipfian: Zipfian,
    /// The number of the next entry to be inserted.
    next: AtomicU64,
    seed: u64,
}

impl Bench {
    /// Each thread draws its own operations; every read is a snapshot or transaction of its own.
    pub(super) fn mixes(&mut self, folder: &Path) -> Outcome {
        let engine = self.loaded(folder)?;
        let entries = self.scale.entries;
        let shared = Shared {
            engine: &*engine,
            zipfian: Zipfian::new(entries, 0.99),
            next: AtomicU64::new(entries),
            seed: self.scale.seed,
        };
        for mix in &MIXES {
            let operations = if mix.scans == 0 { self.scale.gets } else { self.scale.gets / 10 };
            for threads in [1, 2] {
                let ((), cost) = timed(|| shared.run(mix, operations, threads))?;
                let plural = if threads == 1 { "" } else { "s" };
                let case = format!("YCSB {}, {threads} thread{plural}", mix.name);
                self.figures.add(&case, "rate", operations as f64 / 1000.0 / cost.wall, "1000/s");
            }
        }
        let expected = shared.next.into_inner();
        engine.read(&mut |reader| {
            let found = reader.scan(&[], u64::MAX >> 1)?;
            expect("entries after all mixes", found, expected..=expected)
        })?;
        engine.close()
    }
}

impl Shared<'_> {
    fn run(&self, mix: &Mix, operations: u64, threads: u64) -> Outcome {
        let each = in_threads(threads, |thread| {
            let mut random = Random(self.seed ^ (thread + 1) << 32);
            (0..operations / threads).try_for_each(|_| self.step(mix, &mut random))
        });
        each.map(drop)
    }

    fn step(&self, mix: &Mix, random: &mut Random) -> Outcome {
        let number = self.zipfian.draw(random);
        let mut drawn = random.below(100);
        let mut falls_on = |share: u64| {
            let hit = drawn < share;
            if !hit {
                drawn -= share;
            }
            hit
        };
        if falls_on(mix.updates) {
            self.put(number)
        } else if falls_on(mix.changes) {
            self.read(number)?;
            self.put(number)
        } else if falls_on(mix.scans) {
            let limit = random.below(LONGEST_SCAN) + 1;
            self.engine.read(&mut |reader| reader.scan(&key(self.seed, number), limit).map(drop))
        } else if falls_on(mix.inserts) {
            self.put(self.next.fetch_add(1, Ordering::Relaxed))
        } else {
            self.read(number)
        }
    }

    fn put(&self, number: u64) -> Outcome {
        self.engine.put(&pairs(&[entry(self.seed, number)]))
    }

    fn read(&self, number: u64) -> Outcome {
        self.engine.read(&mut |reader| {
            let found = reader.get(&key(self.seed, number))?;
            expect("a key of a mix", u64::from(found), 1..=1)
        })
    }
}
