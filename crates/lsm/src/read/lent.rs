//! Handing the entries of a range to a closure, lent where they lie.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Range;
use super::plain::WalkEnd;
use crate::Error;
use crate::database::Core;
use crate::entry::copy_key;
use crate::keyspace::{KeyRange, PREFIX_BYTES};
use crate::merging::Visibility;
use crate::snapshot::SnapshotGuard;

/// After so many entries memory and files that are read from are given back for a moment, if others want them.
const MOST_AT_ONCE: usize = 1024;

impl Core {
    /// Hands keys, without the prefix of their keyspace, and values in `rest` that `guard` sees to `visit`, in order,
    /// until it breaks; answers what with.
    pub(crate) fn visit_range<B>(
        self: &Arc<Self>,
        mut rest: KeyRange,
        guard: &SnapshotGuard,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, Error> {
        let visibility = Visibility::at(guard.sequence());
        let mut broke = None;
        let mut last_key = Vec::new();
        while !rest.is_empty() {
            let mut visited = 0;
            let walked = self.brief_view().walk_plain(&rest, visibility, self, |key, value| {
                copy_key(&mut last_key, key);
                visited += 1;
                match visit(key.get(PREFIX_BYTES..).unwrap_or_default(), value) {
                    ControlFlow::Continue(()) => visited < MOST_AT_ONCE,
                    ControlFlow::Break(with) => {
                        broke = Some(with);
                        false
                    }
                }
            })?;
            if broke.is_some() || walked == WalkEnd::Out {
                return Ok(broke);
            }
            if visited > 0 {
                last_key.push(0);
                rest.start.clone_from(&last_key);
            }
            if walked == WalkEnd::Astray {
                break;
            }
        }
        let mut others = Range::new(self.clone(), rest, guard.clone(), visibility).without_walks();
        while let Some((key, value)) = others.next_entry()? {
            if let ControlFlow::Break(with) = visit(key, value) {
                return Ok(Some(with));
            }
        }
        Ok(None)
    }
}
