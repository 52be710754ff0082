//! `$sort`: all documents in an order, or the first few of them if a `$limit` follows.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{stream, table::Stage};
use crate::error::{Error, Result};
use crate::language::sort::{SortKey, SortPattern};
use crate::language::value::document_memory;
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Sort {
    specification: Document,
    pattern: Arc<SortPattern>,
    limit: Option<usize>,
}

pub(super) fn parse(argument: &Bson, _: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(specification) = argument else {
        return Err(Error::location(15973, "the $sort key specification must be an object"));
    };
    if specification.is_empty() {
        return Err(Error::location(15976, "$sort stage must have at least one sort key"));
    }
    let pattern = Arc::new(SortPattern::parse(specification)?);
    Ok(Arc::new(Sort { specification: specification.clone(), pattern, limit: None }))
}

impl Stage for Sort {
    fn name(&self) -> &'static str {
        "$sort"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (sort, site) = (self.clone(), site.clone());
        Ok(stream::deferred(move || sort.sorted(input, &site)))
    }

    fn order(&self) -> Option<&Document> {
        Some(&self.specification)
    }

    fn limited(&self, count: usize) -> Option<Arc<dyn Stage>> {
        Some(Arc::new(Sort { limit: Some(self.limit.map_or(count, |old| old.min(count))), ..self.clone() }))
    }
}

impl Sort {
    fn sorted(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let mut kept: Vec<(SortKey, Document)> = Vec::new();
        let mut memory = 0;
        // Twice the wanted number is let in before it is cut: each document is sorted a few times at most.
        let threshold = self.limit.map_or(usize::MAX, |limit| limit.saturating_mul(2).saturating_add(16));
        for document in input {
            let document = document?;
            memory += 2 * size_of::<SortKey>() + document_memory(&document);
            kept.push((self.pattern.key(&document), document));
            if kept.len() >= threshold {
                self.cut(&mut kept);
                memory = kept.iter().map(|(_, document)| document_memory(document)).sum();
            }
            site.check_memory("$sort", memory)?;
        }
        self.cut(&mut kept);
        Ok(Box::new(kept.into_iter().map(|(_, document)| Ok(document))))
    }

    fn cut(&self, kept: &mut Vec<(SortKey, Document)>) {
        kept.sort_by(|(a, _), (b, _)| self.pattern.compare_keys(a, b));
        kept.truncate(self.limit.unwrap_or(usize::MAX));
    }
}
