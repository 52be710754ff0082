//! Verifies a layer wholly: what checksums tell, and what they do not.

use super::format::ALIGNMENT;
use super::open::sections_in_order;
use super::{Layer, LayerError};
use crate::kmer::Word;
use crate::unitig::{DictionaryError, UnitigDictionary};

impl Layer {
    /// Verifies every checksum and every byte between the sections, that k-mers ascend and that each
    /// colour-set id can be decoded.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn verify(&self) -> Result<(), LayerError> {
        let blob = &*self.blob;
        let sets = &self.sets;
        for section in [&sets.sets, &sets.offsets, &sets.pairs, &sets.roots] {
            section.verify(blob)?;
        }
        self.colour_table()?.verify().ok_or_else(|| self.corrupt_sets())?;
        match (self.dictionary()?, self.geometry().is_wide()) {
            (Some(dictionary), false) => self.verify_dictionary::<u64>(&dictionary)?,
            (Some(dictionary), true) => self.verify_dictionary::<u128>(&dictionary)?,
            (None, false) => self.verify_partitions::<u64>()?,
            (None, true) => self.verify_partitions::<u128>()?,
        }
        self.verify_padding()
    }

    fn verify_partitions<W: Word>(&self) -> Result<(), LayerError> {
        (0..self.geometry().partitions()).try_for_each(|number| self.verify_partition::<W>(number))
    }

    /// The dictionary against itself, its colours against the sets, its k-mers against the directory.
    fn verify_dictionary<W: Word>(&self, dictionary: &UnitigDictionary<'_>) -> Result<(), LayerError> {
        if let Some(section) = &self.dictionary {
            section.verify(&*self.blob)?;
        }
        dictionary.verify().map_err(|error| self.damaged_dictionary(error))?;
        let corrupt = |what| self.damaged_dictionary(DictionaryError::Corrupt { offset: 0, what });
        let mut counts = vec![0_u64; self.partitions.len()];
        dictionary.for_each_at::<W, _>(self.geometry(), |at, set_id| {
            counts[at.partition as usize] += 1;
            let is_there = set_id < self.colour_sets();
            if is_there { Ok(()) } else { Err(corrupt("a k-mer has a colour set that is not there")) }
        })?;
        if !(0_u32..).zip(counts).all(|(number, count)| count == self.partition_kmers(number)) {
            return Err(corrupt("a partition has not as many k-mers as the directory says"));
        }
        Ok(())
    }

    fn verify_partition<W: Word>(&self, number: u32) -> Result<(), LayerError> {
        let (blob, partition) = (&*self.blob, &self.partitions[number as usize]);
        let loaded = self.load_partition(number)?;
        let view = loaded.view::<W>()?;
        view.verify().map_err(|error| self.unreadable(partition, error))?;
        let sets = self.colour_sets();
        if view.iter().any(|(_, set_id)| set_id >= sets) {
            return Err(partition.colours.corrupt(blob, "a k-mer has a colour set that is not there"));
        }
        Ok(())
    }

    /// The bytes between sections must be zero.
    fn verify_padding(&self) -> Result<(), LayerError> {
        let entries = self.partitions.iter().map(|partition| &partition.entry);
        for (pointer, _) in sections_in_order(entries, &self.footer) {
            let end = pointer.end().unwrap_or(u64::MAX);
            let mut padding = [0; ALIGNMENT as usize];
            let length = (end.next_multiple_of(ALIGNMENT) - end) as usize;
            self.blob.read_exact_at(end, &mut padding[..length])?;
            if padding != [0; ALIGNMENT as usize] {
                let (place, what) = (self.place(), "the bytes between two sections are not zero");
                return Err(LayerError::Corrupt { place, offset: end, what });
            }
        }
        Ok(())
    }
}
