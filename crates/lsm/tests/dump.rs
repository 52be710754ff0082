//! What files and keyspaces hold is told entry by entry, of damaged files up to the damage, and hostile bytes never
//! hurt.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;

use std::sync::Arc;

use random::{Random, fill};
use stroma_lsm::{Database, Options, dump_file};
use stroma_strata::storage::{Blob, LogStorage as _, MemoryStorage, Storage as _};
use stroma_strata::{DumpLine, DumpValue, MergePolicy};

fn filled() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let options = Options {
        background_threads: 0,
        block_bytes: 256,
        value_threshold: 100,
        merge_policy: MergePolicy::Tiered { fanout: 100 },
        ..Options::default()
    };
    let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
    let all = database.keyspace("all").unwrap();
    for number in 0..100_u64 {
        all.put(number.to_be_bytes(), format!("value {number}")).unwrap();
    }
    all.put("large", [1; 500]).unwrap();
    all.delete(7_u64.to_be_bytes()).unwrap();
    all.delete_range(&20_u64.to_be_bytes()[..]..&30_u64.to_be_bytes()[..]).unwrap();
    database.flush().unwrap();
    for number in 0..10_u64 {
        all.put(number.to_be_bytes(), "in the log").unwrap();
    }
    let mut lines = Vec::new();
    let mut sink = |line| {
        lines.push(line);
        true
    };
    database.dump(&all, &mut sink).unwrap();
    assert_eq!(count(&lines, "range delete"), 1);
    assert_eq!(count(&lines, "delete"), 1, "of key 7, which was put again later");
    assert_eq!(count(&lines, "put"), 100 + 1 + 10 - 1 - 10, "{lines:?}");
    let mut first_only = |_| false;
    database.dump(&all, &mut first_only).unwrap();
    drop(all);
    drop(database);
    storage.kill()
}

fn count(lines: &[DumpLine], what: &str) -> usize {
    lines.iter().filter(|line| line.what == what).count()
}

fn lines_of(bytes: &[u8]) -> Vec<DumpLine> {
    let memory = MemoryStorage::new();
    memory.put_if_absent("file", bytes).unwrap();
    let blob: Arc<dyn Blob> = memory.open("file").unwrap();
    let mut lines = Vec::new();
    let mut sink = |line| {
        lines.push(line);
        lines.len() < 10_000
    };
    dump_file(&blob, None, &mut sink).unwrap();
    lines
}

#[test]
fn files_are_told_and_damaged_ones_up_to_the_damage() {
    let storage = filled();
    let name = |folder: &str| storage.list(folder).unwrap().pop().unwrap().name;
    let table = storage.contents(&name("layers")).unwrap();
    let whole = lines_of(&table);
    assert_eq!(count(&whole, "damage"), 0);
    assert_eq!((count(&whole, "range delete"), count(&whole, "delete")), (1, 1));
    let first = whole.iter().find(|line| line.what == "put").unwrap();
    // The catalog's next number: the second operation of the first commit.
    assert_eq!(first.fields[0], ("sequence", DumpValue::Number(2)));
    let mut damaged = table.clone();
    damaged[30] ^= 1;
    let told = lines_of(&damaged);
    assert_eq!(count(&told, "damage"), 1);
    assert!(told.len() > whole.len() / 2 && told.len() < whole.len());
    assert_eq!(count(&lines_of(&table[..table.len() - 1]), "damage"), 1);

    let values = storage.contents(&name("values")).unwrap();
    assert_eq!(count(&lines_of(&values), "value"), 1);
    let log = storage.list_logs("log").unwrap().pop().unwrap().name;
    let log = storage.contents(&log).unwrap();
    let whole = lines_of(&log);
    assert_eq!((count(&whole, "segment"), count(&whole, "commit"), count(&whole, "put")), (1, 10, 10));
    let told = lines_of(&log[..log.len() - 1]);
    assert_eq!((count(&told, "commit"), count(&told, "damage")), (9, 1));
    assert!(lines_of(b"something else").is_empty());

    let mut random = Random(4);
    for file in [&table, &values, &log] {
        for _ in 0..200 {
            let mut bytes = file.clone();
            let at = 8 + random.below(bytes.len() as u64 - 8) as usize;
            let end = (at + 1 + random.below(20) as usize).min(bytes.len());
            fill(&mut bytes[at..end], random.next());
            bytes.truncate(bytes.len() - random.below(3) as usize);
            lines_of(&bytes);
        }
    }
}
