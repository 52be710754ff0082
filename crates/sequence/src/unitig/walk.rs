//! Walks along all strings of a dictionary, base by base: what reads every k-mer once goes this way.

use stroma_quotient::Key;

use super::dictionary::UnitigDictionary;
use crate::kmer::{Geometry, KmerAt, Minimizers, Strands, Word};

/// The next base of the strings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) code: u64,
    /// Whether it is the first of a string.
    pub(super) begins: bool,
    /// Position and colour of the k-mer that ends with it.
    pub(super) kmer: Option<(u64, u32)>,
}

impl UnitigDictionary<'_> {
    /// Hands out all bases in order. Whatever the bytes, there are at most some three times as many as they have room
    /// for, and k more for each run.
    pub(super) fn walk<W: Key, E>(&self, mut take: impl FnMut(Step) -> Result<(), E>) -> Result<(), E> {
        let length = self.length::<W>();
        let overlap = u64::from(length.bases()) - 1;
        let mut begins = true;
        for run in self.runs.iter() {
            if begins {
                for position in run.start..run.start + overlap {
                    let code = self.bases.get(position);
                    take(Step { code, begins: position == run.start, kmer: None })?;
                }
            }
            let colour = self.runs.colour(run.number);
            for position in run.start..self.kmers_end(length, run) {
                let code = self.bases.get(position + overlap);
                take(Step { code, begins: false, kmer: Some((position, colour)) })?;
            }
            begins = self.runs.is_last_of_string(run.number);
        }
        Ok(())
    }

    /// Hands out all k-mers, canonical, each with its partition in an index of this geometry and its colour, in the
    /// order of the strings. Constant time for each on average.
    ///
    /// # Panics
    /// If the word is too narrow for k.
    pub(crate) fn for_each_at<W: Word, E>(
        &self,
        geometry: Geometry,
        mut take: impl FnMut(KmerAt<W>, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut strands = Strands::<W>::new(self.k());
        let mut minimizers = Minimizers::new(geometry);
        self.walk::<W, E>(|step| {
            if step.begins {
                minimizers.restart();
            }
            strands.push(step.code as u8);
            minimizers.push(step.code as u8);
            let Some((_, colour)) = step.kmer else { return Ok(()) };
            let partition = geometry.partition_of(minimizers.smallest());
            take(KmerAt { partition, kmer: strands.canonical() }, colour)
        })
    }
}
