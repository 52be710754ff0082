//! Adds up, for each query and each sample, how many k-mers were found and how often they occur.

use super::Hit;
use super::stream::Snapshot;
use crate::Error;
use crate::abundance::smallest_of;
use crate::layer::{Layer, Met};
use crate::samples::SampleTable;

/// For each query and each sample, how many k-mers were found.
pub(super) struct Counts<'a> {
    found: Vec<u32>,
    /// The sum of their abundances, where it is asked for.
    abundances: Option<Vec<u64>>,
    samples: &'a SampleTable,
}

impl<'a> Counts<'a> {
    pub(super) fn new(queries: usize, snapshot: &'a Snapshot, abundances: bool) -> Self {
        let samples = &*snapshot.samples;
        let counters = queries * samples.samples().len();
        Counts { found: vec![0; counters], abundances: abundances.then(|| vec![0; counters]), samples }
    }

    /// Adds what queries met of one layer.
    pub(super) fn add(&mut self, layer: &Layer, met: Vec<Met>) -> Result<(), Error> {
        // A colour without a sample belongs to one that was removed.
        let ranks: Vec<Option<usize>> = layer.samples().iter().map(|&id| self.samples.rank_of(id)).collect();
        let samples = self.samples.samples().len();
        let levels = layer.levels();
        Ok(layer.weigh(met, |colour, query, times| {
            // A division is dear here.
            let (sample, level) = if levels == 1 { (colour, 0) } else { (colour / levels, colour % levels) };
            let Some(rank) = ranks[sample as usize] else { return };
            let counter = query as usize * samples + rank;
            // Numbers that are forged may be any.
            self.found[counter] = self.found[counter].wrapping_add(times);
            if let Some(abundances) = &mut self.abundances {
                abundances[counter] += smallest_of(level) * u64::from(times);
            }
        })?)
    }

    /// The samples with enough k-mers of a query: most found first, equal ones by name.
    pub(super) fn best_hits(&self, query: usize, kmers: u64, needed: u64, top: Option<usize>) -> Vec<Hit> {
        let samples = self.samples.samples();
        let first = query * samples.len();
        let row = &self.found[first..][..samples.len()];
        let mut ranks: Vec<usize> =
            (0..samples.len()).filter(|&rank| u64::from(row[rank]) >= needed).collect();
        ranks.sort_by(|&a, &b| row[b].cmp(&row[a]).then_with(|| samples[a].name.cmp(&samples[b].name)));
        ranks.truncate(top.unwrap_or(usize::MAX));
        let hit = |rank: usize| {
            let found = row[rank];
            let mean = |sums: &Vec<u64>| sums[first + rank] as f64 / f64::from(found);
            Hit {
                sample: samples[rank].name.clone(),
                found: found.into(),
                share: f64::from(found) / kmers as f64,
                abundance: self.abundances.as_ref().map(mean),
                positions: None,
            }
        };
        ranks.into_iter().map(hit).collect()
    }
}
