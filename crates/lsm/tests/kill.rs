//! A process that is killed (SIGKILL) at a random moment while several threads commit and others flush, merge, make
//! and drop keyspaces, back up, and commit transactions that outgrow memory, loses nothing it acknowledged.
//!
//! The test starts its own binary as a child. The child's threads commit synced batches and write a line to a pipe
//! for each acknowledged one; the parent kills the child at a seeded moment, opens the database, and compares it with
//! the lines it has read. A thread's batches form a chain of numbers, each batch has several keys in two keyspaces and
//! an operand in a third, so that a lost, torn or invented batch shows, or one that was merged in twice. Now and then a
//! batch also deletes a range of earlier keys. Backups lie beside the database; whichever are listed after a kill are
//! whole, and hold some batch of each chain.
//!
//! Moments are counted in what the child has done, not in time alone, so that a slow or busy machine kills no child
//! before it has written: in three rounds of four it is killed some microseconds after so many acknowledged batches,
//! with a merge of everything begun, and a backup where the round makes them. In the fourth it is killed soon after it
//! has opened the database, most likely while what was recovered is flushed.
//!
//! `STROMA_KILL_ROUNDS` sets the number of rounds (default 100), `STROMA_KILL_SEED` the moments; `cargo xtask kill`
//! sets them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, and its own child"
)]

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use stroma_lsm::{
    Backups, Compression, Database, Durability, Error, Keyspace, KeyspaceOptions, MergeError, MergeOperator,
    Options,
};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;

/// Names the directory, which also tells a process that it is the child.
const DIRECTORY: &str = "STROMA_KILL_DIRECTORY";
const WRITERS: u32 = 4;

/// Which of several options a round uses.
const ROUND: &str = "STROMA_KILL_ROUND";

/// Adds numbers.
struct Add;

fn number(bytes: &[u8]) -> Result<u64, MergeError> {
    Ok(u64::from_le_bytes(bytes.try_into()?))
}

impl MergeOperator for Add {
    fn name(&self) -> &str {
        "add"
    }

    fn merge(&self, _: &[u8], base: Option<&[u8]>, operands: &[&[u8]]) -> Result<Vec<u8>, MergeError> {
        let mut sum = base.map_or(Ok(0), number)?;
        for operand in operands {
            sum += number(operand)?;
        }
        Ok(sum.to_le_bytes().to_vec())
    }

    fn combine(&self, key: &[u8], operands: &[&[u8]]) -> Option<Vec<u8>> {
        self.merge(key, None, operands).ok()
    }
}

/// Little memory, so that a round flushes and merges; other options in every round.
fn options(round: u64) -> Options {
    Options {
        memory_bytes: (64 << 10) << (round % 3),
        memory_cleaning: round.is_multiple_of(2),
        background_threads: [1, 2, 0][round as usize / 2 % 3],
        // LZ4, if there is any.
        compression: [Compression::None, Options::default().value_compression][round as usize / 4 % 2],
        block_bytes: 512,
        transaction_bytes: 5000,
        value_threshold: [usize::MAX, 200][round as usize / 3 % 2],
        merge_policy: MergePolicy::TieredThenLevelled(Limits {
            level0_runs: 3,
            level1_bytes: 256 << 10,
            multiplier: 4,
            deepest_level: 3,
            table_bytes: 64 << 10,
        }),
        ..Options::default()
    }
    .with_keyspace("sums", KeyspaceOptions::default().merging(Add))
}

/// Two that each batch puts the same into, and one of sums.
fn open(directory: &Path, round: u64) -> (Database, [Keyspace; 3]) {
    let database = Database::open(directory, options(round)).unwrap();
    let keyspaces = ["left", "right", "sums"].map(|name| database.keyspace(name).unwrap());
    (database, keyspaces)
}

fn key(writer: u32, number: u64) -> Vec<u8> {
    // The chain wraps, so that keys are overwritten and merges have something to drop.
    [writer.to_be_bytes().as_slice(), &(number % 500).to_be_bytes()].concat()
}

fn counter(writer: u32) -> Vec<u8> {
    [b"count".as_slice(), &writer.to_be_bytes()].concat()
}

fn count(keyspace: &Keyspace, writer: u32) -> u64 {
    let found = keyspace.get(counter(writer)).unwrap();
    found.map_or(0, |bytes| u64::from_le_bytes(bytes[..8].try_into().unwrap()))
}

/// Writes a line for the parent, in one call, so that it is in the pipe wholly or not at all.
fn tell(line: &str) {
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes()).unwrap();
    output.flush().unwrap();
}

/// What the child does until it is killed.
fn write_for_ever(directory: &Path) {
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let (database, keyspaces) = open(directory, round);
    // In every other round it may be killed while what was recovered is flushed, before any batch is acknowledged.
    if round.is_multiple_of(2) {
        database.sync().unwrap();
    }
    tell("ready\n");
    std::thread::scope(|scope| {
        let other = &database;
        scope.spawn(move || {
            loop {
                disturb(other).unwrap();
            }
        });
        let other = &database;
        scope.spawn(move || {
            for number in 0.. {
                write_much(other, number).unwrap();
            }
        });
        if round % 4 == 1 {
            let other = &database;
            scope.spawn(move || {
                let backups = Backups::open(backup_directory(directory)).unwrap();
                loop {
                    tell("backup\n");
                    other.back_up(&backups).unwrap();
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
        for writer in 0..WRITERS {
            let (database, keyspaces) = (&database, &keyspaces);
            scope.spawn(move || {
                let mut number = count(&keyspaces[0], writer);
                loop {
                    number += 1;
                    commit(database, keyspaces, writer, number).unwrap();
                    tell(&format!("{writer} {number}\n"));
                }
            });
        }
    });
}

/// What goes on beside the writers.
fn disturb(database: &Database) -> Result<(), Error> {
    let passing = database.keyspace("passing")?;
    passing.put("a", vec![1; 3000])?;
    database.flush()?;
    passing.delete_range("a".."b")?;
    tell("merge\n");
    database.compact()?;
    database.drop_keyspace("passing")?;
    std::thread::sleep(Duration::from_millis(3));
    Ok(())
}

/// Entries of a transaction of [`write_much`].
const MUCH: u64 = 150;

/// A transaction that spills: all of its entries are the same.
fn write_much(database: &Database, number: u64) -> Result<(), Error> {
    let keyspace = database.keyspace("much")?;
    let mut transaction = database.transaction();
    for key in 0..MUCH {
        transaction.put(&keyspace, key.to_be_bytes(), vec![number as u8; 200])?;
    }
    transaction.commit()?;
    std::thread::sleep(Duration::from_millis(7));
    Ok(())
}

/// All of a transaction is there, or the one before it.
fn check_much(database: &Database, context: &str) {
    let values: Vec<_> = database.keyspace("much").unwrap().iter().map(|entry| entry.unwrap().1).collect();
    assert!(values.is_empty() || values.len() as u64 == MUCH, "{context}: {} of {MUCH}", values.len());
    assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{context}: a large transaction was torn");
}

fn backup_directory(directory: &Path) -> PathBuf {
    directory.with_file_name("backups")
}

/// The last backup that is listed is a database in which each writer's chain ends somewhere.
fn check_backup(directory: &Path, round: u64) {
    let place = directory.with_file_name("restored");
    let backups = Backups::open(backup_directory(directory)).unwrap();
    let Some(last) = backups.list().unwrap().last().copied() else { return };
    backups.restore(last.number, &place).unwrap();
    let (database, keyspaces) = open(&place, round);
    for writer in 0..WRITERS {
        let last = count(&keyspaces[0], writer);
        assert_eq!(count(&keyspaces[1], writer), last, "round {round}: a backup has a part of a batch");
        assert_eq!(count(&keyspaces[2], writer), last, "round {round}: a backup has another sum");
        if last > 0 {
            let expected = vec![last as u8; 20 + (last * 37 % 400) as usize];
            let found = keyspaces[0].get(key(writer, last)).unwrap();
            assert_eq!(found.as_deref(), Some(expected.as_slice()), "round {round}: a backup");
        }
    }
    check_much(&database, &format!("round {round}, a backup"));
    assert!(database.check().is_sound(), "round {round}: a backup");
    drop((keyspaces, database));
    std::fs::remove_dir_all(place).unwrap();
}

/// Whether batch `number` deletes, in the right keyspace, the keys of the twentieth to the eleventh batch before it.
fn deletes_range(number: u64) -> bool {
    number.is_multiple_of(31) && number % 500 >= 20
}

fn commit(database: &Database, keyspaces: &[Keyspace; 3], writer: u32, number: u64) -> Result<(), Error> {
    let value = vec![number as u8; 20 + (number * 37 % 400) as usize];
    let mut batch = database.batch();
    batch.merge(&keyspaces[2], counter(writer), 1_u64.to_le_bytes());
    for keyspace in &keyspaces[..2] {
        batch.put(keyspace, key(writer, number), &value);
        batch.put(keyspace, counter(writer), number.to_le_bytes());
    }
    if number.is_multiple_of(7) {
        batch.delete(&keyspaces[1], key(writer, number));
    }
    if deletes_range(number) {
        batch.delete_range(&keyspaces[1], key(writer, number - 20)..key(writer, number - 10));
    }
    batch.commit_with(Durability::Synced).map(drop)
}

/// When a child is killed.
struct Moment {
    /// After so many acknowledged batches.
    batches: u64,
    /// And after it began to merge everything, and to back up.
    merge: bool,
    backup: bool,
    /// And then so much later.
    later: Duration,
}

impl Moment {
    fn of(round: u64, seed: u64) -> Moment {
        let drawn = (round + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let later = Duration::from_micros(drawn >> 40 & 0x7ff);
        if round % 4 == 3 {
            let later = Duration::from_micros(200 + drawn % 20_000);
            return Moment { batches: 0, merge: false, backup: false, later };
        }
        Moment { batches: 1 + drawn % 60, merge: true, backup: round % 4 == 1, later }
    }

    fn is_before(&self, done: &Done) -> bool {
        done.batches < self.batches || self.merge && done.merges == 0 || self.backup && done.backups == 0
    }
}

/// What a child has told of what it did.
#[derive(Debug, Default)]
struct Done {
    /// The last batch of each writer that was acknowledged.
    acknowledged: [u64; WRITERS as usize],
    batches: u64,
    /// Begun.
    merges: u64,
    /// Begun.
    backups: u64,
}

impl Done {
    fn note(&mut self, line: &str) {
        match line {
            "merge" => self.merges += 1,
            "backup" => self.backups += 1,
            line => {
                let (writer, number) = line.split_once(' ').unwrap();
                self.acknowledged[writer.parse::<usize>().unwrap()] = number.parse().unwrap();
                self.batches += 1;
            }
        }
    }
}

/// A child that writes nothing for so long does not go on at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts the child and kills it at a moment; answers what it has told.
fn run_child(directory: &Path, round: u64, moment: &Moment) -> Done {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["killed_while_writing_nothing_acknowledged_is_lost", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().unwrap().unwrap() != "ready" {}
    let mut done = Done::default();
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        scope.spawn(move || lines.for_each(|line| sender.send(line.unwrap()).unwrap()));
        let waited = wait_for(moment, &receiver, &mut done);
        std::thread::sleep(moment.later);
        child.kill().unwrap();
        child.wait().unwrap();
        receiver.iter().for_each(|line| done.note(&line));
        waited.unwrap_or_else(|error| panic!("round {round}: the child does not go on ({error}): {done:?}"));
    });
    done
}

fn wait_for(
    moment: &Moment,
    lines: &Receiver<String>,
    done: &mut Done,
) -> Result<(), std::sync::mpsc::RecvTimeoutError> {
    while moment.is_before(done) {
        done.note(&lines.recv_timeout(PATIENCE)?);
    }
    Ok(())
}

/// Compares what is in the database with what was acknowledged.
fn check(directory: &Path, round: u64, acknowledged: &[u64]) {
    let context = format!("round {round}");
    let (database, keyspaces) = open(directory, round + 1);
    let mut counts = Vec::new();
    for writer in 0..WRITERS {
        let last = count(&keyspaces[0], writer);
        assert!(last >= acknowledged[writer as usize], "{context}: writer {writer} lost batches");
        // At most one commit can have been under way.
        assert!(last <= acknowledged[writer as usize] + 1 || acknowledged[writer as usize] == 0, "{context}");
        assert_eq!(count(&keyspaces[1], writer), last, "{context}: a batch was torn");
        assert_eq!(count(&keyspaces[2], writer), last, "{context}: an operand was lost or merged in twice");
        for number in last.saturating_sub(499).max(1)..=last {
            let expected = vec![number as u8; 20 + (number * 37 % 400) as usize];
            let left = keyspaces[0].get(key(writer, number)).unwrap();
            assert_eq!(left.as_deref(), Some(expected.as_slice()), "{context}: {writer} {number}");
            let right = keyspaces[1].get(key(writer, number)).unwrap();
            let deleted = number.is_multiple_of(7)
                || (number + 11..=number + 20).any(|later| later <= last && deletes_range(later));
            assert_eq!(right.is_none(), deleted, "{context}: {writer} {number}");
        }
        counts.push(last);
    }
    let entries: u64 = counts.iter().map(|last| last.min(&500) + u64::from(*last > 0)).sum();
    assert_eq!(keyspaces[0].iter().map(Result::unwrap).count() as u64, entries, "{context}");
    check_much(&database, &context);
    let report = database.check();
    assert!(report.is_sound(), "{context}: {report:?}");
}

#[test]
fn killed_while_writing_nothing_acknowledged_is_lost() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        write_for_ever(Path::new(&directory));
        return;
    }
    let rounds: u64 = std::env::var("STROMA_KILL_ROUNDS").map_or(100, |rounds| rounds.parse().unwrap());
    let seed: u64 = std::env::var("STROMA_KILL_SEED").map_or(0, |seed| seed.parse().unwrap());
    let mut folder = tempfile::tempdir().unwrap();
    let (mut batches, mut merges, mut backups) = (0, 0, 0);
    for round in 0..rounds {
        // A fresh database now and then, so that its first moments are met as well.
        if round.is_multiple_of(25) {
            folder = tempfile::tempdir().unwrap();
        }
        let directory = folder.path().join("database");
        let done = run_child(&directory, round, &Moment::of(round, seed));
        batches += done.batches;
        merges += done.merges;
        backups += done.backups;
        check(&directory, round, &done.acknowledged);
        if round % 8 == 1 {
            check_backup(&directory, round);
        }
        let mut terminal = std::io::stderr();
        if round % 20 == 19 && terminal.is_terminal() {
            let _ = write!(terminal, "\r{} rounds of {rounds}, nothing lost ", round + 1);
        }
    }
    println!("{rounds} rounds, {batches} batches acknowledged, {merges} merges and {backups} backups begun");
    // Of four rounds three wait until there was something to lose.
    assert!(batches >= rounds / 4 * 3 && merges >= rounds / 4 * 3 && backups >= rounds / 4);
}
