//! The first blocks of a table, held back until a dictionary was trained on them and found worth its place, or not.

use crate::block::{Compression, Compressor};

/// Held back are so many bytes of payloads, about 250 blocks of the usual size: it takes that many to train on, and a
/// fraction of a second.
#[cfg(feature = "zstd")]
const SAMPLE_BYTES: usize = 1 << 20;
/// Beyond that the last block is so large that a dictionary would be of no use.
#[cfg(feature = "zstd")]
const MOST_SAMPLE_BYTES: usize = 4 << 20;
/// The longest dictionary.
#[cfg(feature = "zstd")]
const DICTIONARY_BYTES: usize = 16 << 10;
/// A dictionary has at most this share of the sample, as a divisor, so that those of small tables are small.
#[cfg(feature = "zstd")]
const SHARE_OF_SAMPLE: usize = 16;
/// The shortest one that the library trains.
#[cfg(feature = "zstd")]
const LEAST_DICTIONARY_BYTES: usize = 256;

/// One block in so many is for trial.
#[cfg(feature = "zstd")]
const TRIAL_STEP: usize = 4;

/// What was decided: how the table's blocks are made smaller, and the dictionary for that, perhaps empty.
pub(super) struct Decision {
    pub(super) compressor: Compressor,
    pub(super) dictionary: Vec<u8>,
}

/// Payloads that wait. See the module. Those that are compressed apart from the others wait only for their turn.
#[derive(Debug, Default)]
pub(super) struct HeldBlocks {
    payloads: Vec<u8>,
    /// The length of each, and how it is compressed if it is apart.
    lengths: Vec<(usize, Option<Compression>)>,
}

impl HeldBlocks {
    /// For a table of this compression; `None` if it has no use for a sample.
    pub(super) fn of(compression: Compression) -> Option<HeldBlocks> {
        match compression {
            #[cfg(feature = "zstd")]
            Compression::ZstdTrained { .. } => Some(HeldBlocks::default()),
            _ => None,
        }
    }

    /// Adds the payload of the next block; answers whether there are enough.
    #[cfg(feature = "zstd")]
    pub(super) fn add(&mut self, payload: &[u8], apart: Option<Compression>) -> bool {
        self.payloads.extend_from_slice(payload);
        self.lengths.push((payload.len(), apart));
        self.payloads.len() >= SAMPLE_BYTES
    }

    /// Never called: nothing is held back.
    #[cfg(not(feature = "zstd"))]
    pub(super) fn add(&mut self, _: &[u8], _: Option<Compression>) -> bool {
        true
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.payloads.len()
    }

    /// The payloads, first to last, and how each is compressed if it is apart.
    pub(super) fn payloads(&self) -> impl Iterator<Item = (&[u8], Option<Compression>)> {
        let mut rest = &self.payloads[..];
        self.lengths.iter().map_while(move |(length, apart)| {
            let (payload, after) = rest.split_at_checked(*length)?;
            rest = after;
            Some((payload, *apart))
        })
    }

    /// Those that a dictionary is for.
    #[cfg(feature = "zstd")]
    fn sample(&self) -> impl Iterator<Item = &[u8]> {
        self.payloads().filter(|(_, apart)| apart.is_none()).map(|(payload, _)| payload)
    }

    /// Decides on a dictionary. `is_whole` tells that no more blocks will come: then it has to pay for itself with
    /// these; else with twice as many, since the table would end right here only by chance.
    #[cfg(feature = "zstd")]
    pub(super) fn decide(&self, compression: Compression, is_whole: bool) -> Decision {
        let without = || Decision { compressor: Compressor::new(compression), dictionary: Vec::new() };
        let Compression::ZstdTrained { level } = compression else { return without() };
        let sample_bytes = self.sample().map(<[u8]>::len).sum::<usize>();
        let bytes = (sample_bytes / SHARE_OF_SAMPLE).min(DICTIONARY_BYTES);
        if bytes < LEAST_DICTIONARY_BYTES || sample_bytes > MOST_SAMPLE_BYTES {
            return without();
        }
        let trained = self.train(bytes);
        let Some(dictionary) = trained else { return without() };
        let Some(mut compressor) = Compressor::with_dictionary(level, &dictionary) else { return without() };
        let mut plain = without();
        let (with, without) = (self.stored_bytes(&mut compressor), self.stored_bytes(&mut plain.compressor));
        let saved = without.saturating_sub(with) * if is_whole { 1 } else { 2 };
        if saved > dictionary.len() { Decision { compressor, dictionary } } else { plain }
    }

    /// Whether a block is one to try a dictionary on, not to train it on: those it was trained on are in it, and would
    /// praise it however unlike the others they are.
    #[cfg(feature = "zstd")]
    fn is_for_trial(number: usize) -> bool {
        number.is_multiple_of(TRIAL_STEP)
    }

    #[cfg(feature = "zstd")]
    fn train(&self, bytes: usize) -> Option<Vec<u8>> {
        let (mut samples, mut lengths) = (Vec::with_capacity(self.payloads.len()), Vec::new());
        for (_, payload) in self.sample().enumerate().filter(|(number, _)| !Self::is_for_trial(*number)) {
            samples.extend_from_slice(payload);
            lengths.push(payload.len());
        }
        crate::block::train(&samples, &lengths, bytes)
    }

    /// Without the feature there is nothing to decide.
    #[cfg(not(feature = "zstd"))]
    pub(super) fn decide(&self, compression: Compression, _: bool) -> Decision {
        Decision { compressor: Compressor::new(compression), dictionary: Vec::new() }
    }

    /// Bytes of these blocks as they would be stored, reckoned from those that are for trial.
    #[cfg(feature = "zstd")]
    fn stored_bytes(&self, compressor: &mut Compressor) -> usize {
        let mut stored = Vec::new();
        let bytes = self.sample().step_by(TRIAL_STEP).map(|payload| {
            // Without a cipher nothing can fail.
            let _ = crate::block::frame::seal(payload, compressor, None, &mut stored);
            stored.len()
        });
        bytes.sum::<usize>() * TRIAL_STEP
    }
}
