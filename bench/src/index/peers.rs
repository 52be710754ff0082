//! Peers in C++: built when the suite runs, if their headers are there.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::suite::Prepared;
use crate::Outcome;
use crate::measure::Samples;
use crate::process::{Figures, figures_of, output_of};

/// A program that measures one or several subjects.
struct Source {
    file: &'static str,
    libraries: &'static [&'static str],
    /// How to get what it needs.
    install: &'static str,
}

const SOURCES: [Source; 3] = [
    Source { file: "lower_bound.cpp", libraries: &[], install: "install g++" },
    Source {
        file: "absl_btree.cpp",
        libraries: &["-labsl_throw_delegate", "-labsl_raw_logging_internal"],
        install: "install g++ and Debian's libabsl-dev",
    },
    Source { file: "pgm.cpp", libraries: &[], install: "install g++ and run `python3 peers/fetch.py`" },
];
const FLAGS: [&str; 3] = ["-O3", "-std=c++17", "-DNDEBUG"];

/// A subject of a program in C++.
pub(super) struct Peer {
    program: PathBuf,
    /// Its name on the command line.
    pub(super) word: String,
    /// What stands in tables.
    pub(super) name: String,
    /// Bytes a key that it needs at the most beside the mapped file.
    pub(super) bytes_a_key: u64,
    /// Whether keys can be inserted.
    pub(super) is_map: bool,
}

impl Peer {
    /// Measures it in a process of its own.
    pub(super) fn measure(&self, prepared: &Prepared<'_>, part: &str) -> Outcome<Figures> {
        let runs = prepared.settings.runs.to_string();
        let mut command = Command::new(&self.program);
        command.args([part, &self.word, prepared.set.name]).arg(prepared.folder.path()).arg(runs);
        figures_of(&mut command, prepared.longest())
    }
}

/// Builds the programs and asks them for their subjects. What cannot be built is noted.
pub(super) fn build(samples: &mut Samples) -> Outcome<Vec<Peer>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let programs = std::env::current_exe()?.with_file_name("index-peers");
    std::fs::create_dir_all(&programs)?;
    let mut peers = Vec::new();
    for source in SOURCES {
        let program = programs.join(source.file).with_extension("");
        let mut compiler = Command::new("g++");
        compiler.args(FLAGS).arg("-I").arg(folder.join("fetched/pgm"));
        compiler.arg("-o").arg(&program).arg(folder.join(source.file)).args(source.libraries);
        if is_newer(&program, &[folder.join(source.file), folder.join("harness.hpp")]) {
            peers.extend(list(&program)?);
            continue;
        }
        if let Err(failure) = output_of(&mut compiler) {
            let text = failure.to_string();
            let line = text.lines().find(|line| line.contains("error")).unwrap_or("g++ did not run");
            samples.note(source.file, format!("left out; {}: {}", source.install, line.trim()));
            continue;
        }
        peers.extend(list(&program)?);
    }
    Ok(peers)
}

/// Whether a program was built after all of its sources were changed.
fn is_newer(program: &Path, sources: &[PathBuf]) -> bool {
    let time = |path: &Path| path.metadata().and_then(|facts| facts.modified()).ok();
    let built = time(program);
    built.is_some() && sources.iter().all(|source| time(source) < built)
}

/// Asks a program for its subjects.
fn list(program: &Path) -> Outcome<Vec<Peer>> {
    let listed = output_of(Command::new(program).arg("list"))?;
    Ok(listed.lines().filter_map(|line| peer_of(line, program)).collect())
}

/// A line of what a program lists: word, name, bytes a key, whether it is a map; between tabs.
fn peer_of(line: &str, program: &Path) -> Option<Peer> {
    let mut fields = line.split('\t');
    let (word, name) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let bytes_a_key = fields.next()?.parse().ok()?;
    Some(Peer { program: program.to_owned(), word, name, bytes_a_key, is_map: fields.next()? == "map" })
}
