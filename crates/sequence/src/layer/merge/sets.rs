//! What becomes of the inputs' colour sets: which tables are kept as they are, which are made anew, and which
//! sets meet.
//!
//! The table of a layer of many samples is kept: what is written of it is a copy. Small layers that follow
//! each other make up a new chunk together, whose sets are listed and coded anew; that happens to a sample
//! only while its layers are small. A table that lost samples, or has many small chunks, is made anew first.

use std::collections::BTreeSet;

use super::partition::CombinationIds;
use super::plan::{Combination, Input, Merge};
use crate::layer::colours::{ColourTable, ColourTableBuilder, MOST_DEEP, RegroupError, Regrouped};
use crate::layer::{ColourSet, Layer, LayerError};

/// Samples of a full chunk where abundances are not kept.
pub(in crate::layer) const CHUNK_SAMPLES: usize = 256;

/// Where they are kept a full chunk has so many times the colours.
const MORE_COLOURS: usize = 8;

/// A table of twice as many chunks as would do is kept, and of so many more.
const SPARE_CHUNKS: usize = 16;

/// What becomes of an input's sets.
pub(super) enum InputSets {
    /// Its table is taken as it is, as this one of the output's.
    Kept { number: usize },
    /// As this one in a new form.
    Regrouped { number: usize, table: Box<Regrouped> },
    /// They become leaves of a new chunk. For each sample its position in the chunk; none for a removed one.
    Grouped { group: u32, positions: Vec<Option<u32>> },
}

/// The inputs in order, and the samples of the output.
pub(super) struct Arrangement<'a> {
    pub(super) inputs: Vec<Input<'a>>,
    pub(super) samples: Vec<u32>,
    /// Samples of each new chunk.
    pub(super) groups: Vec<u32>,
}

/// Decides for each input what becomes of its sets.
pub(super) fn arrange<'a>(
    layers: &[&'a Layer],
    removed: &BTreeSet<u32>,
    chunk_samples: usize,
) -> Result<Arrangement<'a>, LayerError> {
    let live = |layer: &Layer| -> Vec<u32> {
        let all = layer.samples().iter().copied();
        all.filter(|sample| !removed.contains(sample)).collect()
    };
    let levels = layers.first().map_or(1, |layer| layer.levels() as usize);
    let most = (chunk_samples * MORE_COLOURS / levels).clamp(1, chunk_samples);
    let (mut samples, mut kept) = (Vec::new(), 0);
    let mut inputs: Vec<(usize, Input<'a>)> = Vec::new();
    let mut waiting: Vec<Group<'a>> = Vec::new();
    for (at, &layer) in layers.iter().enumerate() {
        let (own, table) = (live(layer), layer.colour_table()?);
        if table.is_flat() {
            match waiting.last_mut().filter(|group| group.samples.len() + own.len() <= most) {
                Some(group) => group.push(at, layer, own),
                None => waiting.push(Group { samples: own, members: vec![(at, layer)] }),
            }
            continue;
        }
        let is_whole = own.len() == layer.samples().len();
        let is_good = table.chunks().len() <= 2 * own.len().div_ceil(most) + SPARE_CHUNKS
            && table.depth() <= MOST_DEEP / 2;
        let sets = if is_whole && is_good {
            InputSets::Kept { number: kept }
        } else {
            let positions = (0..).zip(layer.samples()).filter(|(_, id)| !removed.contains(id));
            let positions: Vec<u32> = positions.map(|(position, _)| position).collect();
            let table =
                Regrouped::new(&table, &positions, most, layer.levels()).map_err(|error| match error {
                    RegroupError::Corrupt => layer.corrupt_sets(),
                    RegroupError::Layer(error) => error,
                })?;
            InputSets::Regrouped { number: kept, table: Box::new(table) }
        };
        samples.extend(own);
        inputs.push((at, Input { layer, sets }));
        kept += 1;
    }
    let is_alone = waiting.len() == 1 && kept == 0;
    let mut groups = Vec::new();
    // A layer that is a chunk by itself, and stays it.
    let stays = |group: &Group<'_>| match group.members[..] {
        [(_, layer)] => layer.samples().len() == group.samples.len() && !is_alone,
        _ => false,
    };
    let (staying, joined): (Vec<_>, Vec<_>) = waiting.into_iter().partition(stays);
    for group in staying {
        samples.extend(&group.samples);
        for (at, layer) in group.members {
            inputs.push((at, Input { layer, sets: InputSets::Kept { number: kept } }));
            kept += 1;
        }
    }
    for (number, mut group) in (0..).zip(joined) {
        group.samples.sort_unstable();
        let position_of = |id: &u32| group.samples.binary_search(id).ok().map(|position| position as u32);
        for (at, layer) in group.members {
            let positions = layer.samples().iter().map(position_of).collect();
            inputs.push((at, Input { layer, sets: InputSets::Grouped { group: number, positions } }));
        }
        groups.push(group.samples.len() as u32);
        samples.extend(group.samples);
    }
    inputs.sort_by_key(|&(at, _)| at);
    Ok(Arrangement { inputs: inputs.into_iter().map(|(_, input)| input).collect(), samples, groups })
}

/// Layers that make up a new chunk.
struct Group<'a> {
    samples: Vec<u32>,
    members: Vec<(usize, &'a Layer)>,
}

impl<'a> Group<'a> {
    fn push(&mut self, at: usize, layer: &'a Layer, samples: Vec<u32>) {
        self.samples.extend(samples);
        self.members.push((at, layer));
    }
}

impl<'a> Merge<'a> {
    /// The table of the output, with what is kept of the inputs'.
    pub(super) fn table_builder(&self) -> Result<ColourTableBuilder<'_>, LayerError> {
        let mut tables: Vec<(usize, ColourTable<'_>)> = Vec::new();
        for Input { layer, sets } in &self.inputs {
            match sets {
                InputSets::Kept { number } => tables.push((*number, layer.colour_table()?)),
                InputSets::Regrouped { number, table } => {
                    tables.push((*number, table.table().ok_or_else(|| layer.corrupt_sets())?));
                }
                InputSets::Grouped { .. } => {}
            }
        }
        tables.sort_by_key(|&(number, _)| number);
        let groups = self.groups.iter().map(|samples| samples * self.levels);
        ColourTableBuilder::new(tables.into_iter().map(|(_, table)| table), groups)
    }

    /// Whether nothing is left of the sets that meet in a k-mer.
    pub(super) fn is_gone(&self, meeting: &[u64]) -> Result<bool, LayerError> {
        if !self.loses_samples {
            return Ok(false);
        }
        let mut set = ColourSet::empty(0);
        for &tag in meeting {
            let Input { layer, sets } = &self.inputs[(tag >> 32) as usize];
            let is_left = match sets {
                InputSets::Kept { .. } => true,
                InputSets::Regrouped { table, .. } => table.root(tag as u32).is_some(),
                InputSets::Grouped { positions, .. } => {
                    layer.decode_set(tag as u32, &mut set)?;
                    set.iter().any(|colour| positions[(colour / self.levels) as usize].is_some())
                }
            };
            if is_left {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Gives the combinations of a merge their sets in the output.
pub(super) struct Uniting<'a> {
    merge: &'a Merge<'a>,
    /// The input's table, where it is kept.
    tables: Vec<Option<ColourTable<'a>>>,
    /// For each new chunk the leaf of what meets in it.
    known: Vec<CombinationIds>,
    /// Places of kept tables, and behind them those of new chunks.
    slots: u32,
    first_group: u32,
    set: ColourSet,
    part: ColourSet,
    nodes: Vec<(u32, u32)>,
    meeting: Vec<(u32, u64)>,
}

impl<'a> Uniting<'a> {
    pub(super) fn new(merge: &'a Merge<'a>) -> Result<Self, LayerError> {
        let mut tables = Vec::with_capacity(merge.inputs.len());
        for Input { layer, sets } in &merge.inputs {
            let is_kept = matches!(sets, InputSets::Kept { .. });
            tables.push(if is_kept { Some(layer.colour_table()?) } else { None });
        }
        let is_new = |input: &&Input<'_>| matches!(input.sets, InputSets::Grouped { .. });
        let first_group = (merge.inputs.len() - merge.inputs.iter().filter(is_new).count()) as u32;
        Ok(Uniting {
            merge,
            tables,
            known: vec![CombinationIds::default(); merge.groups.len()],
            slots: first_group + merge.groups.len() as u32,
            first_group,
            set: ColourSet::empty(0),
            part: ColourSet::empty(0),
            nodes: Vec::new(),
            meeting: Vec::new(),
        })
    }

    /// The id of the union of the sets that meet, of which something must be left.
    pub(super) fn id_of(
        &mut self,
        combination: &Combination,
        builder: &mut ColourTableBuilder<'_>,
    ) -> Result<u32, LayerError> {
        self.nodes.clear();
        self.meeting.clear();
        for &tag in combination {
            let (input, set) = ((tag >> 32) as usize, tag as u32);
            let Input { layer, sets } = &self.merge.inputs[input];
            match sets {
                InputSets::Kept { number } => {
                    let node = self.tables[input].and_then(|table| table.root(set));
                    let node = node.ok_or_else(|| layer.corrupt_sets())?;
                    self.nodes.push((*number as u32, builder.kept_node(*number, node)));
                }
                InputSets::Regrouped { number, table } => {
                    let node = table.root(set).map(|node| (*number as u32, builder.kept_node(*number, node)));
                    self.nodes.extend(node);
                }
                InputSets::Grouped { group, .. } => self.meeting.push((*group, tag)),
            }
        }
        self.meeting.sort_unstable();
        let meeting = std::mem::take(&mut self.meeting);
        for of_group in meeting.chunk_by(|a, b| a.0 == b.0) {
            let (group, tags): (u32, Combination) =
                (of_group[0].0, of_group.iter().map(|&(_, tag)| tag).collect());
            if let Some(leaf) = self.leaf_of(group, tags, builder)? {
                self.nodes.push((self.first_group + group, leaf));
            }
        }
        self.meeting = meeting;
        self.nodes.sort_unstable();
        let node = builder.union(&self.nodes, self.slots)?;
        let contradiction = || self.merge.inputs[(combination[0] >> 32) as usize].layer.corrupt_sets();
        Ok(builder.set_id(node.ok_or_else(contradiction)?))
    }

    /// The leaf of what meets in a new chunk; none if nothing is left of it.
    fn leaf_of(
        &mut self,
        group: u32,
        meeting: Combination,
        builder: &mut ColourTableBuilder<'_>,
    ) -> Result<Option<u32>, LayerError> {
        if let Some(&leaf) = self.known[group as usize].get(&meeting) {
            return Ok(Some(leaf));
        }
        let levels = self.merge.levels;
        self.set.reset(self.merge.groups[group as usize] * levels);
        for &tag in &meeting {
            let Input { layer, sets } = &self.merge.inputs[(tag >> 32) as usize];
            let InputSets::Grouped { positions, .. } = sets else { continue };
            layer.decode_set(tag as u32, &mut self.part)?;
            for colour in self.part.iter() {
                if let Some(position) = positions[(colour / levels) as usize] {
                    self.set.insert(position * levels + colour % levels);
                }
            }
        }
        if self.set.is_empty() {
            return Ok(None);
        }
        let leaf = builder.leaf(group, self.set.words())?;
        self.known[group as usize].insert(meeting, leaf);
        Ok(Some(leaf))
    }
}
