//! Text-driven tests: a file of cases, each an input, a line `----` and the expected output up to an empty
//! line.
//!
//! With `STRATA_REWRITE_GOLDEN=1` in the environment the expected outputs are replaced by the ones found;
//! look at the difference before you keep it.

#![allow(clippy::disallowed_methods, reason = "golden files are read and rewritten by tests only")]

use std::fs;
use std::path::Path;

use crate::layer::LayerDescriptor;

/// Runs every case of `tests/golden/<file>` through `answer`.
pub(crate) fn check(file: &str, mut answer: impl FnMut(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let mut rewritten = String::new();
    let mut differences = Vec::new();
    for case in text.split("\n\n").map(|case| case.trim_matches('\n')).filter(|case| !case.is_empty()) {
        if !rewritten.is_empty() {
            rewritten.push('\n');
        }
        let Some((input, expected)) = case.split_once("\n----") else {
            assert!(case.lines().all(|line| line.starts_with('#')), "no ---- in the case\n{case}");
            rewritten.push_str(case);
            rewritten.push('\n');
            continue;
        };
        let found = answer(input);
        rewritten.push_str(&format!("{input}\n----\n{}\n", found.trim_end()));
        if found.trim() != expected.trim() {
            differences.push(format!("{input}\n---- expected\n{}\n---- found\n{found}", expected.trim()));
        }
    }
    if std::env::var_os("STRATA_REWRITE_GOLDEN").is_some() {
        fs::write(&path, rewritten).unwrap();
    } else {
        assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    }
}

/// The value of `name=value` among the words of a line.
pub(crate) fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// As [`value`], as a number.
pub(crate) fn number(line: &str, name: &str) -> u64 {
    value(line, name).map_or(0, |value| value.parse().unwrap())
}

/// A layer as a line describes it; what the line leaves out is zero or empty.
pub(crate) fn layer(line: &str) -> LayerDescriptor {
    let (smallest, largest) = value(line, "keys").unwrap().split_once("..").unwrap();
    LayerDescriptor {
        id: line.split_whitespace().nth(1).unwrap().parse().unwrap(),
        level: number(line, "level") as u32,
        recency: number(line, "recency"),
        smallest: smallest.into(),
        largest: largest.into(),
        bytes: number(line, "bytes"),
        entries: number(line, "entries"),
        deletes: number(line, "deletes"),
        created: number(line, "created"),
        metadata: value(line, "metadata").unwrap_or_default().into(),
    }
}
