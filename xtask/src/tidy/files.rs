//! Rules about files as such: no large blobs, no stray kinds of file, no trailing white space, no leftovers.

use super::run::{Finding, SourceFile};

/// No single file may be larger; the collection in `examples/` has 8 MB in all.
const LARGEST_FILE: u64 = 1 << 20;
const LARGEST_COLLECTION: u64 = 8_000_000;

/// What the project consists of; anything else is a stray file.
const KNOWN_ENDINGS: &[&str] = &[
    "rs", "toml", "md", "lock", "py", "json", "txt", "tsv", "yml", "svg", "fasta", "gz", "xz", "zst", "bz2",
    "js", "cpp", "hpp", "sbatch",
];
const KNOWN_NAMES: &[&str] = &[".gitignore", ".npmrc", "LICENSE-MIT", "LICENSE-APACHE", "Snakefile", "run"];

/// Words that mark unfinished work or a path of somebody's machine.
const LEFTOVERS: &[&str] = &["TO\u{44}O", "FIX\u{4d}E", "XX\u{58}", "/wor\u{6b}/", "/hom\u{65}/"];

pub(crate) fn check(tree: &[SourceFile], findings: &mut Vec<Finding>) {
    let mut collection = 0;
    for file in tree {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        // Databases as releases wrote them.
        let is_fixture = file.path.contains("/tests/fixtures/");
        if !KNOWN_ENDINGS.contains(&ending) && !KNOWN_NAMES.contains(&name) && !is_fixture {
            findings.push(Finding::new(
                &file.path,
                1,
                "a stray file: remove it, or add its kind to tidy/files.rs",
            ));
        }
        if file.bytes > LARGEST_FILE {
            findings.push(Finding::new(
                &file.path,
                1,
                format!("{} bytes: no file may pass {LARGEST_FILE}", file.bytes),
            ));
        }
        if file.path.starts_with("examples/") {
            collection += file.bytes;
        }
        if let Some(text) = &file.text {
            check_text(file, text, findings);
        }
    }
    if collection > LARGEST_COLLECTION {
        let what = format!("{collection} bytes: the collection may have {LARGEST_COLLECTION}");
        findings.push(Finding::new("examples/", 1, what));
    }
}

fn check_text(file: &SourceFile, text: &str, findings: &mut Vec<Finding>) {
    let is_generated = file.path.ends_with(".lock") || file.path.ends_with("package-lock.json");
    let is_ours = !is_generated && !file.path.starts_with("LICENSE") && !file.path.ends_with(".tsv");
    if !is_ours {
        return;
    }
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            findings.push(Finding::new(&file.path, index + 1, "white space at the end of the line"));
        }
        if let Some(word) = LEFTOVERS.iter().find(|word| line.contains(**word)) {
            findings.push(Finding::new(&file.path, index + 1, format!("`{word}` has no place in a commit")));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::new(&file.path, text.lines().count(), "no line end at the end of the file"));
    }
}
