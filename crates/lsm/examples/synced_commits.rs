//! How near a synced commit is to what the device takes for it: `cargo run --release -p stroma-lsm --example
//! synced_commits -- [COMMITS] [folder=FOLDER]` (3,000). In turns of 100: a bare loop of one `write` and one
//! `fdatasync` of as many bytes into zeros that were written ahead; the same into a file that grows; commits of one
//! entry; and commits of one entry by two threads. Times by the clock, so it wants a quiet machine.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, on real files")]

#[path = "../tests/shared/random.rs"]
mod random;

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use random::{fill, key};
use stroma_lsm::{Database, Durability, Keyspace, Options};

/// Of a turn.
const SYNCS: u64 = 100;
/// What a commit of 16 and 100 bytes appends to the log.
const RECORD_BYTES: usize = 126;

/// A file that is written and synced in turn.
struct Bare {
    file: File,
}

impl Bare {
    fn sync_some(&mut self) -> std::io::Result<()> {
        (0..SYNCS).try_for_each(|_| {
            self.file.write_all(&[7; RECORD_BYTES])?;
            self.file.sync_data()
        })
    }
}

fn value(number: u64) -> [u8; 100] {
    let mut value = [0; 100];
    fill(&mut value[..50], number);
    value
}

fn commit_some(keyspace: &Keyspace, numbers: impl Iterator<Item = u64>) -> Result<(), stroma_lsm::Error> {
    numbers.into_iter().try_for_each(|number| keyspace.put(key(number), value(number)).map(drop))
}

fn timed<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    work().map(|()| start.elapsed())
}

fn print(what: &str, turns: &mut [Duration]) {
    turns.sort_unstable();
    let micros = |at: usize| turns[at].as_secs_f64() * 1e6 / SYNCS as f64;
    println!("{what:<32} least {:>7.1} µs, median {:>7.1} µs", micros(0), micros(turns.len() / 2));
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut commits, mut folder) = (3000, None);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("folder", path)) => folder = Some(PathBuf::from(path)),
            _ => commits = argument.parse()?,
        }
    }
    let folder = folder.unwrap_or_else(std::env::temp_dir).join(format!("synced-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (rounds, bytes) = ((commits / SYNCS).max(1), commits as usize * RECORD_BYTES);
    std::fs::write(folder.join("ahead"), vec![0; bytes])?;
    let mut ahead = Bare { file: File::options().write(true).open(folder.join("ahead"))? };
    ahead.file.sync_all()?;
    let mut growing = Bare { file: File::create_new(folder.join("growing"))? };
    let options = Options { durability: Durability::Synced, ..Options::default() };
    let database = Database::open(folder.join("database"), options)?;
    let keyspace = database.keyspace("all")?;
    let mut turns: [Vec<Duration>; 4] = Default::default();
    for round in 0..rounds {
        turns[0].push(timed(|| ahead.sync_some())?);
        turns[1].push(timed(|| growing.sync_some())?);
        let from = 2 * round * SYNCS;
        turns[2].push(timed(|| commit_some(&keyspace, from..from + SYNCS))?);
        turns[3].push(timed(|| {
            let halves = [from + SYNCS..from + SYNCS * 3 / 2, from + SYNCS * 3 / 2..from + 2 * SYNCS];
            std::thread::scope(|scope| {
                let threads = halves.map(|half| scope.spawn(|| commit_some(&keyspace, half)));
                threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
            })
        })?);
    }
    let names = ["bare, into zeros", "bare, growing", "commit", "commit, of two threads"];
    names.iter().zip(&mut turns).for_each(|(name, turns)| print(name, turns));
    database.close()?;
    Ok(std::fs::remove_dir_all(folder)?)
}
