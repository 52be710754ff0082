//! Works on all documents of a query, in transactions of bounded size.

use super::Collection;
use super::find::Find;
use super::modify::Writing;
use super::target::reread;
use crate::documents::Attempt;
use crate::error::Result;
use crate::execution::{Counters, Found, Query};
use crate::record::RecordId;

/// How many documents one transaction works on.
const CHUNK_DOCUMENTS: usize = 500;

impl Collection {
    /// Lets `work` change every document that matches, each once: the documents are found in one snapshot and
    /// looked at again, in a transaction per chunk, where those that do not match any more are left out.
    /// `work` gives what it did to one document; `add` is told when that is committed.
    pub(super) fn on_all<T>(
        &self,
        find: &Find,
        mut work: impl FnMut(&mut Writing<'_>, &Found, &Query) -> Result<T>,
        mut add: impl FnMut(T),
    ) -> Result<()> {
        let prepared = self.prepare(find)?;
        let Some(planned) = prepared.plan.entry.clone() else { return Ok(()) };
        let mut chunk: Vec<RecordId> = Vec::new();
        let mut bytes = 0;
        // An update writes each document anew, and may make it larger.
        let most_bytes = self.inner.chunk_bytes() / 2;
        let mut found = self.run(&prepared, 0, None, Counters::default())?;
        loop {
            let next = found.next().transpose()?;
            let is_last = next.is_none();
            if let Some(found) = next {
                bytes += found.document.to_vec().map_or(0, |bytes| bytes.len());
                chunk.push(found.id);
            }
            if chunk.len() >= CHUNK_DOCUMENTS || bytes >= most_bytes || (is_last && !chunk.is_empty()) {
                let done = self.inner.transact(self.is_synced, |transaction| {
                    let mut done = Vec::with_capacity(chunk.len());
                    let entry = self.inner.catalog.find(&&*transaction, &self.namespace)?;
                    let Some(entry) = entry.filter(|entry| entry.id == planned.id) else {
                        return Ok(Attempt::Commit(done));
                    };
                    let mut writing = Writing { inner: &self.inner, transaction, entry };
                    for id in &chunk {
                        let again = reread(writing.transaction, planned.id, id.clone(), &prepared.query)?;
                        if let Some(found) = again {
                            done.push(work(&mut writing, &found, &prepared.query)?);
                        }
                    }
                    Ok(Attempt::Commit(done))
                })?;
                done.into_iter().for_each(&mut add);
                chunk.clear();
                bytes = 0;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}
