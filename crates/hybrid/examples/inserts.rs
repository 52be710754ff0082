//! Times inserts into the updatable map, and lookups among them, against `BTreeMap`.
//!
//! `cargo run --release -p stroma-hybrid --example inserts -- [entries] [rounds] [order] [all]`
//!
//! With a word, only the orders whose names begin with it; with `all`, the fixed policies as well.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark prints times")]

use std::collections::BTreeMap;
use std::hint::black_box;

use stroma_hybrid::map::{AlwaysLearned, AlwaysPlain, Config, HybridMap, MapCostPolicy, Standard};

#[path = "../tests/shared/key_sets.rs"]
mod key_sets;
use key_sets::next;

/// Keys that crowd in clusters, the r-th largest of which takes a share of 1/r; ascending within each.
fn zipf_clusters(n: u64, state: &mut u64) -> Vec<u64> {
    const CLUSTERS: f64 = 10_000.0;
    let mut at = vec![0u64; CLUSTERS as usize + 1];
    (0..n)
        .map(|_| {
            let uniform = (next(state) >> 11) as f64 / (1u64 << 53) as f64;
            let cluster = CLUSTERS.powf(uniform) as usize;
            at[cluster] += 1 + next(state) % 16;
            ((cluster as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xffff_ffff) + at[cluster]
        })
        .collect()
}

/// Keys whose neighbours lie at distances of all magnitudes: no line fits any leaf.
fn rough(n: u64, state: &mut u64) -> Vec<u64> {
    let key =
        |state: &mut u64| ((next(state) % (n / 100)) << 44) + (1 << (next(state) % 44)) + next(state) % 8;
    (0..n).map(|_| key(state)).collect()
}

trait Map: Sized {
    fn empty() -> Self;
    fn put(&mut self, key: u64, value: u64);
    fn find(&self, key: u64) -> u64;
    fn sum(&self) -> u64;
    fn bytes(&self) -> Option<usize>;
}

impl Map for BTreeMap<u64, u64> {
    fn empty() -> Self {
        Self::new()
    }
    fn put(&mut self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn find(&self, key: u64) -> u64 {
        self.get(&key).copied().unwrap_or(0)
    }
    fn sum(&self) -> u64 {
        self.iter().fold(0, |sum, (_, value)| sum.wrapping_add(*value))
    }
    fn bytes(&self) -> Option<usize> {
        None
    }
}

impl<C: Config<Key = u64, Value = u64>> Map for HybridMap<C> {
    fn empty() -> Self {
        Self::new()
    }
    fn put(&mut self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn find(&self, key: u64) -> u64 {
        self.get(key).unwrap_or(0)
    }
    fn sum(&self) -> u64 {
        self.iter().fold(0, |sum, (_, value)| sum.wrapping_add(value))
    }
    fn bytes(&self) -> Option<usize> {
        Some(self.memory_bytes())
    }
}

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// Nanoseconds this thread has run, to within a tick of the scheduler; others' work does not count.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or(0.0)
}

fn nanoseconds(count: usize, work: impl FnOnce()) -> f64 {
    let start = processor_time();
    work();
    (processor_time() - start) / count as f64
}

/// What one map needed, the least of all rounds.
#[derive(Clone, Copy)]
struct Figures {
    insert: f64,
    get: f64,
    in_turn: f64,
    mixed: f64,
    scan: f64,
    resident: f64,
    own: Option<f64>,
}

fn run<M: Map>(keys: &[u64]) -> (M, Figures) {
    let mut state = 7;
    let n = keys.len();
    let probes: Vec<u64> =
        (0..n.min(2_000_000)).map(|_| keys[(next(&mut state) % n as u64) as usize]).collect();
    let half: Vec<u64> = (0..n / 2).map(|_| keys[(next(&mut state) % (n as u64 / 2)) as usize]).collect();
    let before = resident();
    let mut map = M::empty();
    let insert = nanoseconds(n, || keys.iter().zip(0..).for_each(|(key, at)| map.put(*key, at)));
    let after = resident();
    let count = probes.len();
    let get = nanoseconds(count, || {
        black_box(probes.iter().fold(0u64, |sum, probe| sum.wrapping_add(map.find(*probe))));
    });
    let in_turn = nanoseconds(count - 1, || {
        let mut last = 0;
        for at in 0..count - 1 {
            last = map.find(probes[at + (last & 1) as usize]);
        }
        black_box(last);
    });
    let scan = nanoseconds(n, || {
        black_box(map.sum());
    });
    let mut second = M::empty();
    keys[..n / 2].iter().for_each(|key| second.put(*key, 1));
    let mixed = nanoseconds(n / 2 * 2, || {
        let pairs = keys[n / 2..].iter().zip(&half);
        black_box(pairs.fold(0u64, |sum, (key, probe)| {
            second.put(*key, 2);
            sum.wrapping_add(second.find(*probe))
        }));
    });
    let each = |bytes: usize| bytes as f64 / n as f64;
    let own = map.bytes().map(each);
    (map, Figures { insert, get, in_turn, mixed, scan, resident: each(after.saturating_sub(before)), own })
}

fn least(rounds: &[Figures], what: impl Fn(&Figures) -> f64) -> f64 {
    rounds.iter().map(what).fold(f64::INFINITY, f64::min)
}

fn report(name: &str, rounds: &[Figures]) {
    let own = rounds[0].own.map_or(String::from("-"), |own| format!("{own:.1}"));
    println!(
        "  {name:<22} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {own:>8}",
        least(rounds, |f| f.insert),
        least(rounds, |f| f.mixed),
        least(rounds, |f| f.get),
        least(rounds, |f| f.in_turn),
        least(rounds, |f| f.scan),
        rounds[0].resident,
    );
}

type MakeKeys = Box<dyn Fn() -> Vec<u64>>;

/// What makes the keys of each order.
fn orders(n: u64) -> [(&'static str, MakeKeys); 5] {
    let mut state = 42;
    let mut seed = || next(&mut state);
    let (uniform, ascending, clusters, hard) = (seed(), seed(), seed(), seed());
    let timestamps = move || {
        let mut state = ascending;
        (0..n).map(|i| 1_700_000_000_000 + i * 40 + next(&mut state) % 40).collect::<Vec<_>>()
    };
    [
        (
            "uniform",
            Box::new(move || {
                let mut state = uniform;
                (0..n).map(|_| next(&mut state)).collect()
            }),
        ),
        ("ascending", Box::new(timestamps)),
        (
            "descending",
            Box::new(move || {
                let mut keys = timestamps();
                keys.reverse();
                keys
            }),
        ),
        ("zipf clusters", Box::new(move || zipf_clusters(n, &mut { clusters }))),
        ("rough", Box::new(move || rough(n, &mut { hard }))),
    ]
}

fn compare(keys: &[u64], rounds: u64, all: bool) {
    let (mut tree, mut chosen, mut plain, mut learned) = (vec![], vec![], vec![], vec![]);
    let mut explained = String::new();
    for _ in 0..rounds.max(1) {
        tree.push(run::<BTreeMap<u64, u64>>(keys).1);
        let (map, figures) = run::<HybridMap<Standard<u64, u64, MapCostPolicy>>>(keys);
        chosen.push(figures);
        explained = map.explain();
        drop(map);
        if all {
            plain.push(run::<HybridMap<Standard<u64, u64, AlwaysPlain>>>(keys).1);
            learned.push(run::<HybridMap<Standard<u64, u64, AlwaysLearned>>>(keys).1);
        }
    }
    report("BTreeMap", &tree);
    report("HybridMap", &chosen);
    if all {
        report("  always B-tree", &plain);
        report("  always learned", &learned);
    }
    println!("    {}", explained.replace('\n', "\n    "));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (n, rounds) = (number(0, 1_000_000), number(1, 2));
    let words = arguments.get(2..).unwrap_or_default();
    let all = words.iter().any(|word| word == "all");
    let only = words.iter().find(|word| *word != "all").map_or("", String::as_str);
    println!(
        "{n} u64 keys with u64 values\nnanoseconds of processor time an operation (least of {rounds}), bytes an entry"
    );
    println!(
        "  {:<22} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "insert", "mixed", "get", "in turn", "scan", "resident", "reserved"
    );
    for (name, keys) in orders(n).into_iter().filter(|(name, _)| name.starts_with(only)) {
        println!("{name}");
        compare(&keys(), rounds, all);
    }
}
