//! Where the shipped sample collection is.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// The files of a sample collection.
pub(super) struct Collection {
    pub(super) samples: PathBuf,
    pub(super) genes: PathBuf,
}

impl Collection {
    /// The collection in `folder`; without one, that beside the working folder, or that of the source this program
    /// was built from.
    pub(super) fn find(folder: Option<&Path>) -> Result<Collection> {
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let candidates = match folder {
            Some(folder) => vec![folder.to_path_buf()],
            None => vec![PathBuf::from("examples"), built_from],
        };
        for candidate in &candidates {
            let found =
                Collection { samples: candidate.join("samples.tsv"), genes: candidate.join("genes.fasta") };
            if found.samples.is_file() && found.genes.is_file() {
                return Ok(found);
            }
        }
        let places: Vec<String> = candidates.iter().map(|place| place.display().to_string()).collect();
        Err(Failure::Usage {
            what: format!("no sample collection (samples.tsv and genes.fasta) in {}", places.join(" or ")),
            hint: "name its folder with --collection; the source of Stromatolite has it in `examples`".into(),
        })
    }
}
