//! `$addFields` and `$set`: sets fields by expressions and keeps the others.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{stream, table::Stage};
use crate::error::{Error, Result};
use crate::language::projection::AddFields;
use bson::Bson;
use std::sync::Arc;

#[derive(Debug)]
struct AddFieldsStage {
    name: &'static str,
    fields: Arc<AddFields>,
}

pub(super) fn parse(name: &'static str, argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(specification) = argument else {
        return Err(Error::location(40272, format!("{name} specification stage must be an object")));
    };
    let fields = Arc::new(AddFields::parse(specification, context.scope())?);
    Ok(Arc::new(AddFieldsStage { name, fields }))
}

impl Stage for AddFieldsStage {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (fields, variables) = (Arc::clone(&self.fields), Arc::clone(&site.variables));
        Ok(stream::map(input, move |document| fields.apply(document, &variables)))
    }
}
