//! Tells where in a query the k-mers begin that a sample holds.

use std::collections::HashMap;
use std::ops::Range;

use stroma_quotient::Mixing;

use super::Hit;
use super::stream::Snapshot;
use crate::Error;
use crate::kmer::{Kmers, Word, mixing};
use crate::layer::{ColourSet, Layer};
use crate::unitig::Searcher;

/// Adds to each hit the stretches of positions at which k-mers begin that its sample holds: one more look-up
/// for each position and layer.
pub(super) fn add_positions<W: Word>(
    hits: &mut [Hit],
    sequence: &[u8],
    snapshot: &Snapshot,
) -> Result<(), Error> {
    if hits.is_empty() {
        return Ok(());
    }
    let (samples, mixing) = (&snapshot.samples, mixing::<W>(snapshot.geometry));
    let mut positions: Vec<Vec<u64>> = vec![Vec::new(); hits.len()];
    let hit_of: HashMap<u32, usize> =
        (0..).zip(&*hits).filter_map(|(at, hit)| Some((samples.id_of(&hit.sample)?, at))).collect();
    let mut set = ColourSet::empty(0);
    for layer in snapshot.version.layers().map(|layer| layer.layer()) {
        // For each hit whose sample the layer holds its first colour there.
        let colours = (0..layer.colours()).step_by(layer.levels() as usize);
        let held: Vec<(usize, u32)> = colours
            .zip(layer.samples())
            .filter_map(|(colour, id)| Some((*hit_of.get(id)?, colour)))
            .collect();
        if held.is_empty() {
            continue;
        }
        let mut found = sets_along(layer, sequence, &mixing)?;
        found.sort_unstable();
        for same_set in found.chunk_by(|a, b| a.0 == b.0) {
            layer.decode_set(same_set[0].0, &mut set)?;
            for &(hit, colour) in &held {
                if (colour..colour + layer.levels()).any(|colour| set.contains(colour)) {
                    positions[hit].extend(same_set.iter().map(|&(_, position)| position));
                }
            }
        }
    }
    for (hit, mut positions) in hits.iter_mut().zip(positions) {
        positions.sort_unstable();
        hit.positions = Some(stretches(&positions));
    }
    Ok(())
}

/// Where in the sequence each k-mer begins that the layer holds, behind the id of its colour set.
fn sets_along<W: Word>(layer: &Layer, sequence: &[u8], mixing: &Mixing<W>) -> Result<Vec<(u32, u64)>, Error> {
    let along = |dictionary: &Searcher<'_>| {
        let along = dictionary.search::<W>(sequence);
        along.filter_map(|at| Some((at.colour()?, at.start as u64))).collect()
    };
    if let Some(found) = layer.search_dictionary(sequence.len(), along)? {
        return Ok(found);
    }
    let mut wanted: Vec<(u32, W, u64)> = Vec::new();
    let mut kmers = Kmers::<W>::new(sequence, layer.geometry());
    while let Some(at) = kmers.next() {
        wanted.push((at.partition, mixing.hash(at.kmer), kmers.position() as u64));
    }
    // Each partition is opened once, and its k-mers are looked up together.
    wanted.sort_unstable();
    let (mut found, mut mixed, mut sets) = (Vec::new(), Vec::new(), Vec::new());
    for of_partition in wanted.chunk_by(|one, other| one.0 == other.0) {
        mixed.clear();
        mixed.extend(of_partition.iter().map(|&(_, kmer, _)| kmer));
        sets.clear();
        layer.partition::<W>(of_partition[0].0)?.set_ids(&mixed, &mut sets);
        let positions = of_partition.iter().map(|&(_, _, position)| position);
        found.extend(sets.iter().zip(positions).filter_map(|(set, position)| Some(((*set)?, position))));
    }
    Ok(found)
}

/// Ascending positions as stretches without gaps.
fn stretches(positions: &[u64]) -> Vec<Range<u64>> {
    let without_gap = positions.chunk_by(|a, b| a + 1 == *b);
    without_gap.map(|stretch| stretch[0]..stretch[stretch.len() - 1] + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_make_a_stretch() {
        assert_eq!(stretches(&[]), []);
        assert_eq!(stretches(&[5]), vec![Range { start: 5, end: 6 }]);
        assert_eq!(stretches(&[0, 1, 2, 4, 7, 8]), [0..3, 4..5, 7..9]);
    }
}
