//! The table that names samples and their files: `samples.tsv`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bson::Document;

use crate::failure::{Failure, Result};
use crate::records::{CellTypes, Format, read_documents};

/// A sample to add: its name, and its files in order (`-` is standard input).
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) files: Vec<PathBuf>,
}

/// Reads the columns `sample` and `paths`; paths are parted by commas and lie beside the table.
pub(crate) fn read_manifest(path: &Path) -> Result<Vec<Sample>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let format = Format::of_path(path).or(Some(Format::Tsv));
    let mut samples = Vec::new();
    let mut names = BTreeSet::new();
    for (row, document) in read_documents(path, format, CellTypes::Strings)?.enumerate() {
        let document = document?;
        let failure =
            |what: String| Failure::Records { file: path.display().to_string(), line: row as u64 + 2, what };
        let name = column(&document, "sample").map_err(failure)?;
        let paths = column(&document, "paths").map_err(failure)?;
        if !names.insert(name.to_owned()) {
            return Err(failure(format!("the sample `{name}` stands here a second time")));
        }
        let files: Vec<PathBuf> = paths
            .split(',')
            .map(str::trim)
            .filter(|file| !file.is_empty())
            .map(|file| if file == "-" { PathBuf::from(file) } else { folder.join(file) })
            .collect();
        if files.is_empty() {
            return Err(failure(format!("the sample `{name}` has no file: name at least one in `paths`")));
        }
        samples.push(Sample { name: name.to_owned(), files });
    }
    if samples.is_empty() {
        let what = "no samples: a line for each is wanted, with the columns `sample` and `paths`".to_owned();
        return Err(Failure::Records { file: path.display().to_string(), line: 1, what });
    }
    Ok(samples)
}

fn column<'a>(row: &'a Document, name: &str) -> std::result::Result<&'a str, String> {
    match row.get_str(name) {
        Ok(cell) => Ok(cell),
        Err(_) => Err(format!(
            "the column `{name}` is missing or empty; a table of samples has `sample` and `paths`"
        )),
    }
}
