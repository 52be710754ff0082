//! `$facet`: several pipelines over the same documents, each into a field of one result.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{pipeline::Pipeline, stream, table::Stage};
use crate::error::{Error, Result};
use crate::language::value::{document_memory, type_name};
use bson::{Bson, Document};
use std::sync::Arc;

#[derive(Debug)]
struct Facet {
    facets: Arc<Vec<(String, Pipeline)>>,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(given) = argument else {
        let message = format!(
            "the $facet specification must be a non-empty object, but found: {}",
            type_name(argument)
        );
        return Err(Error::location(40169, message));
    };
    if given.is_empty() {
        return Err(Error::location(40169, "the $facet specification must be a non-empty object"));
    }
    let inner = context.nested([])?;
    let mut facets = Vec::with_capacity(given.len());
    for (name, stages) in given {
        if name.starts_with('$') || name.contains('.') || name.is_empty() {
            return Err(Error::failed_to_parse(format!("'{name}' is not a valid name of a facet")));
        }
        let Bson::Array(stages) = stages else {
            return Err(Error::location(
                40170,
                format!("arguments to $facet must be arrays, {name} is type {}", type_name(stages)),
            ));
        };
        let pipeline = Pipeline::parse_array(stages, &inner)?;
        let forbidden =
            pipeline.stages().iter().any(|stage| ["$facet", "$documents"].contains(&stage.name()));
        if forbidden || pipeline.source().is_some() {
            return Err(Error::location(
                40600,
                "$facet, $documents and source stages are not allowed to be used within a $facet stage",
            ));
        }
        facets.push((name.clone(), pipeline));
    }
    Ok(Arc::new(Facet { facets: Arc::new(facets) }))
}

impl Stage for Facet {
    fn name(&self) -> &'static str {
        "$facet"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (facets, site) = (Arc::clone(&self.facets), site.clone());
        Ok(stream::deferred(move || {
            let result = faceted(&facets, input, &site)?;
            Ok(Box::new(std::iter::once(Ok(result))))
        }))
    }
}

fn faceted(facets: &[(String, Pipeline)], input: DocumentStream, site: &RunSite) -> Result<Document> {
    let mut documents = Vec::new();
    let mut memory = 0;
    for document in input {
        let document = document?;
        memory += document_memory(&document);
        site.check_memory("$facet", memory)?;
        documents.push(document);
    }
    let documents = Arc::new(documents);
    let mut result = Document::new();
    for (name, pipeline) in facets {
        let shared = Arc::clone(&documents);
        let copies = (0..documents.len()).map(move |place| Ok(shared[place].clone()));
        let mut found = Vec::new();
        for document in pipeline.run_at(Box::new(copies), site)? {
            let document = document?;
            memory += document_memory(&document);
            site.check_memory("$facet", memory)?;
            found.push(Bson::Document(document));
        }
        result.insert(name.clone(), found);
    }
    Ok(result)
}
