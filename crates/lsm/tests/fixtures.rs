//! Databases that releases wrote are opened, checked and read by every later one. `tests/fixtures/VERSION` holds the
//! database as a killed process left it, the same (but for the end of its log) in one file, and `CONTENTS.txt`. A
//! release adds its own with `examples/write_fixture.rs` and keeps those before.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]
#![cfg_attr(not(all(feature = "lz4", feature = "zstd")), allow(dead_code, unused_imports))]

#[path = "shared/fixture.rs"]
mod fixture;
#[path = "shared/random.rs"]
mod random;

use std::path::{Path, PathBuf};

use stroma_lsm::{Database, Options};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn options() -> Options {
    fixture::options(4 << 20)
}

fn contents(database: &Database) -> String {
    fixture::contents(database).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Compressed tables need the features that write them.
#[cfg(all(feature = "lz4", feature = "zstd"))]
#[test]
fn what_releases_wrote_is_read_and_written_on() {
    let all = fixtures();
    assert!(!all.is_empty());
    for fixture in all {
        let expected = std::fs::read_to_string(fixture.join("CONTENTS.txt")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("database");
        copy(&fixture.join("database"), &place);

        let reader = Database::open_read_only(&place, options()).unwrap();
        assert_eq!(contents(&reader), expected, "{}", fixture.display());
        let writer = Database::open(&place, options()).unwrap();
        assert_eq!(contents(&writer), expected);
        assert!(writer.recovery_report().replayed_commits > 0 && writer.recovery_report().log_cut.is_none());
        assert!(writer.check().is_sound(), "{:?}", writer.check());
        writer.compact().unwrap();
        assert_eq!(contents(&writer), expected);
        writer.keyspace("words").unwrap().put("from a later release", "").unwrap();
        assert!(writer.check().is_sound());

        let file = Database::open_file(fixture.join("exported.stroma"), options()).unwrap();
        assert!(file.check().is_sound());
        assert!(contents(&file).contains("keyspace ingested"));
        let (damaged, rescued) = (folder.path().join("damaged"), folder.path().join("rescued"));
        copy(&fixture.join("database"), &damaged);
        let report = Database::repair(&damaged, &rescued, options()).unwrap();
        assert!(report.is_whole(), "{report:?}");
        assert_eq!(contents(&Database::open(&rescued, options()).unwrap()), expected);
    }
}

/// Where it is seen that the fixtures are there even without those features.
#[test]
fn every_fixture_is_complete() {
    for fixture in fixtures() {
        for part in
            ["CONTENTS.txt", "database/manifest", "database/layers", "database/log", "exported.stroma"]
        {
            assert!(fixture.join(part).exists(), "{} lacks {part}", fixture.display());
        }
    }
}
