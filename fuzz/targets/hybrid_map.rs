//! Bytes as the file of an updatable map: as they are, or as changes to one that is whole, with its checksums made
//! right again; then look-ups and inserts.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/hybrid/tests/shared/map_attack.rs"]
mod map_attack;

fuzz_target!(|bytes: &[u8]| {
    static FILE: OnceLock<(PathBuf, Vec<u8>)> = OnceLock::new();
    let (path, sample) = FILE.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("stroma-fuzz-map-{}", std::process::id()));
        let sample = map_attack::sample(&path);
        (path, sample)
    });
    map_attack::attack(path, sample, bytes);
});
