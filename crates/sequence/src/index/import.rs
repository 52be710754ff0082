//! Adding a sample whose k-mers another program has counted.

use std::path::PathBuf;

use super::{Progress, SampleInfo, SequenceIndex, Step};
use crate::Error;
use crate::count::SampleCounter;
use crate::import::CountedKmers;

impl SequenceIndex {
    /// Takes in the k-mers of the files. The sample's minimum count is the largest of the files' and the one asked for.
    pub(super) fn import(
        &self,
        files: &[PathBuf],
        info: &mut SampleInfo,
        counter: &mut SampleCounter<'_>,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        for file in files {
            progress.report(Step::Opening { input: &file.display().to_string() });
            let counts = CountedKmers::open(file)?;
            counts.require_k(self.settings.geometry.k())?;
            info.minimum_count = info.minimum_count.max(counts.minimum_count());
            counter.add_counts(counts, |kmers| progress.report(Step::Importing { kmers }))?;
        }
        info.kmers = counter.kmers();
        Ok(())
    }
}
