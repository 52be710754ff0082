//! Sorts in memory, within a budget of bytes.

use super::Found;
use crate::error::{Code, Error, Result};
use crate::language::sort::{SortKey, SortPattern};

/// How much of the order is needed and how much may be held for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SortLimit {
    /// How many of the first documents are needed; none for all.
    pub(crate) first: Option<usize>,
    /// How many bytes of documents may be held.
    pub(crate) memory_bytes: usize,
}

/// All of `found`, or the first of it, in the order of `pattern`; equals keep their order.
///
/// Holds about twice as many documents as are needed.
///
/// # Errors
/// `QueryExceededMemoryLimitNoDiskUseAllowed` (292) beyond the budget.
pub(crate) fn sort(
    found: impl Iterator<Item = Result<Found>>,
    pattern: &SortPattern,
    limit: SortLimit,
) -> Result<Vec<Found>> {
    let mut held: Vec<(SortKey, usize, Found)> = Vec::new();
    let mut bytes = 0;
    for next in found {
        let found = next?;
        let size = found.document.to_vec().map_or(0, |bytes| bytes.len()) + found.id.len();
        bytes += size;
        held.push((pattern.key(&found.document), size, found));
        if let Some(first) = limit.first
            && held.len() > first.saturating_mul(2).saturating_add(100)
        {
            held.sort_by(|a, b| pattern.compare_keys(&a.0, &b.0));
            bytes -= held.drain(first..).map(|(_, size, _)| size).sum::<usize>();
        }
        if bytes > limit.memory_bytes {
            return Err(Error::new(
                Code::QueryExceededMemoryLimitNoDiskUseAllowed,
                format!(
                    "Sort exceeded memory limit of {} bytes; add an index for the order or a limit",
                    limit.memory_bytes
                ),
            ));
        }
    }
    held.sort_by(|a, b| pattern.compare_keys(&a.0, &b.0));
    held.truncate(limit.first.unwrap_or(usize::MAX));
    Ok(held.into_iter().map(|(_, _, found)| found).collect())
}
