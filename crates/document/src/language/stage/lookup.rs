//! `$lookup`: joins documents of another collection, by equality, by a pipeline, or by both.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{pipeline::Pipeline, stream, table::Stage, unwind};
use crate::error::{Error, Result};
use crate::language::expression::{Expression, Scope, checked_path};
use crate::language::value::{FieldPath, document_memory, path};
use bson::{Bson, Document, doc};
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Lookup {
    from: String,
    into: Vec<String>,
    fields: Option<(FieldPath, String)>,
    variables: Vec<(String, Expression)>,
    pipeline: Option<Pipeline>,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(given) = argument else {
        return Err(Error::failed_to_parse("the $lookup stage specification must be an object"));
    };
    let allowed = ["from", "localField", "foreignField", "as", "let", "pipeline"];
    if let Some(name) = given.keys().find(|name| !allowed.contains(&name.as_str())) {
        return Err(Error::failed_to_parse(format!("unknown argument to $lookup: {name}")));
    }
    let text = |name: &str| match given.get(name) {
        None => Ok(None),
        Some(Bson::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::failed_to_parse(format!("$lookup argument '{name}' must be a string"))),
    };
    let from = match given.get("from") {
        Some(Bson::Document(_)) => return Err(Error::unsupported("$lookup from another database")),
        _ => text("from")?,
    };
    let into = text("as")?.ok_or_else(|| Error::failed_to_parse("must specify 'as' field for a $lookup"))?;
    let mut variables = Vec::new();
    if let Some(bindings) = given.get("let") {
        let Bson::Document(bindings) = bindings else {
            return Err(Error::failed_to_parse("$lookup argument 'let' must be an object"));
        };
        for (name, value) in bindings {
            variables.push((name.clone(), Expression::parse_in(value, context.scope())?));
        }
    }
    let pipeline = match given.get("pipeline") {
        None => None,
        Some(Bson::Array(stages)) => {
            let inner = context.nested(variables.iter().map(|(name, _)| name.as_str()))?;
            Some(Pipeline::parse_array(stages, &inner)?)
        }
        Some(_) => return Err(Error::type_mismatch("$lookup argument 'pipeline' must be an array")),
    };
    let fields = match (text("localField")?, text("foreignField")?) {
        (Some(local), Some(foreign)) => {
            checked_path(&foreign)?;
            checked_path(&local)?;
            Some((FieldPath::parse(&local)?, foreign))
        }
        (None, None) if pipeline.is_some() => None,
        _ => {
            let message =
                "$lookup requires both or neither of 'localField' and 'foreignField' to be specified";
            return Err(Error::failed_to_parse(message));
        }
    };
    let from = match from {
        Some(from) => from,
        // Only a pipeline that brings its own documents can do without a collection.
        None if pipeline.as_ref().is_some_and(|pipeline| !pipeline.reads_collection()) => String::new(),
        None => return Err(Error::failed_to_parse("must specify 'from' field for a $lookup")),
    };
    Ok(Arc::new(Lookup { from, into: checked_path(&into)?, fields, variables, pipeline }))
}

impl Stage for Lookup {
    fn name(&self) -> &'static str {
        "$lookup"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (lookup, site) = (self.clone(), site.clone());
        // A pipeline that does not depend on the document gives the same each time, so it is run once.
        let mut same_for_all: Option<Vec<Bson>> = None;
        Ok(stream::map(input, move |mut document| {
            let joined = match &same_for_all {
                Some(joined) => joined.clone(),
                None => lookup.joined(&document, &site)?,
            };
            if lookup.fields.is_none() && lookup.variables.is_empty() && same_for_all.is_none() {
                same_for_all = Some(joined.clone());
            }
            unwind::set(&mut document, &lookup.into, Bson::Array(joined));
            Ok(document)
        }))
    }
}

impl Lookup {
    fn joined(&self, document: &Document, site: &RunSite) -> Result<Vec<Bson>> {
        let inner_site = self.inner_site(document, site)?;
        let found = match (&self.fields, &self.pipeline) {
            (None, None) => site.context.find(&self.from, None)?,
            (None, Some(pipeline)) => pipeline.run_on(&self.from, &inner_site)?,
            (Some((local, foreign)), pipeline) => {
                let filter = equality_filter(document, local, foreign);
                let found = site.context.find(&self.from, Some(&filter))?;
                match pipeline {
                    None => found,
                    Some(pipeline) => pipeline.run_at(found, &inner_site)?,
                }
            }
        };
        let mut joined = Vec::new();
        let mut memory = 0;
        for document in found {
            let document = document?;
            memory += document_memory(&document);
            site.check_memory("$lookup", memory)?;
            joined.push(Bson::Document(document));
        }
        Ok(joined)
    }

    fn inner_site(&self, document: &Document, site: &RunSite) -> Result<RunSite> {
        if self.variables.is_empty() {
            return Ok(site.clone());
        }
        let mut variables = (*site.variables).clone();
        let scope = Scope::new(document, &site.variables);
        for (name, expression) in &self.variables {
            variables.set(name.clone(), expression.evaluate_in(&scope)?);
        }
        Ok(RunSite { context: Arc::clone(&site.context), variables: Arc::new(variables) })
    }
}

/// The filter for foreign documents that equal one of the local values; missing counts as null.
fn equality_filter(document: &Document, local: &FieldPath, foreign: &str) -> Document {
    let found = path::index_values(document, local);
    let mut values: Vec<Bson> = found.values.into_iter().cloned().collect();
    values.retain(|value| *value != Bson::Undefined);
    if values.iter().any(|value| matches!(value, Bson::RegularExpression(_))) {
        // Within $in a regular expression would be a pattern; here it is a value like any other.
        let tests = values.into_iter().map(|value| -> Document {
            [(foreign.to_owned(), Bson::Document(doc! {"$eq": value}))].into_iter().collect()
        });
        return doc! {"$or": tests.collect::<Vec<_>>()};
    }
    let test = match values.len() {
        1 => doc! {"$eq": values.remove(0)},
        _ => doc! {"$in": values},
    };
    [(foreign.to_owned(), Bson::Document(test))].into_iter().collect()
}
