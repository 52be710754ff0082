//! Copies a layer for another index, where its samples have other ids: all else of the file stays as it is.

use stroma_strata::storage::Blob;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

use super::LayerError;
use super::format::FOOTER_BYTES;
use super::open::Opener;
use super::writer::{LayerTotals, Sink};

/// Bytes that are read and written at once.
const COPIED_AT_ONCE: u64 = 1 << 20;

/// Writes a copy of the layer in `blob` whose samples have the ids `samples`, ascending and as many as it has.
/// Colours are places in that list, so that nothing but the list itself and the footer differs.
pub(crate) fn copy_renumbered(
    blob: &dyn Blob,
    samples: &[u32],
    sink: &mut dyn Sink,
) -> Result<LayerTotals, LayerError> {
    let mut footer = Opener { blob }.footer()?;
    let list: Vec<u8> = samples.iter().flat_map(|id| id.to_le_bytes()).collect();
    let (start, bytes) = (footer.samples.offset.get(), footer.samples.bytes.get());
    if bytes != list.len() as u64 {
        let what = "the list of samples is not as long as the footer says";
        return Err(LayerError::Corrupt { place: blob.describe(), offset: start, what });
    }
    copy(blob, 0, start, sink)?;
    sink.write_all(&list)?;
    copy(blob, start + bytes, blob.len() - FOOTER_BYTES as u64, sink)?;
    footer.samples.checksum = xxh3_64(&list).into();
    footer.checksum = footer.expected_checksum().into();
    sink.write_all(footer.as_bytes())?;
    Ok(LayerTotals {
        kmers: footer.kmer_count.get(),
        colour_sets: footer.set_count.get().into(),
        footer_checksum: footer.checksum.get(),
    })
}

/// Copies the bytes from `start` to `end`.
fn copy(blob: &dyn Blob, start: u64, end: u64, sink: &mut dyn Sink) -> Result<(), LayerError> {
    let mut part = Vec::new();
    let mut at = start;
    while at < end {
        part.resize((end - at).min(COPIED_AT_ONCE) as usize, 0);
        blob.read_exact_at(at, &mut part)?;
        sink.write_all(&part)?;
        at += part.len() as u64;
    }
    Ok(())
}
