//! Rules about Rust files: lengths, columns, the sentence a module opens with, and where `unsafe` may stand.

use super::run::{Finding, SourceFile};

/// Lines of code a file may have, its tests not counted.
const LONGEST_FILE: usize = 600;
/// Half of all files must be shorter than this.
const LONGEST_MEDIAN: usize = 200;
const LONGEST_FUNCTION: usize = 70;
const WIDEST_LINE: usize = 120;
/// A table of contents is short.
const LONGEST_CONTENTS: usize = 80;

/// The modules that exist for `unsafe`, and those that call what says `unsafe` so that nobody overlooks a promise.
const UNSAFE_MODULES: &[&str] = &[
    "bench/src/index/mapped.rs",
    "crates/hybrid/examples/dictionary_figures.rs",
    "crates/hybrid/examples/mapped_dictionary.rs",
    "crates/hybrid/src/mapped/held.rs",
    "crates/hybrid/src/mapped/open.rs",
    "crates/hybrid/src/mapped/region.rs",
    "crates/hybrid/src/processor.rs",
    "crates/hybrid/tests/dictionary.rs",
    "crates/hybrid/tests/mapped_map.rs",
    "crates/hybrid/tests/shared/map_attack.rs",
    "crates/logmem/src/memory/cell.rs",
    "crates/logmem/src/memory/cells.rs",
    "crates/logmem/src/memory/holding.rs",
    "crates/logmem/src/memory/lines.rs",
    "crates/logmem/src/memory/mapping.rs",
    "crates/logmem/src/memory/pins.rs",
    "crates/logmem/src/memory/prefetch.rs",
    "crates/logmem/src/memory/scan.rs",
    "crates/quotient/src/machine/memory.rs",
    "crates/quotient/src/machine/processor.rs",
    "crates/quotient/src/machine/regions.rs",
    "crates/quotient/src/machine/sight.rs",
    "crates/strata/src/storage/local/window.rs",
    "crates/strata/src/storage/map.rs",
];

pub(crate) fn check(tree: &[SourceFile], findings: &mut Vec<Finding>) {
    for (file, text) in rust_files(tree) {
        let lines: Vec<&str> = text.lines().collect();
        check_head(file, &lines, findings);
        check_lengths(file, &lines, findings);
        check_functions(file, &lines, findings);
        check_unsafe(file, &lines, findings);
    }
    let (_, median) = median_length(tree);
    if median >= LONGEST_MEDIAN {
        let what = format!("the median Rust file has {median} lines; keep it under {LONGEST_MEDIAN}");
        findings.push(Finding::new("crates/", 1, what));
    }
}

/// How many Rust files there are, and the median of their lengths.
pub(crate) fn median_length(tree: &[SourceFile]) -> (usize, usize) {
    let mut lengths: Vec<usize> = rust_files(tree).map(|(_, text)| text.lines().count()).collect();
    lengths.sort_unstable();
    (lengths.len(), lengths.get(lengths.len() / 2).copied().unwrap_or(0))
}

fn rust_files(tree: &[SourceFile]) -> impl Iterator<Item = (&SourceFile, &str)> {
    tree.iter()
        .filter(|file| file.path.ends_with(".rs"))
        .filter_map(|file| file.text.as_deref().map(|text| (file, text)))
}

fn check_head(file: &SourceFile, lines: &[&str], findings: &mut Vec<Finding>) {
    let first = lines.first().copied().unwrap_or("");
    if !first.starts_with("//! ") && !first.starts_with("#![") {
        findings.push(Finding::new(
            &file.path,
            1,
            "a module opens with `//! ` and a sentence on what it is for",
        ));
    }
    if !lines.iter().take(4).any(|line| line.starts_with("//! ") && line.len() > 20) {
        findings.push(Finding::new(
            &file.path,
            1,
            "the module's first sentence is missing or too short to help",
        ));
    }
}

fn check_lengths(file: &SourceFile, lines: &[&str], findings: &mut Vec<Finding>) {
    let code = lines.iter().position(|line| *line == "#[cfg(test)]").unwrap_or(lines.len());
    let is_test = file.path.contains("/tests/") || file.path.contains("tests.rs");
    if code > LONGEST_FILE && !is_test {
        let what = format!("{code} lines without tests: split it, no file may pass {LONGEST_FILE}");
        findings.push(Finding::new(&file.path, 1, what));
    }
    if file.path.ends_with("/mod.rs") && !is_test && code > LONGEST_CONTENTS {
        findings.push(Finding::new(
            &file.path,
            1,
            "`mod.rs` is a table of contents: move the code to a file",
        ));
    }
    for (index, line) in lines.iter().enumerate() {
        let width = line.chars().count();
        if width > WIDEST_LINE {
            findings.push(Finding::new(
                &file.path,
                index + 1,
                format!("{width} columns; {WIDEST_LINE} at most"),
            ));
        }
    }
}

/// Relies on the formatter: a function's body ends at the first `}` of the same indentation.
fn check_functions(file: &SourceFile, lines: &[&str], findings: &mut Vec<Finding>) {
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let end_line = format!("{indentation}}}");
        let Some(length) = lines[start..].iter().position(|line| *line == end_line) else { continue };
        if length > LONGEST_FUNCTION {
            let what = format!("`{name}` has {length} lines; a function has {LONGEST_FUNCTION} at most");
            findings.push(Finding::new(&file.path, start + 1, what));
        }
    }
}

/// The name of the function whose declaration opens a body on this line or a later one.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    if line.trim_end().ends_with('}') || line.trim_end().ends_with(';') {
        return None;
    }
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

fn check_unsafe(file: &SourceFile, lines: &[&str], findings: &mut Vec<Finding>) {
    if UNSAFE_MODULES.iter().any(|module| file.path == *module) || file.path.starts_with("xtask/") {
        return;
    }
    for (index, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        if code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl") {
            let what = "`unsafe` outside the modules that exist for it (listed in tidy/rust_source.rs)";
            findings.push(Finding::new(&file.path, index + 1, what));
        }
    }
}
