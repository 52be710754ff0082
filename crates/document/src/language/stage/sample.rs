//! `$sample`: some documents chosen at random, by reservoir sampling (Vitter, algorithm R).

use super::context::{DocumentStream, RunSite, StageContext};
use super::{stream, table::Stage};
use crate::error::{Error, Result};
use crate::language::value::{Number, document_memory};
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug)]
struct Sample(usize);

pub(super) fn parse(argument: &Bson, _: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(given) = argument else {
        return Err(Error::location(28745, "the $sample stage specification must be an object"));
    };
    if let Some(name) = given.keys().find(|name| *name != "size") {
        return Err(Error::location(28748, format!("unrecognized option to $sample: {name}")));
    }
    let size =
        given.get("size").ok_or_else(|| Error::location(28749, "$sample stage must specify a size"))?;
    let size = Number::of(size)
        .ok_or_else(|| Error::location(28746, "size argument to $sample must be a number"))?;
    let size = size.to_i64_truncated().filter(|size| *size > 0);
    let size =
        size.ok_or_else(|| Error::location(28747, "size argument to $sample must be a positive integer"))?;
    Ok(Arc::new(Sample(usize::try_from(size).unwrap_or(usize::MAX))))
}

impl Stage for Sample {
    fn name(&self) -> &'static str {
        "$sample"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (size, site) = (self.0, site.clone());
        Ok(stream::deferred(move || {
            let kept = sampled(size, input, &site)?;
            Ok(Box::new(kept.into_iter().map(Ok)))
        }))
    }
}

fn sampled(size: usize, input: DocumentStream, site: &RunSite) -> Result<Vec<Document>> {
    let mut kept: Vec<Document> = Vec::new();
    let mut memory = 0;
    for (seen, document) in input.enumerate() {
        let document = document?;
        if kept.len() < size {
            memory += document_memory(&document);
            site.check_memory("$sample", memory)?;
            kept.push(document);
            continue;
        }
        let place = (site.context.random() % (seen as u64 + 1)) as usize;
        if let Some(slot) = kept.get_mut(place) {
            *slot = document;
        }
    }
    // The reservoir leans towards the order of arrival; what comes out should not.
    for last in (1..kept.len()).rev() {
        kept.swap(last, (site.context.random() % (last as u64 + 1)) as usize);
    }
    Ok(kept)
}
