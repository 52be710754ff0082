//! Goes through the sets and the parts, and measures each subject in a process of its own.

use std::time::Duration;

use super::data::{DataSet, SETS};
use super::files::Folder;
use super::subjects::{RustSubject, SUBJECTS};
use super::{disk, file_map, front, inserts, peers, prepare, warm};
use crate::Outcome;
use crate::arguments::Settings;
use crate::measure::{OURS, Samples};
use crate::process::{Figures, in_a_process};

pub(super) const WARM: &str = "warm";
pub(super) const INSERTS: &str = "inserts";
pub(super) const DISK: &str = "disk";
const PREPARE: &str = "prepare";

/// The parts of the suite.
pub(crate) const PART_NAMES: [&str; 3] = [WARM, INSERTS, DISK];

/// Memory a subject may take for what it holds itself; one that needs more is left out and says so.
const MOST_MEMORY: u64 = 8 << 30;

/// One set, ready to be measured.
pub(super) struct Prepared<'a> {
    pub(super) set: DataSet,
    pub(super) folder: &'a Folder,
    pub(super) count: u64,
    pub(super) settings: &'a Settings,
}

impl Prepared<'_> {
    /// How long a process may take: some peers build slowly.
    pub(super) fn longest(&self) -> Duration {
        Duration::from_secs(120 + self.count / 500_000)
    }

    /// What a process needs to know: the part, the subject, then these.
    pub(super) fn in_a_process(&self, part: &str, word: &str) -> Outcome<Figures> {
        let runs = self.settings.runs.to_string();
        let folder = self.folder.path().to_string_lossy();
        in_a_process(&["index", part, word, self.set.name, &folder, &runs], self.longest())
    }

    /// Whether a subject is wanted at all.
    pub(super) fn wants(&self, word: &str) -> bool {
        let subjects = &self.settings.subjects;
        subjects.is_empty() || subjects.iter().any(|wanted| wanted == word)
    }

    /// Whether a subject is wanted and has room; if it has none, that is noted.
    pub(super) fn fits(&self, word: &str, name: &str, bytes_a_key: u64, samples: &mut Samples) -> bool {
        if !self.wants(word) {
            return false;
        }
        let bytes = bytes_a_key * self.count;
        let fits = bytes <= MOST_MEMORY;
        if !fits {
            let gibibytes = bytes >> 30;
            samples.note(name, format!("{}: left out, it needs about {gibibytes} GiB", self.set.name));
        }
        fits
    }
}

/// Measures all sets, or those asked for.
pub(crate) fn run(settings: &Settings) -> Outcome<Samples> {
    let mut samples = Samples::new("index");
    let peers = peers::build(&mut samples)?;
    let wanted = |set: &DataSet| settings.sets.is_empty() || settings.sets.contains(&set.name);
    for set in SETS.into_iter().filter(wanted) {
        if let Some(reason) = set.missing() {
            samples.note(set.name, reason);
            continue;
        }
        let temporary = tempfile::Builder::new().prefix("stroma-bench-").tempdir_in(&settings.directory)?;
        let folder = Folder::new(temporary.path());
        let prepared = prepare_set(set, &folder, settings, &mut samples)?;
        let measures = |part: &str| settings.part.is_none_or(|only| only == part);
        if measures(WARM) {
            measure_warm(&prepared, &peers, &mut samples)?;
        }
        if measures(INSERTS) {
            inserts::run(&prepared, &peers, &mut samples)?;
        }
        if measures(DISK) {
            disk::run(&prepared, &peers, &mut samples)?;
        }
    }
    front::add(&mut samples);
    Ok(samples)
}

/// Makes the files of a set.
fn prepare_set<'a>(
    set: DataSet,
    folder: &'a Folder,
    settings: &'a Settings,
    samples: &mut Samples,
) -> Outcome<Prepared<'a>> {
    eprintln!("{}: preparing", set.name);
    let questions = settings.size(1_000_000, 20_000).to_string();
    let (count, seed) = (settings.keys.to_string(), settings.seed.to_string());
    let path = folder.path().to_string_lossy();
    let arguments = ["index", PREPARE, set.name, &path, &count, &questions, &seed];
    let figures = in_a_process(&arguments, Duration::from_secs(120 + settings.keys / 500_000))?;
    let count = figures.value("set, keys")? as u64;
    figures.file("the set itself", samples);
    Ok(Prepared { set, folder, count, settings })
}

fn measure_warm(prepared: &Prepared<'_>, peers: &[peers::Peer], samples: &mut Samples) -> Outcome {
    for subject in &SUBJECTS {
        let name = subject.name();
        if prepared.fits(subject.word, &name, subject.bytes_a_key, samples) {
            eprintln!("{}: {name}", prepared.set.name);
            file(prepared.in_a_process(WARM, subject.word), &name, prepared, samples)?;
        }
    }
    for peer in peers {
        if prepared.fits(&peer.word, &peer.name, peer.bytes_a_key, samples) {
            eprintln!("{}: {}", prepared.set.name, peer.name);
            file(peer.measure(prepared, WARM), &peer.name, prepared, samples)?;
        }
    }
    Ok(())
}

/// Files what a process measured. A peer may fail, which is noted; ours may neither fail nor err.
pub(super) fn file(
    figures: Outcome<Figures>,
    name: &str,
    prepared: &Prepared<'_>,
    samples: &mut Samples,
) -> Outcome {
    match figures {
        Err(failure) if name.starts_with(OURS) => return Err(failure),
        Err(failure) => samples.note(name, format!("{}: failed: {failure}", prepared.set.name)),
        Ok(figures) => {
            let of_part = [warm::WRONG, inserts::WRONG, disk::WRONG, file_map::WRONG]
                .map(|metric| figures.value(metric));
            let wrong: f64 = of_part.into_iter().flatten().sum();
            if wrong > 0.0 && name.starts_with(OURS) {
                return Err(format!("{name} gave {wrong} wrong answers on {}", prepared.set.name).into());
            }
            if wrong > 0.0 {
                let set = prepared.set.name;
                samples.note(name, format!("{set}: FAILED, {wrong} wrong answers"));
            }
            figures.file(name, samples);
        }
    }
    Ok(())
}

/// What a process started by a part does.
pub(crate) fn measure(words: &[&str]) -> Outcome<Figures> {
    match words {
        [PREPARE, rest @ ..] => prepare::measure(rest),
        [WARM, word, set, folder, runs] => {
            let (subject, folder) = (RustSubject::find(word)?, Folder::new(*folder));
            let mapped = folder.keys()?;
            mapped.warm()?;
            let work = warm::Work::new(set, &folder, mapped.slice()?, runs.parse()?)?;
            (subject.measure)(&work)
        }
        [INSERTS, word, set, folder, runs] => {
            inserts::measure(word, set, &Folder::new(*folder), runs.parse()?)
        }
        [DISK, word, set, folder, runs] => disk::measure(word, set, &Folder::new(*folder), runs.parse()?),
        _ => Err("needed: part, subject, set, folder, runs".into()),
    }
}
