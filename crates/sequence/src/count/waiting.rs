//! What waits to be sorted, partition by partition: bytes in memory up to a cap, the rest in temporary blobs.

use super::spill::{SpilledRun, Spills};
use crate::Error;

/// The bytes of all partitions that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    partitions: Vec<Partition>,
    /// Bytes that the partitions take in memory, spare room included.
    held_bytes: usize,
    most_bytes: usize,
    runs: Vec<SpilledRun>,
}

/// What a partition has so far.
#[derive(Debug, Default)]
struct Partition {
    bytes: Vec<u8>,
    kmers: u64,
}

impl Waiting {
    /// Takes up to `most_bytes` of memory; more goes to temporary blobs.
    pub(super) fn new(partitions: u32, most_bytes: usize) -> Self {
        let partitions = (0..partitions).map(|_| Partition::default()).collect();
        Waiting { partitions, held_bytes: 0, most_bytes, runs: Vec::new() }
    }

    /// The bytes of a partition, to which up to `most` bytes may be appended that tell of `kmers` k-mers. Spills
    /// everything first if there is no room left.
    pub(super) fn room(
        &mut self,
        partition: u32,
        most: usize,
        kmers: u64,
        spills: &Spills,
    ) -> Result<&mut Vec<u8>, Error> {
        let bytes = &self.partitions[partition as usize].bytes;
        if bytes.capacity() - bytes.len() < most {
            let more = bytes.capacity().max(most);
            if self.held_bytes + more > self.most_bytes && self.held_bytes > 0 {
                self.spill(spills)?;
            }
            let bytes = &mut self.partitions[partition as usize].bytes;
            let before = bytes.capacity();
            bytes.reserve_exact(before.max(most));
            self.held_bytes += bytes.capacity() - before;
        }
        let partition = &mut self.partitions[partition as usize];
        partition.kmers += kmers;
        Ok(&mut partition.bytes)
    }

    /// Moves everything that waits to a temporary blob.
    fn spill(&mut self, spills: &Spills) -> Result<(), Error> {
        let waiting = self.partitions.iter().map(|partition| partition.bytes.as_slice());
        self.runs.push(SpilledRun::write(spills, waiting)?);
        self.partitions.iter_mut().for_each(|partition| partition.bytes = Vec::new());
        self.held_bytes = 0;
        Ok(())
    }

    /// k-mers of a partition, repeats included.
    pub(super) fn kmers_of(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].kmers
    }

    /// k-mers of the partition that has most.
    pub(super) fn largest(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.kmers).max().unwrap_or(0)
    }

    /// Calls `each` with all bytes of a partition, run by run.
    pub(super) fn for_each_run(
        &self,
        partition: u32,
        mut each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for run in &self.runs {
            each(&run.read(partition as usize)?)?;
        }
        each(&self.partitions[partition as usize].bytes)
    }
}
