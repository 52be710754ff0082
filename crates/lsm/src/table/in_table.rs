//! Bytes that stay where they lie in a mapped table.

use std::ops::Range;
use std::sync::Arc;

use stroma_strata::Layer;

use crate::compaction::TableKind;

/// A part of a table's file. Keeps the table open, and its file from being deleted.
#[derive(Clone)]
pub(crate) struct InTable {
    layer: Arc<Layer<TableKind>>,
    range: Range<usize>,
}

impl InTable {
    /// Where `bytes` lie in the mapped file of `layer`; `None` if they are not in it, but in memory of their own.
    #[inline]
    pub(crate) fn find(layer: &Arc<Layer<TableKind>>, bytes: &[u8]) -> Option<InTable> {
        let mapped = layer.layer().table().ok()?.inner.blob.mapped()?;
        // Only numbers: what is read later is a checked part of the mapping.
        let start = bytes.as_ptr().addr().checked_sub(mapped.as_ptr().addr())?;
        let range = start..start.checked_add(bytes.len())?;
        (range.end <= mapped.len()).then(|| InTable { layer: layer.clone(), range })
    }

    /// The bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        let mapped = self.layer.layer().table().ok().and_then(|table| table.inner.blob.mapped());
        mapped.and_then(|mapped| mapped.get(self.range.clone())).unwrap_or_default()
    }
}
