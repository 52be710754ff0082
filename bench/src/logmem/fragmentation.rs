//! Resident memory per live byte over W1 to W8, ours against allocators.
//!
//! The programs are those of `allocators/`. Under each allocator a concurrent map of boxed slices is measured,
//! which is what a program would use in our place, and the allocator alone, to show that it is not the map that
//! we are measured against.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use stroma_bench_allocators::{ServerKind, WORKLOADS};

use crate::Outcome;
use crate::arguments::Settings;
use crate::machine::{c_library, with_version, words_of};
use crate::measure::{OURS, Samples};
use crate::process::output_of;

pub(super) const PART: &str = "fragmentation";
const ALLOCATORS: [&str; 4] = ["glibc", "jemalloc", "mimalloc", "tcmalloc"];
/// Our budget grows by this share of the live bytes until it suffices.
const BUDGET_STEP_PERCENT: u64 = 5;
const LARGEST_BUDGET_PERCENT: u64 = 300;

/// The name that an allocator's figures stand under.
fn subject_of(allocator: &str) -> String {
    match allocator {
        "glibc" => c_library(),
        "jemalloc" => {
            // The version is that of the bindings, a plus, that of jemalloc and its commit.
            let bindings = with_version("tikv-jemalloc-sys");
            let version = bindings.split_once('+').and_then(|(_, rest)| rest.split('-').next());
            format!("jemalloc {}", version.unwrap_or("of unknown version"))
        }
        other => format!("{other} ({})", with_version(&format!("lib{other}-sys"))),
    }
}

/// The name that a server's figures stand under; none if it is not installed.
fn subject_of_server(kind: ServerKind) -> Option<String> {
    // `Redis server v=7.0.15 sha=...`, `memcached 1.6.18`.
    let words = words_of(kind.program(), &["--version"])?;
    let version = words.iter().map(|word| word.trim_start_matches("v="));
    let version = version.into_iter().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    Some(format!("{} {version}", kind.word()))
}

/// Builds the programs, as `cargo run` builds only its own; gives the folder that they are in.
fn build_programs() -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--locked"]);
    output_of(
        command.args(["--package", "stroma-bench-allocators", "--all-features", "--bins"]).args(profile),
    )?;
    let program = std::env::current_exe()?;
    Ok(program.parent().ok_or("this program is in no folder")?.to_owned())
}

/// What one program printed.
struct Measured(HashMap<String, f64>);

impl Measured {
    /// Runs a program; nothing if its memory did not suffice.
    fn by(folder: &Path, allocator: &str, arguments: [&str; 4]) -> Outcome<Option<Measured>> {
        let program = folder.join(format!("fragmentation-{allocator}"));
        let text = output_of(Command::new(program).args(arguments))?;
        let mut figures = HashMap::new();
        for line in text.lines() {
            let (name, value) = line.split_once(' ').ok_or_else(|| format!("no figure: {line}"))?;
            figures.insert(name.to_owned(), value.parse()?);
        }
        Ok((!figures.is_empty()).then_some(Measured(figures)))
    }

    fn of(&self, name: &str) -> Outcome<f64> {
        self.0.get(name).copied().ok_or_else(|| format!("`{name}` was not measured").into())
    }

    fn ratio(&self, above: &str, below: &str) -> Outcome<f64> {
        Ok(self.of(above)? / self.of(below)?)
    }

    fn file(&self, case: &str, subject: &str, samples: &mut Samples) -> Outcome {
        self.file_memory(case, subject, samples)?;
        self.file_rates(case, subject, PUTS, samples)
    }

    fn file_memory(&self, case: &str, subject: &str, samples: &mut Samples) -> Outcome {
        samples.add(case, subject, RESIDENT, self.ratio("resident_bytes", "live_bytes")?, "bytes a byte");
        samples.add(case, subject, PEAK, self.ratio("peak_bytes", "live_bytes")?, "bytes a byte");
        let overhead = (self.of("resident_bytes")? - self.of("live_bytes")?) / self.of("objects")?;
        samples.add(case, subject, "overhead", overhead, "bytes an object");
        Ok(())
    }

    fn file_rates(
        &self,
        case: &str,
        subject: &str,
        names: [&'static str; 2],
        samples: &mut Samples,
    ) -> Outcome {
        samples.add(case, subject, names[0], self.ratio("puts", "wall_seconds")? / 1e3, "1000/s");
        samples.add(case, subject, names[1], self.ratio("processor_seconds", "puts")? * 1e9, "ns");
        Ok(())
    }
}

const RESIDENT: &str = "resident over live";
const RESIDENT_ALONE: &str = "resident over live, allocator alone";
const PEAK: &str = "peak over live";
const PUTS: [&str; 2] = ["puts, rate", "puts, processor time"];
/// Ours with a budget of what the leanest map took.
const AT_EQUAL_MEMORY: [&str; 2] = ["puts at equal memory, rate", "puts at equal memory, processor time"];

/// Measures every workload: each allocator with a map and alone, then ours.
pub(super) fn run(settings: &Settings, seed: u64, samples: &mut Samples) -> Outcome {
    let folder = build_programs()?;
    let (live_bytes, seed) = (settings.live_bytes.to_string(), seed.to_string());
    for workload in &WORKLOADS {
        let case = workload.name;
        let by = |allocator: &str, subject: &str| {
            eprintln!("fragmentation: {case}, {allocator}, {subject}");
            Measured::by(&folder, allocator, [subject, case, &live_bytes, &seed])
        };
        let mut leanest: Option<(String, Measured)> = None;
        for allocator in ALLOCATORS {
            let subject = subject_of(allocator);
            let map = by(allocator, "map")?.ok_or("a peer found no memory")?;
            map.file(case, &subject, samples)?;
            let alone = by(allocator, "alone")?.ok_or("a peer found no memory")?;
            let resident = alone.ratio("resident_bytes", "live_bytes")?;
            samples.add(case, &subject, RESIDENT_ALONE, resident, "bytes a byte");
            let bytes = map.of("resident_bytes")?;
            if leanest.as_ref().is_none_or(|(_, other)| other.of("resident_bytes").is_ok_and(|b| bytes < b)) {
                leanest = Some((subject, map));
            }
        }
        for kind in ServerKind::ALL {
            let Some(subject) = subject_of_server(kind) else {
                eprintln!("fragmentation: {} is not installed; skipped", kind.program());
                continue;
            };
            // Its rates are those of a socket and of two processes, which is another contest.
            by("glibc", kind.word())?
                .ok_or("a server found no memory")?
                .file_memory(case, &subject, samples)?;
        }
        let leanest = leanest.ok_or("there is no peer")?;
        ours(settings, case, &leanest, samples, |budget| by("glibc", &budget.to_string()))?;
    }
    Ok(())
}

/// Measures ours at the smallest budget that suffices, and at the memory that the leanest map took.
fn ours(
    settings: &Settings,
    case: &str,
    leanest: &(String, Measured),
    samples: &mut Samples,
    by_budget: impl Fn(u64) -> Outcome<Option<Measured>>,
) -> Outcome {
    let mut percent = 100;
    let measured = loop {
        percent += BUDGET_STEP_PERCENT;
        match by_budget(settings.live_bytes * percent / 100)? {
            Some(measured) => break measured,
            None if percent > LARGEST_BUDGET_PERCENT => return Err(format!("{case} never fits").into()),
            None => {}
        }
    };
    measured.file(case, OURS, samples)?;
    let resident = measured.ratio("resident_bytes", "live_bytes")?;
    samples.add(case, OURS, RESIDENT_ALONE, resident, "bytes a byte");
    samples.add(case, OURS, "budget over live", percent as f64 / 100.0, "bytes a byte");
    let copied = measured.ratio("copied_bytes", "put_bytes")?;
    samples.add(case, OURS, "copied for a byte put", copied, "bytes a byte");
    let overhead = (measured.of("occupied_bytes")? - measured.of("live_bytes")?) / measured.of("objects")?;
    samples.add(case, OURS, "overhead without free room", overhead, "bytes an object");
    // The smallest budget is where cleaning costs most. With as much memory as the leanest peer it costs less.
    let (leanest_subject, leanest) = leanest;
    if let Some(measured) = by_budget(leanest.of("resident_bytes")? as u64)? {
        measured.file_rates(case, OURS, AT_EQUAL_MEMORY, samples)?;
        leanest.file_rates(case, leanest_subject, AT_EQUAL_MEMORY, samples)?;
        let copied = measured.ratio("copied_bytes", "put_bytes")?;
        samples.add(case, OURS, "copied for a byte put, at equal memory", copied, "bytes a byte");
    }
    Ok(())
}
