//! k-mer layers as a kind of layer of `strata`'s layered set: opened, merged and verified there.

use std::collections::BTreeSet;
use std::sync::Arc;

use stroma_strata::storage::Blob;
use stroma_strata::{
    KindError, LayerDescriptor, LayerKind, LayerOutput, LayerSummary, LayerWriter, MergeJob,
};

use super::merge::{CHUNK_SAMPLES, Merge};
use super::writer::{LayerTotals, Sink};
use super::{Layer, LayerError, Resources};
use crate::samples::is_live;

/// The kind of layer that a sequence index is made of.
#[derive(Clone, Debug)]
pub struct KmerLayerKind {
    /// What merges may take.
    pub(crate) resources: Arc<Resources>,
}

impl Sink for LayerWriter {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        LayerWriter::write_all(self, bytes).map_err(|error| LayerError::Set(Box::new(error)))
    }
}

impl LayerKind for KmerLayerKind {
    type Layer = Layer;

    fn name(&self) -> &'static str {
        "coloured k-mers"
    }

    fn open(&self, blob: Arc<dyn Blob>, descriptor: &LayerDescriptor) -> Result<Layer, KindError> {
        let layer = Layer::open(blob)?;
        if descriptor.metadata != layer.footer_checksum().to_le_bytes() {
            let what = "it is not the layer that the manifest names";
            return Err(LayerError::Corrupt { place: layer.place(), offset: layer.bytes(), what }.into());
        }
        Ok(layer)
    }

    fn merge(&self, job: &MergeJob<'_, Self>, output: &mut LayerOutput<'_>) -> Result<(), KindError> {
        let records = job.version().records();
        let layers: Vec<&Layer> = job.inputs().iter().map(|input| input.layer()).collect();
        let removed: BTreeSet<u32> = layers
            .iter()
            .flat_map(|layer| layer.samples())
            .copied()
            .filter(|&id| !is_live(records, id))
            .collect();
        let Some(merge) = Merge::plan(&layers, &removed, CHUNK_SAMPLES)?.filter(|merge| !merge.is_empty())
        else {
            return Ok(());
        };
        let is_deepest = job.version().layers().all(|layer| layer.descriptor().level <= job.target_level());
        let is_wanted_cold = self.resources.cold_layers().wants(is_deepest, merge.kmers());
        let mut writer = output.start()?;
        let note_read = |bytes| job.note_read(bytes);
        let totals = merge.write(&mut writer, &self.resources, is_wanted_cold, note_read)?;
        writer.finish(summary(&totals))?;
        Ok(())
    }

    fn verify(&self, layer: &Layer) -> Result<(), KindError> {
        Ok(layer.verify()?)
    }
}

/// What the manifest keeps of a layer. All layers cover all keys: each may hold any k-mer.
pub(crate) fn summary(totals: &LayerTotals) -> LayerSummary {
    LayerSummary {
        smallest: Vec::new(),
        largest: vec![0xff],
        entries: totals.kmers,
        metadata: totals.footer_checksum.to_le_bytes().to_vec(),
        ..LayerSummary::default()
    }
}
