//! Which sets of keys there are, by name.

use std::path::Path;

use super::{KeyWriter, osm, real, synthetic};
use crate::Outcome;

/// How keys come to be.
#[derive(Clone, Copy)]
enum Source {
    /// Drawn from a seed, as many as one likes.
    Drawn(fn(u64, u64, &mut KeyWriter) -> Outcome),
    /// Read from a file that was taken out of a package.
    Real(&'static str),
}

/// A set of sorted keys.
#[derive(Clone, Copy)]
pub(in crate::index) struct DataSet {
    pub(in crate::index) name: &'static str,
    source: Source,
}

pub(in crate::index) const SETS: [DataSet; 8] = [
    DataSet { name: "uniform", source: Source::Drawn(synthetic::uniform) },
    DataSet { name: "lognormal", source: Source::Drawn(synthetic::lognormal) },
    DataSet { name: "osm-like", source: Source::Drawn(osm::write) },
    DataSet { name: "fb-like", source: Source::Drawn(synthetic::with_outliers) },
    DataSet { name: "dense", source: Source::Drawn(synthetic::dense) },
    DataSet { name: "ipv4", source: Source::Real("ipv4.txt") },
    DataSet { name: "cities", source: Source::Real("cities.txt") },
    DataSet { name: "helsinki", source: Source::Real("helsinki.txt") },
];

/// The suite's own copy of a set's name, or an error that names those there are.
pub(crate) fn known_set(name: &str) -> Outcome<&'static str> {
    DataSet::find(name).map(|set| set.name)
}

impl DataSet {
    pub(in crate::index) fn find(name: &str) -> Outcome<DataSet> {
        let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        let unsupported = || format!("unsupported set of keys `{name}`; there are {}", names.join(", "));
        SETS.into_iter().find(|set| set.name == name).ok_or_else(|| unsupported().into())
    }

    /// What is to be done before there are keys, if anything.
    pub(in crate::index) fn missing(self) -> Option<String> {
        let Source::Real(file) = self.source else { return None };
        let is_there = real::fetched().join(file).is_file();
        (!is_there).then(|| "no keys: run `python3 peers/fetch.py`, which takes them out of packages".into())
    }

    /// Writes the keys; how many there are.
    pub(in crate::index) fn write(self, count: u64, seed: u64, path: &Path) -> Outcome<u64> {
        let mut writer = KeyWriter::create(path)?;
        match self.source {
            Source::Drawn(draw) => draw(count, seed, &mut writer)?,
            Source::Real(file) => real::write(file, &mut writer)?,
        }
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_sets_have_as_many_keys_as_asked_for_and_they_ascend() {
        let folder = tempfile::tempdir().unwrap();
        for set in SETS.iter().filter(|set| matches!(set.source, Source::Drawn(_))) {
            let path = folder.path().join(set.name);
            assert_eq!(set.write(20_000, 7, &path).unwrap(), 20_000, "{}", set.name);
            let bytes = std::fs::read(&path).unwrap();
            let keys: Vec<u64> =
                bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
            assert!(keys.is_sorted_by(|a, b| a < b), "{}", set.name);
            set.write(20_000, 7, &path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{}: the same from the same seed", set.name);
        }
    }
}
