//! Which subjects there are, by name.

use stroma_hybrid::{Lines, Spline, Tree};

use super::arrays::{BinarySearch, ByLevel};
use super::ours::{btree, chosen, composed};
use super::pgm::{LearnedIndexLab, PgmExtra, PgmIndex, PgmRs};
use super::tree_map::TreeMap;
use crate::Outcome;
use crate::index::warm::Work;
use crate::machine::with_version;
use crate::measure::OURS;
use crate::process::Figures;

type Measure = fn(&Work<'_>) -> Outcome<Figures>;

/// A subject that is measured in a process of its own.
pub(in crate::index) struct RustSubject {
    /// Its name on the command line.
    pub(in crate::index) word: &'static str,
    /// What stands in tables: how it is called, and the package whose version it has, if it is one.
    name: &'static str,
    package: Option<&'static str>,
    /// Bytes a key that it needs at the most beside the mapped file, so that it is known what does not fit.
    pub(in crate::index) bytes_a_key: u64,
    pub(in crate::index) measure: Measure,
}

impl RustSubject {
    /// What stands in tables.
    pub(in crate::index) fn name(&self) -> String {
        let version = self.package.map(with_version).unwrap_or_default();
        match (self.word, self.name) {
            ("ours", _) => OURS.to_owned(),
            (_, "") => version,
            (_, name) if version.is_empty() => name.to_owned(),
            (_, name) => format!("{version}, {name}"),
        }
    }

    pub(in crate::index) fn find(word: &str) -> Outcome<&'static RustSubject> {
        let found = SUBJECTS.iter().find(|subject| subject.word == word);
        found.ok_or_else(|| format!("there is no subject `{word}`").into())
    }
}

const fn ours(word: &'static str, name: &'static str, measure: Measure) -> RustSubject {
    RustSubject { word, name, package: None, bytes_a_key: 1, measure }
}

const fn std(word: &'static str, name: &'static str, bytes_a_key: u64, measure: Measure) -> RustSubject {
    RustSubject { word, name, package: None, bytes_a_key, measure }
}

const fn pgm(package: &'static str, bytes_a_key: u64, measure: Measure) -> RustSubject {
    RustSubject { word: package, name: "ε = 64", package: Some(package), bytes_a_key, measure }
}

pub(in crate::index) const SUBJECTS: [RustSubject; 14] = [
    ours("ours", OURS, |work| work.measure(chosen)),
    ours("ours-btree", "stromatolite, B-tree", |work| work.measure(btree)),
    ours("ours-lines-4", "stromatolite, lines of ε = 4", |work| work.measure(composed::<Lines<4>>)),
    ours("ours-lines", "stromatolite, SmoothIndex", |work| work.measure(composed::<Lines>)),
    ours("ours-lines-64", "stromatolite, lines of ε = 64", |work| work.measure(composed::<Lines<64>>)),
    ours("ours-spline", "stromatolite, EvenIndex", |work| work.measure(composed::<Spline>)),
    ours("ours-splus", "stromatolite, HardIndex", |work| work.measure(composed::<Tree>)),
    std("partition_point", "partition_point", 0, |work| work.measure(|keys| Ok(BinarySearch(keys)))),
    std("btreemap", "BTreeMap", 26, |work| work.measure(|keys| Ok(TreeMap::new(keys)))),
    RustSubject {
        word: "ordsearch",
        name: "",
        package: Some("ordsearch"),
        bytes_a_key: 8,
        measure: |work| work.measure(|keys| Ok(ByLevel::new(keys))),
    },
    pgm("pgm-extra", 1, |work| work.measure(PgmExtra::new)),
    pgm("pgm-rs", 1, |work| work.measure(PgmRs::new)),
    pgm("pgm_index", 9, |work| work.measure(|keys| Ok(PgmIndex::new(keys)))),
    pgm("learned_index_lab", 9, |work| work.measure(|keys| Ok(LearnedIndexLab::new(keys)))),
];
