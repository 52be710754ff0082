//! Writes a merge: partition by partition, or cold, as one dictionary.

use parking_lot::Mutex;

use super::partition::MergedPartition;
use super::plan::{Form, Merge};
use super::sets::Uniting;
use crate::kmer::{Word, mixing};
use crate::layer::resources::ColdBudget;
use crate::layer::writer::{LayerBuilder, LayerTotals, Sink};
use crate::layer::{EncodedKmers, LayerError, Resources};
use crate::parallel;
use crate::unitig::{CoverRoom, CoveredPart, DictionaryBuilder, DictionaryError};

impl Merge<'_> {
    /// Writes the merged layer, telling after each partition how many bytes of the inputs were read. One that
    /// is wanted cold is written in partitions if there is not memory enough, and the resources take note of
    /// it.
    ///
    /// Memory: as many partitions as fit the cap, the output's colour table and the combinations.
    pub(in crate::layer) fn write(
        &self,
        sink: &mut dyn Sink,
        resources: &Resources,
        is_wanted_cold: bool,
        mut note_read: impl FnMut(u64),
    ) -> Result<LayerTotals, LayerError> {
        if is_wanted_cold {
            let outcome = if self.geometry.is_wide() {
                self.write_strings::<u128>(sink, resources, &mut note_read)
            } else {
                self.write_strings::<u64>(sink, resources, &mut note_read)
            };
            match outcome {
                // Nothing was written yet.
                Err(LayerError::Memory { needed, allowed }) => resources.note_left_hot(needed, allowed),
                Err(error) => return Err(error),
                Ok(totals) => {
                    resources.note_cold();
                    return Ok(totals);
                }
            }
        }
        if self.geometry.is_wide() {
            self.write_partitions::<u128>(sink, resources, &mut note_read)
        } else {
            self.write_partitions::<u64>(sink, resources, &mut note_read)
        }
    }

    fn start<'s>(&'s self, sink: &'s mut dyn Sink) -> Result<LayerBuilder<'s>, LayerError> {
        LayerBuilder::start(sink, self.geometry, self.levels, self.samples.clone(), self.table_builder()?)
    }

    fn write_partitions<W: Word>(
        &self,
        sink: &mut dyn Sink,
        resources: &Resources,
        note_read: &mut dyn FnMut(u64),
    ) -> Result<LayerTotals, LayerError> {
        let mut builder = self.start(sink)?;
        let bits = self.geometry.kmer_bits();
        self.each_partition::<W, EncodedKmers>(
            &mut builder,
            resources,
            Form::Partitions,
            self.shares(false),
            |kmers, chosen| Ok(EncodedKmers::new(kmers, chosen, bits)),
            |builder, partition, merged| {
                builder.partition(&merged.work, &merged.chosen, &merged.ids)?;
                note_read(self.bytes_read(partition));
                Ok(())
            },
        )?;
        builder.finish()
    }

    /// # Errors
    /// [`LayerError::Memory`], before anything is written, where the dictionary does not fit the cap.
    fn write_strings<W: Word>(
        &self,
        sink: &mut dyn Sink,
        resources: &Resources,
        note_read: &mut dyn FnMut(u64),
    ) -> Result<LayerTotals, LayerError> {
        let mut builder = self.start(sink)?;
        let budget = resources.begin_cold(self.shares(true));
        let impossible = |error: DictionaryError| self.no_dictionary(&error);
        let mut dictionary = DictionaryBuilder::<W>::new(self.geometry.k()).map_err(impossible)?;
        let coverer = DictionaryBuilder::<W>::new(self.geometry.k()).map_err(impossible)?;
        let mixing = mixing::<W>(self.geometry);
        let mut counts = Vec::with_capacity(self.geometry.partitions() as usize);
        // Memory that threads are done with: fresh one would have to be cleared by the system for each partition.
        let rooms: Mutex<Vec<CoverRoom<W>>> = Mutex::default();
        self.each_partition::<W, CoveredPart>(
            &mut builder,
            resources,
            Form::Strings,
            self.shares(budget.shares_with_paths()),
            |kmers, chosen| {
                let room = rooms.lock().pop();
                let mut room = room.unwrap_or_else(CoverRoom::new);
                let canonical = kmers.iter().map(|&kmer| mixing.invert(kmer));
                let coloured = canonical.zip(chosen.iter().copied());
                let covered = coverer.cover(coloured, &mut room).map_err(impossible);
                rooms.lock().push(room);
                covered
            },
            |builder, partition, merged| {
                let append = dictionary.append(&merged.work, |chosen| merged.ids[chosen as usize]);
                append.map_err(impossible)?;
                counts.push(merged.work.kmers());
                note_read(self.bytes_read(partition));
                self.check_memory(&dictionary, &budget, partition + 1)?;
                builder.check_wanted()
            },
        )?;
        drop(rooms);
        let bytes = dictionary.finish().map_err(impossible)?;
        builder.dictionary(&bytes, &counts)?;
        drop(bytes);
        builder.finish()
    }

    /// Whether a dictionary, of which so many partitions are there, is going to fit the memory.
    fn check_memory<W: Word>(
        &self,
        dictionary: &DictionaryBuilder<W>,
        budget: &ColdBudget<'_>,
        done: u32,
    ) -> Result<(), LayerError> {
        let (paths, finish) = (dictionary.bytes(), dictionary.bytes_to_finish());
        let all = u64::from(self.geometry.partitions());
        let check = |part: u64| {
            let expected = |bytes: u64| bytes.saturating_mul(all) / u64::from(done) / 4 * part;
            budget.check_paths(expected(paths)).and_then(|()| budget.check_finish(expected(finish)))
        };
        // No need to go on to the end where an eighth of the partitions tells that it is far too much.
        if u64::from(done) * 8 >= all && check(3).is_err() {
            check(4)?;
        }
        budget.check_paths(paths)?;
        budget.check_finish(finish)
    }

    /// A contradiction in the inputs that a dictionary does not bear, such as a k-mer in two partitions.
    fn no_dictionary(&self, error: &DictionaryError) -> LayerError {
        if let DictionaryError::TooMany { limit } = *error {
            return LayerError::TooMany { what: "paths of k-mers", limit };
        }
        let place = self.inputs.first().map(|input| input.layer.place()).unwrap_or_default();
        LayerError::Corrupt {
            place,
            offset: 0,
            what: "it, or a layer merged with it, holds what is no k-mer",
        }
    }

    fn bytes_read(&self, partition: u32) -> u64 {
        self.inputs.iter().map(|input| input.layer.partition_bytes(partition)).sum()
    }

    /// Merges all partitions, works on the k-mers of each and the numbers of their combinations, and hands
    /// the outcome on in order. Both threads and read-back k-mers keep within the cap on memory.
    fn each_partition<W: Word, R: Send>(
        &self,
        builder: &mut LayerBuilder<'_>,
        resources: &Resources,
        form: Form,
        shares: u64,
        work: impl Fn(&[W], &[u32]) -> Result<R, LayerError> + Sync,
        mut take: impl FnMut(&mut LayerBuilder<'_>, u32, Worked<R>) -> Result<(), LayerError>,
    ) -> Result<(), LayerError> {
        let partitions = 0..self.geometry.partitions();
        let largest = partitions.map(|number| self.bytes_of_partition::<W>(number, form)).max();
        let threads = resources.threads_for(largest.unwrap_or(0), shares)?;
        let mut uniting = Uniting::new(self)?;
        for pass in self.passes::<W>(resources, shares)? {
            let read_back = self.read_back::<W>(pass.clone(), threads)?;
            parallel::in_order(
                threads,
                pass.end - pass.start,
                |at| {
                    let MergedPartition { kmers, combinations, chosen } =
                        self.merge_partition::<W>(pass.start + at, &read_back)?;
                    Ok((work(&kmers, &chosen)?, combinations, chosen))
                },
                |at, (work, combinations, chosen)| {
                    let mut ids = Vec::with_capacity(combinations.len());
                    for combination in &combinations {
                        ids.push(uniting.id_of(combination, builder.table())?);
                    }
                    take(builder, pass.start + at, Worked { work, ids, chosen })
                },
            )?;
        }
        Ok(())
    }
}

/// What came of a partition.
struct Worked<R> {
    work: R,
    /// The colour-set id of each combination.
    ids: Vec<u32>,
    /// For each k-mer its combination.
    chosen: Vec<u32>,
}
