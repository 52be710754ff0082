//! Runs every tidy rule over the files git knows and prints what breaks one.

use std::path::PathBuf;
use std::process::Command;

use super::{dependencies, documents, files, rust_source};
use crate::chore::{Failure, Outcome, project_root};

/// A file of the project: its path from the root, and its text when it is text.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) text: Option<String>,
}

/// A broken rule: where, and what to do.
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Finding { path: path.to_owned(), line, what: what.into() }
    }
}

/// Checks the whole tree; fails when a rule is broken.
pub(crate) fn run() -> Outcome {
    let tree = read_tree()?;
    let mut findings = Vec::new();
    files::check(&tree, &mut findings);
    rust_source::check(&tree, &mut findings);
    documents::check(&tree, &mut findings);
    dependencies::check(&tree, &mut findings);
    for finding in &findings {
        println!("{}:{}: {}", finding.path, finding.line, finding.what);
    }
    let (files, median) = rust_source::median_length(&tree);
    println!("tidy: {} files, {files} of Rust with a median of {median} lines", tree.len());
    if findings.is_empty() { Ok(()) } else { Err(Failure(format!("tidy: {} findings", findings.len()))) }
}

/// Every file that git tracks or would track.
fn read_tree() -> Outcome<Vec<SourceFile>> {
    let root = project_root();
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()?;
    if !listing.status.success() {
        return Err(Failure("tidy needs a git checkout: `git ls-files` failed".into()));
    }
    let names = String::from_utf8_lossy(&listing.stdout).into_owned();
    let mut tree = Vec::new();
    for path in names.split('\0').filter(|path| !path.is_empty()) {
        let full: PathBuf = root.join(path);
        // A file deleted but not yet staged is still listed.
        let Ok(content) = std::fs::read(&full) else { continue };
        let bytes = content.len() as u64;
        tree.push(SourceFile { path: path.to_owned(), bytes, text: String::from_utf8(content).ok() });
    }
    Ok(tree)
}
