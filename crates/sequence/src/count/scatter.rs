//! Splits the sequences of one sample into super-k-mers, partition by partition, in memory up to a cap.

use super::pieces::{PackedBases, most_bytes, push_pieces};
use super::spill::{SpilledRun, Spills};
use crate::Error;
use crate::kmer::{Geometry, Minimizers, NO_BASE, code};

/// Bases worked on at once: their codes stay in the processor's cache.
const STRETCH: usize = 1 << 14;

/// The super-k-mers of one sample, by partition.
#[derive(Debug)]
pub(super) struct Scattered {
    geometry: Geometry,
    minimizers: Minimizers,
    codes: Vec<u8>,
    bases: PackedBases,
    partitions: Vec<Partition>,
    /// Bytes that the partitions take in memory, spare room included.
    held_bytes: usize,
    most_bytes: usize,
    runs: Vec<SpilledRun>,
}

/// What a partition has so far.
#[derive(Debug, Default)]
struct Partition {
    pieces: Vec<u8>,
    kmers: u64,
}

impl Scattered {
    /// Takes up to `most_bytes` of memory for what waits; more goes to temporary blobs.
    pub(super) fn new(geometry: Geometry, most_bytes: usize) -> Self {
        let partitions = (0..geometry.partitions()).map(|_| Partition::default()).collect();
        Scattered {
            geometry,
            minimizers: Minimizers::new(geometry),
            codes: Vec::with_capacity(STRETCH),
            bases: PackedBases::default(),
            partitions,
            held_bytes: 0,
            most_bytes,
            runs: Vec::new(),
        }
    }

    /// Takes the k-mers of a sequence in, and tells how many they are.
    pub(super) fn add(&mut self, sequence: &[u8], spills: &Spills) -> Result<u64, Error> {
        let k = usize::from(self.geometry.k());
        let mut kmers = 0;
        self.codes.clear();
        for &byte in sequence {
            let code = code(byte);
            if code != NO_BASE {
                self.codes.push(code);
                if self.codes.len() < STRETCH {
                    continue;
                }
            }
            kmers += self.take_stretch(spills)?;
            // The k-mers over the end of a stretch belong to the next; nothing reaches over what is no base.
            let kept = if code == NO_BASE { 0 } else { k - 1 };
            self.codes.drain(..self.codes.len() - kept);
        }
        kmers += self.take_stretch(spills)?;
        Ok(kmers)
    }

    /// Takes the k-mers of the stretch in `codes`.
    fn take_stretch(&mut self, spills: &Spills) -> Result<u64, Error> {
        let k = usize::from(self.geometry.k());
        if self.codes.len() < k {
            return Ok(0);
        }
        self.bases.fill(&self.codes);
        self.minimizers.restart();
        self.codes[..k - 1].iter().for_each(|&code| self.minimizers.push(code));
        let (mut begun, mut hash, mut partition) = (0, None, 0);
        for first in 0..=self.codes.len() - k {
            self.minimizers.push(self.codes[first + k - 1]);
            let smallest = self.minimizers.smallest();
            if hash != Some(smallest) {
                let next = self.geometry.partition_of(smallest);
                if hash.is_some() && next != partition {
                    self.put(partition, begun, first - begun, spills)?;
                    begun = first;
                }
                (hash, partition) = (Some(smallest), next);
            }
        }
        let kmers = self.codes.len() - k + 1;
        self.put(partition, begun, kmers - begun, spills)?;
        Ok(kmers as u64)
    }

    /// Appends a super-k-mer to its partition, after spilling all if there is no room left.
    fn put(&mut self, partition: u32, first: usize, kmers: usize, spills: &Spills) -> Result<(), Error> {
        let k = usize::from(self.geometry.k());
        let most = most_bytes(kmers, k);
        let pieces = &self.partitions[partition as usize].pieces;
        if pieces.capacity() - pieces.len() < most {
            let more = pieces.capacity().max(most);
            if self.held_bytes + more > self.most_bytes && self.held_bytes > 0 {
                self.spill(spills)?;
            }
            let pieces = &mut self.partitions[partition as usize].pieces;
            let before = pieces.capacity();
            pieces.reserve_exact(before.max(most));
            self.held_bytes += pieces.capacity() - before;
        }
        let partition = &mut self.partitions[partition as usize];
        push_pieces(&mut partition.pieces, &self.bases, first, kmers, k);
        partition.kmers += kmers as u64;
        Ok(())
    }

    /// Moves everything that waits to a temporary blob.
    fn spill(&mut self, spills: &Spills) -> Result<(), Error> {
        let waiting = self.partitions.iter().map(|partition| partition.pieces.as_slice());
        self.runs.push(SpilledRun::write(spills, waiting)?);
        self.partitions.iter_mut().for_each(|partition| partition.pieces = Vec::new());
        self.held_bytes = 0;
        Ok(())
    }

    /// k-mers of a partition, repeats included.
    pub(super) fn kmers_of(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].kmers
    }

    /// Calls `each` with all pieces of a partition, run by run.
    pub(super) fn for_each_run(
        &self,
        partition: u32,
        mut each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for run in &self.runs {
            each(&run.read(partition as usize)?)?;
        }
        each(&self.partitions[partition as usize].pieces)
    }
}
