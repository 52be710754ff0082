//! Splits the sequences of one sample into super-k-mers, partition by partition, in memory up to a cap.

use super::pieces::{PackedBases, most_bytes, push_pieces};
use super::spill::Spills;
use super::waiting::Waiting;
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
    pieces: Waiting,
}

impl Scattered {
    /// Takes up to `most_bytes` of memory for what waits; more goes to temporary blobs.
    pub(super) fn new(geometry: Geometry, most_bytes: usize) -> Self {
        Scattered {
            geometry,
            minimizers: Minimizers::new(geometry),
            codes: Vec::with_capacity(STRETCH),
            bases: PackedBases::default(),
            pieces: Waiting::new(geometry.partitions(), most_bytes),
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

    /// Appends a super-k-mer to its partition.
    fn put(&mut self, partition: u32, first: usize, kmers: usize, spills: &Spills) -> Result<(), Error> {
        let k = usize::from(self.geometry.k());
        let pieces = self.pieces.room(partition, most_bytes(kmers, k), kmers as u64, spills)?;
        push_pieces(pieces, &self.bases, first, kmers, k);
        Ok(())
    }

    /// What waits of each partition: super-k-mers.
    pub(super) fn waiting(&self) -> &Waiting {
        &self.pieces
    }
}
