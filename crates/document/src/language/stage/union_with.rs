//! `$unionWith`: the documents of another collection after one's own.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{pipeline::Pipeline, stream, table::Stage};
use crate::error::{Error, Result};
use bson::Bson;
use std::sync::Arc;

#[derive(Debug)]
struct UnionWith {
    collection: String,
    pipeline: Pipeline,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let given = match argument {
        Bson::String(collection) => {
            return Ok(Arc::new(UnionWith { collection: collection.clone(), pipeline: Pipeline::default() }));
        }
        Bson::Document(given) => given,
        _ => {
            let message = "the $unionWith stage specification must be an object or string";
            return Err(Error::failed_to_parse(message));
        }
    };
    if let Some(name) = given.keys().find(|name| !["coll", "pipeline"].contains(&name.as_str())) {
        return Err(Error::failed_to_parse(format!("unknown argument to $unionWith: {name}")));
    }
    let pipeline = match given.get("pipeline") {
        None => Pipeline::default(),
        Some(Bson::Array(stages)) => Pipeline::parse_array(stages, &context.nested([])?)?,
        Some(_) => return Err(Error::type_mismatch("the $unionWith 'pipeline' must be an array")),
    };
    let collection = match given.get("coll") {
        Some(Bson::String(collection)) => collection.clone(),
        None if !pipeline.reads_collection() => String::new(),
        _ => return Err(Error::failed_to_parse("$unionWith needs 'coll', the name of a collection")),
    };
    Ok(Arc::new(UnionWith { collection, pipeline }))
}

impl Stage for UnionWith {
    fn name(&self) -> &'static str {
        "$unionWith"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (collection, pipeline, site) = (self.collection.clone(), self.pipeline.clone(), site.clone());
        Ok(Box::new(input.chain(stream::deferred(move || pipeline.run_on(&collection, &site)))))
    }
}
