//! The rule about dependencies: each one that a crate names has its line, with the reason, in `docs/dependencies.md`.

use super::run::{Finding, SourceFile};

const PAGE: &str = "docs/dependencies.md";

pub(crate) fn check(tree: &[SourceFile], findings: &mut Vec<Finding>) {
    let page = tree.iter().find(|file| file.path == PAGE).and_then(|file| file.text.as_deref()).unwrap_or("");
    let mut reported = std::collections::BTreeSet::new();
    for file in tree.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let Some(text) = &file.text else { continue };
        let mut in_dependencies = false;
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies]");
                continue;
            }
            let name = line.split(['=', '.', ' ']).next().unwrap_or("");
            let is_ours = name.starts_with("stroma") || name.is_empty() || name.starts_with('#');
            let is_explained = page.contains(&format!("`{name}`"));
            if in_dependencies && !is_ours && !is_explained && reported.insert(name) {
                findings.push(Finding::new(&file.path, index + 1, format!("`{name}` has no line in {PAGE}")));
            }
        }
    }
}
