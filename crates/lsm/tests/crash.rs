//! Losing power, losing the process, failing and full devices, at every possible moment: what was promised is there,
//! in whole batches, and what is there is a prefix of what was committed.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/append.rs"]
mod append;
#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::sync::Arc;

use append::Append;
use random::Random;
use small::{Map, small};
use stroma_lsm::{
    Batch, Compression, Database, Durability, Error, Keyspace, KeyspaceOptions, Options, RecoveryMode,
};
use stroma_strata::storage::{LogStorage as _, MemoryStorage, PowerLoss};

/// In KiB. Values grow with the memory budget, so that the same happens in each.
const BUDGETS: [usize; 5] = [64, 80, 96, 128, 256];

fn options(memory_kib: usize) -> Options {
    Options {
        memory_bytes: memory_kib << 10,
        block_bytes: 256,
        // In some, larger values go to value files.
        value_threshold: if memory_kib % 3 == 1 { 150 } else { usize::MAX },
        // They are a byte over and over, and are to take the memory that they have.
        value_compression: Compression::None,
        ..small(8 << 10)
    }
    .with_keyspace("all", KeyspaceOptions::default().merging(Append::COMBINED))
}

/// What a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Puts, deletes, range deletes, operands and ingestions of a few keys.
    Mixed,
    /// A few keys over and over and now and then another: those stay in memory while others go to tables.
    Overwrites,
}

const LOADS: [Load; 2] = [Load::Mixed, Load::Overwrites];

/// What a run writes, and into how large a memory.
#[derive(Debug, Clone, Copy)]
struct Setting {
    load: Load,
    memory_kib: usize,
    /// It goes on until so many times a part of what was in memory has gone to a table, but commits no more than
    /// [`MOST_COMMITS`].
    sheddings: u64,
}

const MOST_COMMITS: usize = 4000;

impl Setting {
    /// Every load in every memory, in turn.
    fn of(number: u64) -> Setting {
        let load = LOADS[number as usize % 2];
        Setting { load, memory_kib: BUDGETS[number as usize / 2 % BUDGETS.len()], sheddings: 0 }
    }

    /// A length that is `length` in the smallest memory.
    fn scaled(self, length: usize) -> usize {
        length * self.memory_kib / BUDGETS[0]
    }
}

/// What a run of commits was told.
#[derive(Debug, Default)]
struct Told {
    /// The state after each commit tried, by its number; state 0 is empty.
    states: Vec<Map>,
    /// Everything up to this commit must survive a loss of power.
    synced: usize,
    /// Everything up to this commit must survive the process.
    buffered: usize,
    failed: bool,
    /// Times a part of what was in memory went to a table.
    sheddings: u64,
}

/// Commits until something fails, or `commits` are done and what the setting wants was seen. Each is a batch over a
/// few keys, and counts itself.
fn run(storage: &MemoryStorage, setting: Setting, seed: u64, commits: usize, start: Map) -> Told {
    let load = setting.load;
    let mut choices = Random(seed);
    let mut told = Told { states: vec![start], ..Told::default() };
    let opened = Database::open_storage(Arc::new(storage.clone()), options(setting.memory_kib));
    let keyspace = opened.and_then(|database| Ok((database.keyspace("all")?, database)));
    let Ok((keyspace, database)) = keyspace else {
        told.failed = true;
        return told;
    };
    let base = told.states[0].get(b"count".as_slice()).map_or(0, |count| count_of(count));
    for number in 1..=MOST_COMMITS {
        if number > commits && database.statistics().sheddings >= setting.sheddings {
            break;
        }
        let mut map = told.states[number - 1].clone();
        if load == Load::Mixed && choices.below(12) == 0 {
            let count = (base + number as u64).to_le_bytes();
            let ingested = ingest_some(&mut choices, setting, number, &keyspace, count, &mut map);
            told.states.push(map);
            match ingested {
                Ok(()) => (told.synced, told.buffered) = (number, number),
                Err(_) => {
                    told.failed = true;
                    assert_unchanged(&keyspace, &told.states[number - 1]);
                    break;
                }
            }
            continue;
        }
        let mut batch = database.batch();
        change_some(&mut choices, setting, number, &keyspace, &mut batch, &mut map);
        let count = (base + number as u64).to_le_bytes().to_vec();
        batch.put(&keyspace, "count", &count);
        map.insert(b"count".to_vec(), count);
        told.states.push(map);
        // Syncs hide what a flush forgets to sync.
        let durability = match choices.below(if load == Load::Mixed { 4 } else { 60 }) {
            0 => Durability::Synced,
            1 => Durability::None,
            _ => Durability::Buffered,
        };
        if batch.commit_with(durability).is_err() {
            told.failed = true;
            assert_unchanged(&keyspace, &told.states[number - 1]);
            break;
        }
        match durability {
            Durability::Synced => (told.synced, told.buffered) = (number, number),
            Durability::Buffered => told.buffered = number,
            Durability::None => {}
        }
        if choices.below(if load == Load::Mixed { 40 } else { 400 }) == 0 {
            match database.flush() {
                Ok(()) => (told.synced, told.buffered) = (number, number),
                Err(_) => {
                    told.failed = true;
                    break;
                }
            }
        }
    }
    told.sheddings = database.statistics().sheddings;
    told
}

/// Reads go on after a failure, and show what was acknowledged.
fn assert_unchanged(keyspace: &Keyspace, state: &Map) {
    let found: Result<Map, Error> = keyspace.iter().map(|entry| Ok(pair(entry?))).collect();
    if let Ok(found) = found {
        assert_eq!(found, *state);
    }
}

/// Ingests the count, and some keys before and after it.
fn ingest_some(
    choices: &mut Random,
    setting: Setting,
    number: usize,
    keyspace: &Keyspace,
    count: [u8; 8],
    map: &mut Map,
) -> Result<(), Error> {
    let mut added = Map::from([(b"count".to_vec(), count.to_vec())]);
    let (first, step) = (choices.below(60), 1 + choices.below(20));
    for key in (first..60).step_by(step as usize) {
        let value = vec![number as u8; choices.below(setting.scaled(400) as u64) as usize];
        added.insert(format!("key {key:03}").into_bytes(), value);
    }
    map.extend(added.clone());
    let mut ingestion = keyspace.ingest()?;
    for (key, value) in added {
        ingestion.add(key, value)?;
    }
    ingestion.finish().map(drop)
}

/// Puts up to four changes into `batch` and `map`.
fn change_some(
    choices: &mut Random,
    setting: Setting,
    number: usize,
    keyspace: &Keyspace,
    batch: &mut Batch,
    map: &mut Map,
) {
    let load = setting.load;
    for _ in 0..1 + choices.below(4) {
        let key = match load {
            Load::Overwrites if choices.below(3) == 0 => choices.below(400),
            Load::Overwrites => choices.below(6),
            Load::Mixed => choices.below(60),
        };
        let key = format!("key {key:03}").into_bytes();
        match choices.below(10) {
            0 if load == Load::Mixed => {
                let end = format!("key {:03}", choices.below(60)).into_bytes();
                batch.delete_range(keyspace, key.as_slice()..end.as_slice());
                map.retain(|other, _| !(key <= *other && *other < end));
            }
            1 | 2 => {
                batch.delete(keyspace, &key);
                map.remove(&key);
            }
            3 | 4 if load == Load::Mixed => {
                let operand = vec![number as u8; 1 + choices.below(40) as usize];
                batch.merge(keyspace, &key, &operand);
                map.entry(key).or_default().extend(operand);
            }
            _ => {
                let longest = setting.scaled(if load == Load::Mixed { 400 } else { 320 });
                let value = vec![number as u8; choices.below(longest as u64) as usize];
                batch.put(keyspace, &key, &value);
                map.insert(key, value);
            }
        }
    }
}

fn pair((key, value): (Vec<u8>, stroma_lsm::Value)) -> (Vec<u8>, Vec<u8>) {
    (key, value.into_vec())
}

fn count_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

/// What a new process finds.
fn read_back(storage: &MemoryStorage, memory_kib: usize) -> Map {
    let database = Database::open_storage(Arc::new(storage.clone()), options(memory_kib)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let map = keyspace.iter().map(|entry| pair(entry.unwrap())).collect();
    assert!(database.check().is_sound());
    map
}

/// The state found must be that after some commit from `least` on.
fn assert_is_prefix(found: &Map, told: &Told, least: usize, context: &str) {
    let base = told.states[0].get(b"count".as_slice()).map_or(0, |count| count_of(count));
    let count = found.get(b"count".as_slice()).map_or(0, |count| count_of(count));
    let number = (count - base) as usize;
    assert!(number >= least, "{context}: commit {least} was promised, {number} are there");
    assert_eq!(*found, told.states[number], "{context}: not the state after commit {number}");
}

#[test]
fn a_loss_of_power_or_process_leaves_a_prefix_with_everything_promised() {
    for seed in 0..120 {
        let storage = MemoryStorage::new();
        let mut setting = Setting::of(seed);
        let commits = 1 + Random(seed).below(if setting.load == Load::Mixed { 250 } else { 700 }) as usize;
        // Some end at any moment, some no sooner than at the first that is of interest.
        setting.sheddings = u64::from(setting.load == Load::Overwrites && seed % 4 == 1);
        let told = run(&storage, setting, seed, commits, Map::new());
        assert!(!told.failed);
        assert!(told.sheddings >= setting.sheddings, "{setting:?}");
        // The database above was dropped, which hands the log over; so every image is of a moment after that.
        for crash in 0..6 {
            let context = format!("seed {seed}, crash {crash}");
            let found = read_back(&storage.crash(crash), setting.memory_kib);
            assert_is_prefix(&found, &told, told.synced, &context);
            let found = read_back(&storage.crash_torn(crash), setting.memory_kib);
            assert_is_prefix(&found, &told, told.synced, &format!("{context}, torn"));
        }
        let found = read_back(&storage.kill(), setting.memory_kib);
        assert_is_prefix(&found, &told, told.buffered, &format!("seed {seed}, killed"));
    }
}

#[test]
fn a_device_that_fails_at_any_operation_loses_nothing_promised() {
    let runs = [
        (Load::Mixed, 64, 160, 5),
        (Load::Mixed, 256, 160, 7),
        (Load::Overwrites, 64, 100, 41),
        (Load::Overwrites, 96, 100, 41),
        (Load::Overwrites, 256, 100, 41),
    ];
    for (load, memory_kib, commits, step) in runs {
        let setting = Setting { load, memory_kib, sheddings: u64::from(load == Load::Overwrites) };
        let whole = MemoryStorage::new();
        let told = run(&whole, setting, 7, commits, Map::new());
        assert!(told.sheddings >= setting.sheddings, "{setting:?}");
        let operations = whole.operations();
        assert!(operations > 300, "{operations}");
        for fail_at in (0..operations).step_by(step) {
            let storage = MemoryStorage::new();
            storage.fail_after(fail_at, fail_at);
            let told = run(&storage, setting, 7, commits, Map::new());
            let context = format!("{setting:?}, failing after {fail_at}");
            storage.heal();
            let after_crash = storage.crash_torn(fail_at);
            assert_is_prefix(&read_back(&after_crash, memory_kib), &told, told.synced, &context);
            // The same once more, where the process dies and the device comes back.
            assert_is_prefix(&read_back(&storage.kill(), memory_kib), &told, told.buffered, &context);
        }
    }
}

#[test]
fn a_crash_during_recovery_is_recovered_from() {
    for seed in 0..40 {
        let storage = MemoryStorage::new();
        let setting = Setting::of(seed);
        let commits = if setting.load == Load::Mixed { 120 } else { 400 };
        let told = run(&storage, setting, seed, commits, Map::new());
        let mut image = storage.crash_torn(seed);
        let expected = read_back(&image.kill(), setting.memory_kib);
        for attempt in 0..6 {
            image.fail_after(3 * attempt + seed % 3, attempt);
            let options = options(setting.memory_kib);
            drop(Database::open_storage(Arc::new(image.clone()), options));
            image.heal();
            image = image.crash(attempt);
        }
        let found = read_back(&image, setting.memory_kib);
        assert_is_prefix(&found, &told, told.synced, &format!("seed {seed}"));
        assert_eq!(found, expected, "seed {seed}: recovery keeps what it recovered once");
    }
}

/// A killed process may have named an edit of the manifest that never reached the device. The next one reads it from
/// the operating system's memory, and must not delete what it makes superfluous before it is on the device.
#[test]
fn power_lost_while_a_killed_process_is_recovered_loses_nothing_promised() {
    let setting = Setting { load: Load::Mixed, memory_kib: 64, sheddings: 0 };
    let whole = MemoryStorage::new();
    run(&whole, setting, 7, 100, Map::new());
    let mut moments = 0;
    for fail_at in (0..whole.operations()).step_by(3) {
        let storage = MemoryStorage::new();
        storage.fail_after(fail_at, fail_at);
        let told = run(&storage, setting, 7, 100, Map::new());
        let killed = storage.kill();
        killed.watch(2, fail_at);
        drop(Database::open_storage(Arc::new(killed.clone()), options(setting.memory_kib)).unwrap());
        for moment in killed.take_moments() {
            let context = format!("failing after {fail_at}, no power at {}", moment.operation);
            let left = moment.storage.lose_power(PowerLoss::any(moment.operation));
            assert_is_prefix(&read_back(&left, setting.memory_kib), &told, told.synced, &context);
            moments += 1;
        }
    }
    assert!(moments > 500, "{moments}");
}

/// What a killed process named last may not be on the device even while the next one works. Whatever that one builds on
/// it must not outlive it: power lost at any moment leaves a database that opens, at the state after some commit of
/// either.
#[test]
fn power_lost_while_the_heir_of_a_killed_process_works_loses_nothing_promised() {
    let setting = Setting { load: Load::Mixed, memory_kib: 64, sheddings: 0 };
    let mut moments = 0;
    for fail_at in 0..24 {
        let storage = MemoryStorage::new();
        storage.fail_after(fail_at, fail_at);
        let mut told = run(&storage, setting, 7, 100, Map::new());
        let killed = storage.kill();
        let inherited = read_back(&killed.kill(), setting.memory_kib);
        told.states.truncate(inherited.get(b"count".as_slice()).map_or(0, |count| count_of(count)) as usize);
        killed.watch(2, fail_at);
        told.states.extend(run(&killed, setting, fail_at, 60, inherited).states);
        for moment in killed.take_moments() {
            let context = format!("failing after {fail_at}, no power at {}", moment.operation);
            let left = moment.storage.lose_power(PowerLoss::any(moment.operation));
            assert_is_prefix(&read_back(&left, setting.memory_kib), &told, told.synced, &context);
            moments += 1;
        }
    }
    assert!(moments > 500, "{moments}");
}

/// As above, where it was a recovery that was killed: what it flushed and named is not named on the device yet, so that
/// the log is still needed.
#[test]
fn power_lost_while_a_killed_recovery_is_recovered_loses_nothing_promised() {
    let setting = Setting { load: Load::Mixed, memory_kib: 64, sheddings: 0 };
    for seed in 0..4 {
        let storage = MemoryStorage::new();
        let told = run(&storage, setting, seed, 20, Map::new());
        let left = storage.crash(seed);
        for die_at in 0..50 {
            let dying = left.kill();
            dying.fail_after(die_at, seed);
            drop(Database::open_storage(Arc::new(dying.clone()), options(setting.memory_kib)));
            let killed = dying.kill();
            killed.watch(1, 0);
            drop(Database::open_storage(Arc::new(killed.clone()), options(setting.memory_kib)).unwrap());
            for moment in killed.take_moments() {
                let context = format!("seed {seed}, dead at {die_at}, no power at {}", moment.operation);
                let found = read_back(&moment.storage.crash(moment.operation), setting.memory_kib);
                assert_is_prefix(&found, &told, told.synced, &context);
            }
        }
    }
}

#[test]
fn work_goes_on_after_each_of_many_crashes() {
    let mut storage = MemoryStorage::new();
    let mut state = Map::new();
    for round in 0..60 {
        // Another memory than the one before, now and then.
        let setting = Setting::of(round / 2);
        let told = run(&storage, setting, round, 40, state);
        assert!(!told.failed);
        storage = if round % 2 == 0 { storage.crash_torn(round) } else { storage.kill() };
        state = read_back(&storage, setting.memory_kib);
        let least = if round % 2 == 0 { told.synced } else { told.buffered };
        assert_is_prefix(&state, &told, least, &format!("round {round}"));
    }
}

#[test]
fn a_full_device_is_a_clean_error_and_the_state_before_stays_usable() {
    let mut refused = 0;
    for number in 0..40 {
        let setting = Setting::of(number);
        let capacity = setting.scaled((3 << 10) * (1 + number as usize)) as u64;
        let storage = MemoryStorage::new();
        storage.set_capacity(Some(capacity));
        let told = run(&storage, setting, 11, 300, Map::new());
        refused += u32::from(told.failed);
        storage.set_capacity(None);
        let found = read_back(&storage.kill(), setting.memory_kib);
        assert_is_prefix(&found, &told, told.buffered, &format!("{setting:?}, {capacity} bytes"));
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn once_there_is_space_again_the_same_database_goes_on() {
    for background_threads in [0, 1] {
        for (spare, memory_kib) in (0..3000).step_by(97).zip(BUDGETS.into_iter().cycle()) {
            let storage = MemoryStorage::new();
            let options = Options { background_threads, ..options(memory_kib) };
            let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
            let keyspace = database.keyspace("all").unwrap();
            let mut expected = Map::new();
            let mut refused = 0;
            for number in 0..120_u8 {
                if number % 30 == 10 {
                    storage.set_capacity(Some(storage.used_bytes() + spare));
                }
                if number % 30 == 25 {
                    storage.set_capacity(None);
                }
                let durability =
                    [Durability::Synced, Durability::Buffered, Durability::None][usize::from(number % 3)];
                let mut batch = database.batch();
                batch.put(&keyspace, [number], vec![number; 300]);
                match batch.commit_with(durability) {
                    Ok(_) => drop(expected.insert(vec![number], vec![number; 300])),
                    Err(Error::Storage(stroma_strata::storage::StorageError::Full { .. })) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
                let found: Map = keyspace.iter().map(|entry| pair(entry.unwrap())).collect();
                assert_eq!(found, expected);
            }
            assert!(refused > 3, "{refused}");
            database.sync().unwrap();
            let found = read_back(&storage.crash_torn(spare), memory_kib);
            assert_eq!(found, expected, "{memory_kib} KiB, {spare} bytes to spare");
        }
    }
}

#[test]
fn a_database_is_opened_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Database::open(folder.path(), Options::default()).unwrap();
    let second = Database::open(folder.path(), Options::default());
    let locked = matches!(second, Err(Error::Storage(stroma_strata::storage::StorageError::Locked { .. })));
    assert!(locked);
    drop(first);
    Database::open(folder.path(), Options::default()).unwrap();
}

/// Once a part of what was in memory is in a table, that table relies on the log for the rest. So a log that went
/// missing is damage even where nothing in it could tell.
#[test]
fn a_log_that_went_missing_after_a_part_reached_a_table_is_noticed() {
    let mut noticed = 0;
    for seed in 0..10 {
        let storage = MemoryStorage::new();
        let memory_kib = BUDGETS[seed as usize % BUDGETS.len()];
        let setting = Setting { load: Load::Overwrites, memory_kib, sheddings: 1 + seed / 5 };
        let told = run(&storage, setting, seed, 1, Map::new());
        assert!(told.sheddings >= setting.sheddings, "{setting:?}");
        let storage = storage.kill();
        for entry in storage.list_logs("log").unwrap() {
            storage.delete_log(&entry.name).unwrap();
        }
        let open = |recovery| {
            let options = Options { recovery, ..options(memory_kib) };
            Database::open_storage(Arc::new(storage.clone()), options)
        };
        // Where the last flush took everything, the log holds nothing that was promised.
        if let Err(Error::Corrupt { .. }) = open(RecoveryMode::Strict) {
            noticed += 1;
            let database = open(RecoveryMode::KeepPrefix).unwrap();
            assert!(database.recovery_report().log_cut.as_ref().unwrap().promised);
            // What was relied on is gone; nobody relies on it any longer.
            database.keyspace("all").unwrap().put("after", "it").unwrap();
            drop(database);
            let database = open(RecoveryMode::Strict).unwrap();
            assert!(database.keyspace("all").unwrap().get("after").unwrap().is_some());
        }
    }
    assert!(noticed > 2, "{noticed}");
}
