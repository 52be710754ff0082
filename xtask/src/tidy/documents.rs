//! Rules about the documents: every relative link leads somewhere, every crate and every format has its page.

use super::run::{Finding, SourceFile};

pub(crate) fn check(tree: &[SourceFile], findings: &mut Vec<Finding>) {
    for (file, text) in tree.iter().filter_map(|file| file.text.as_deref().map(|text| (file, text))) {
        if file.path.ends_with(".md") {
            for (index, line) in text.lines().enumerate() {
                for target in links(line) {
                    check_link(tree, file, index + 1, target, findings);
                }
            }
        }
    }
    let architecture =
        tree.iter().find(|file| file.path == "ARCHITECTURE.md").and_then(|file| file.text.as_deref());
    for file in tree.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let Some(folder) = file.path.strip_suffix("/Cargo.toml").filter(|path| path.starts_with("crates/"))
        else {
            continue;
        };
        if !architecture.is_some_and(|text| text.contains(folder)) {
            findings.push(Finding::new("ARCHITECTURE.md", 1, format!("does not say what `{folder}` is")));
        }
    }
}

/// The targets of inline links on a line of Markdown.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

fn check_link(
    tree: &[SourceFile],
    file: &SourceFile,
    line: usize,
    target: &str,
    findings: &mut Vec<Finding>,
) {
    let target = target.split('#').next().unwrap_or("");
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return;
    }
    let mut parts: Vec<&str> = file.path.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    let folder = format!("{path}/");
    if !tree.iter().any(|other| other.path == path || other.path.starts_with(&folder)) {
        findings.push(Finding::new(&file.path, line, format!("the link to `{target}` leads nowhere")));
    }
}
