//! A process that may open no more files: what is asked for is refused, and once some are closed all goes on.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

use std::fs::File;
use std::process::Command;

use stroma_lsm::{Database, Error, Options};

/// Says to the test below that it runs in a process of its own, and where it may write.
const FOLDER: &str = "STROMA_TEST_FEW_FILES";

fn options() -> Options {
    Options { memory_bytes: 1 << 20, background_threads: 0, ..Options::default() }
}

#[test]
fn without_a_file_to_open_nothing_is_lost_and_with_some_all_goes_on() {
    let Ok(folder) = std::env::var(FOLDER) else {
        let folder = tempfile::tempdir().unwrap();
        let name = "without_a_file_to_open_nothing_is_lost_and_with_some_all_goes_on";
        let mut few = Command::new("sh");
        few.args(["-c", "ulimit -n 64 && exec \"$0\" --exact \"$1\" --nocapture"]);
        few.arg(std::env::current_exe().unwrap()).arg(name).env(FOLDER, folder.path());
        assert!(few.status().unwrap().success());
        return;
    };
    let database = Database::open(&folder, options()).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let (mut refused, mut expected) = (0, 0);
    for free in 0..8 {
        let mut all: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        all.truncate(all.len() - free);
        for number in 0..3_u32 {
            // Refused or not, in the middle of whatever it takes.
            match database.flush() {
                Err(Error::Storage(_) | Error::Tables(_)) => refused += 1,
                outcome => outcome.unwrap(),
            }
            let large = vec![free as u8; 300 << 10];
            expected += usize::from(keyspace.put([free as u8, number as u8, 0], &large).is_ok());
            expected += usize::from(keyspace.put([free as u8, number as u8, 1], "small").is_ok());
        }
        drop(all);
        keyspace.put([free as u8], "x").unwrap();
        expected += 1;
        database.compact().unwrap();
        assert_eq!(keyspace.iter().count(), expected, "{free} files left");
    }
    assert!(refused > 5, "{refused}");
    drop((keyspace, database));
    let database = Database::open(&folder, options()).unwrap();
    assert_eq!(database.keyspace("all").unwrap().iter().count(), expected);
    assert!(database.check().is_sound());
}
