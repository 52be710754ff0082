//! Real keys: what `peers/fetch.py` took out of packages, as text.

use std::path::{Path, PathBuf};

use super::KeyWriter;
use super::hilbert::cell_of;
use crate::Outcome;

/// Where `peers/fetch.py` puts what it fetches; nothing of it is committed.
pub(in crate::index) fn fetched() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/fetched")
}

/// Writes all keys of the file, sorted, each once: numbers, or longitudes and latitudes, a line each.
pub(super) fn write(file: &str, writer: &mut KeyWriter) -> Outcome {
    let text = std::fs::read_to_string(fetched().join(file))?;
    let mut keys: Vec<u64> = text.lines().map(key_of).collect::<Outcome<_>>()?;
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().try_for_each(|key| writer.push(key))
}

fn key_of(line: &str) -> Outcome<u64> {
    Ok(match line.split_once(' ') {
        Some((longitude, latitude)) => cell_of(longitude.parse()?, latitude.parse()?),
        None => line.parse()?,
    })
}
