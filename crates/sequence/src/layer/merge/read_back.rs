//! Reads the k-mers of cold layers back into partitions of mixed k-mers in order.
//!
//! The strings of a dictionary go across all partitions. So as many partitions as fit the memory are read back at once,
//! by walking along all strings and leaving aside what belongs to others; the next ones by walking again.

use std::ops::Range;

use parking_lot::Mutex;
use stroma_quotient::Mixing;

use super::plan::Merge;
use crate::kmer::{Word, mixing};
use crate::layer::{Layer, LayerError};
use crate::parallel;

/// A mixed k-mer and its colour set's id in its layer.
type Entry<W> = (W, u32);

/// Bytes of memory that a k-mer takes once it was read back.
pub(super) fn bytes_of_entry<W: Word>() -> u64 {
    size_of::<Entry<W>>() as u64
}

/// What cold inputs have of some partitions.
pub(super) struct ReadBack<W> {
    partitions: Range<u32>,
    inputs: Vec<ReadInput<W>>,
}

/// What one cold input has of them.
struct ReadInput<W> {
    number: usize,
    /// The k-mers of each partition, in no order.
    kmers: Vec<Mutex<Vec<Entry<W>>>>,
}

impl Merge<'_> {
    /// Reads what cold inputs have of some partitions, several inputs at a time.
    pub(super) fn read_back<W: Word>(
        &self,
        partitions: Range<u32>,
        threads: usize,
    ) -> Result<ReadBack<W>, LayerError> {
        let cold: Vec<(usize, &Layer)> = self.cold_inputs().collect();
        let mixing = mixing::<W>(self.geometry);
        let mut inputs = Vec::with_capacity(cold.len());
        parallel::in_order(
            threads,
            cold.len() as u32,
            |at| read_layer(cold[at as usize].1, &mixing, &partitions),
            |at, kmers| {
                let kmers = kmers.into_iter().map(Mutex::new).collect();
                inputs.push(ReadInput { number: cold[at as usize].0, kmers });
                Ok(())
            },
        )?;
        Ok(ReadBack { partitions, inputs })
    }
}

/// The k-mers of a cold layer that belong to some partitions.
fn read_layer<W: Word>(
    layer: &Layer,
    mixing: &Mixing<W>,
    partitions: &Range<u32>,
) -> Result<Vec<Vec<Entry<W>>>, LayerError> {
    let contradiction = || LayerError::Corrupt {
        place: layer.place(),
        offset: 0,
        what: "a partition has not as many k-mers as the directory says",
    };
    let Some(dictionary) = layer.dictionary()? else { return Ok(Vec::new()) };
    let expected: Vec<usize> =
        partitions.clone().map(|partition| layer.partition_kmers(partition) as usize).collect();
    let mut read: Vec<Vec<Entry<W>>> = expected.iter().map(|&kmers| Vec::with_capacity(kmers)).collect();
    dictionary.for_each_at::<W, _>(layer.geometry(), |at, set_id| {
        if !partitions.contains(&at.partition) {
            return Ok(());
        }
        let into = &mut read[(at.partition - partitions.start) as usize];
        // No more memory than was asked for, whatever the strings hold.
        if into.len() == into.capacity() {
            return Err(contradiction());
        }
        into.push((mixing.hash(at.kmer), set_id));
        Ok(())
    })?;
    let is_whole = read.iter().zip(expected).all(|(read, expected)| read.len() == expected);
    if is_whole { Ok(read) } else { Err(contradiction()) }
}

impl<W: Word> ReadBack<W> {
    /// Takes what an input has of a partition, ascending; once.
    pub(super) fn take_sorted(&self, partition: u32, input: usize) -> Vec<Entry<W>> {
        let of_input = self.inputs.iter().find(|of_input| of_input.number == input);
        let at = partition.checked_sub(self.partitions.start);
        let kmers = of_input.zip(at).and_then(|(of_input, at)| of_input.kmers.get(at as usize));
        let mut kmers = kmers.map(|kmers| std::mem::take(&mut *kmers.lock())).unwrap_or_default();
        kmers.sort_unstable_by_key(|&(kmer, _)| kmer);
        kmers
    }
}
