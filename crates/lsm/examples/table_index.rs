//! Point reads and index bytes with the index that a table chooses, and with a plain one: `cargo run --release
//! -p stroma-lsm --example table_index -- [ENTRIES] [KEY SET]... [folder=FOLDER]` (5,000,000 entries and all key sets
//! if not told). For each key set two databases are filled alike and merged into one run; then each is read in turn,
//! a round at a time, in the order of a seed. All of it stays in the system's cache of files if memory is enough.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/watch.rs"]
mod watch;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use random::{Random, fill, mix};
use stroma_lsm::{Database, IndexPolicy, Keyspace, Options};
use watch::Watch;

const VALUE_BYTES: usize = 100;
const ROUNDS: usize = 15;
const GETS_A_ROUND: usize = 100_000;
/// Smooth ones first.
const KEY_SETS: [&str; 8] =
    ["consecutive", "timestamps", "uniform", "uniform16", "osm-like", "fb-like", "words", "addresses"];

/// The sorted keys of a set, all different.
fn keys(set: &str, count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(7);
    let mut stamp = 1_700_000_000_000_000_u64;
    let words = [
        "stone", "river", "mat", "lagoon", "layer", "algae", "shark", "bay", "salt", "crust", "fossil",
        "reef",
    ];
    let word = |random: &mut Random| words[random.below(words.len() as u64) as usize];
    let mut keys: Vec<Vec<u8>> = (0..count as u64)
        .map(|number| match set {
            "consecutive" => number.to_be_bytes().to_vec(),
            "timestamps" => {
                // Microseconds between events: exponential, in two paces by the hour.
                let pace = if number / 40_000 % 2 == 0 { 900.0 } else { 150.0 };
                stamp += 1 + (-(1.0 - random.share()).ln() * pace) as u64;
                stamp.to_be_bytes().to_vec()
            }
            "uniform" => mix(number).to_be_bytes().to_vec(),
            "uniform16" => random::key(number).to_vec(),
            "osm-like" => {
                // Cities drawn by rank, lines of points that wander within them.
                let city = mix((count as f64 / 50.0).powf(random.share()) as u64);
                let line = city.wrapping_add(mix(random.below(200)) >> 20);
                (line.wrapping_add(mix(number) >> (28 + random.below(16)))).to_be_bytes().to_vec()
            }
            "fb-like" if number < 21 => (u64::MAX - mix(number) % (1 << 40)).to_be_bytes().to_vec(),
            "fb-like" => (mix(number) >> 27).to_be_bytes().to_vec(),
            "words" => {
                let path = format!("{}/{}/{}", word(&mut random), word(&mut random), word(&mut random));
                format!("{path}/{:07}", random.below(4 * count as u64)).into_bytes()
            }
            // Hosts, then long paths that share much with their neighbours.
            _ => {
                let host = random.below(1 + count as u64 / 5000);
                let path = format!("{}/{}", word(&mut random), word(&mut random));
                format!("https://www.site{host}.example/archive/{path}?page={}", random.below(2000))
                    .into_bytes()
            }
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

fn fill_database(folder: &Path, keys: &[Vec<u8>], index: IndexPolicy) -> Result<Database, Box<dyn Error>> {
    let options = Options { index, memory_bytes: 256 << 20, ..Options::default() };
    let database = Database::open(folder, options)?;
    let keyspace = database.keyspace("k")?;
    let mut value = [0; VALUE_BYTES];
    for (chunk, keys) in keys.chunks(1000).enumerate() {
        let mut batch = database.batch();
        for (number, key) in keys.iter().enumerate() {
            fill(&mut value, (chunk * 1000 + number) as u64);
            batch.put(&keyspace, key, value);
        }
        batch.commit()?;
    }
    database.compact()?;
    Ok(database)
}

/// Nanoseconds of processor time a get, over keys in the order of `seed`.
fn round(keyspace: &Keyspace, keys: &[Vec<u8>], seed: u64) -> Result<f64, Box<dyn Error>> {
    let mut random = Random(seed);
    let drawn: Vec<&[u8]> =
        (0..GETS_A_ROUND).map(|_| &*keys[random.below(keys.len() as u64) as usize]).collect();
    let watch = Watch::start();
    for key in drawn {
        keyspace.get(key)?.ok_or_else(|| format!("key {} is missing", key.escape_ascii()))?;
    }
    Ok(watch.seconds() * 1e9 / GETS_A_ROUND as f64)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Tables, kinds of index, blocks, bytes of index.
fn describe(database: &Database) -> (usize, String, u64, u64) {
    let tables = database.tables();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    tables.iter().for_each(|table| *kinds.entry(table.index_kind.to_string()).or_default() += 1);
    let kinds: Vec<String> = kinds.iter().map(|(kind, tables)| format!("{kind} ×{tables}")).collect();
    let sum = |of: fn(&stroma_lsm::TableDescription) -> u64| tables.iter().map(of).sum();
    (tables.len(), kinds.join(", "), sum(|table| table.blocks), sum(|table| table.index_bytes))
}

fn measure(folder: &Path, set: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let keys = keys(set, count);
    let mut databases = Vec::new();
    for index in [IndexPolicy::Plain, IndexPolicy::CostModel] {
        let database = fill_database(&folder.join(format!("{set} {index:?}")), &keys, index)?;
        let keyspace = database.keyspace("k")?;
        databases.push((database, keyspace));
    }
    let mut times = [Vec::new(), Vec::new()];
    // The first round warms up.
    for seed in 0..=ROUNDS as u64 {
        for (times, (_, keyspace)) in times.iter_mut().zip(&databases) {
            let time = round(keyspace, &keys, seed)?;
            if seed > 0 {
                times.push(time);
            }
        }
    }
    let [plain, chosen] = [0, 1].map(|which| describe(&databases[which].0));
    let ratios = times[1].iter().zip(&times[0]).map(|(chosen, plain)| chosen / plain);
    let ratio = median(&mut ratios.collect::<Vec<f64>>());
    let least = times.clone().map(|times| times.into_iter().fold(f64::INFINITY, f64::min));
    let [plain_time, chosen_time] = times.map(|mut times| median(&mut times));
    println!(
        "{set:<12} {:>3} tables, {:<22} get {plain_time:>6.0} ({:.0}) and {chosen_time:>6.0} ({:.0}) ns, \
         ratio {ratio:.3}; index {:>9} and {:>8} bytes a table, {:.2} and {:.2} a block, {:.2} times",
        chosen.0,
        chosen.1,
        least[0],
        least[1],
        plain.3 / plain.0 as u64,
        chosen.3 / chosen.0 as u64,
        plain.3 as f64 / plain.2 as f64,
        chosen.3 as f64 / chosen.2 as f64,
        plain.3 as f64 / chosen.3 as f64,
    );
    if let Some(table) = databases[1].0.tables().first() {
        println!("             {}", table.index_explanation.replace('\n', "\n             "));
    }
    for (database, _) in databases {
        database.close()?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let entries = words.iter().find_map(|word| word.parse().ok()).unwrap_or(5_000_000_usize).max(1000);
    let folder = words.iter().find_map(|word| word.strip_prefix("folder="));
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let chosen: Vec<&str> = KEY_SETS.into_iter().filter(|set| words.iter().any(|word| word == set)).collect();
    println!(
        "{entries} entries, values of {VALUE_BYTES}, one run of tables, one thread, seed 7; {ROUNDS} rounds of \
         {GETS_A_ROUND} gets of present keys, a plain index and the chosen one in turn: processor time, median \
         (least); ratio: median over the rounds"
    );
    for set in if chosen.is_empty() { KEY_SETS.to_vec() } else { chosen } {
        let folder = tempfile::tempdir_in(&folder)?;
        measure(folder.path(), set, entries)?;
    }
    Ok(())
}
