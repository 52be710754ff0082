//! `$bucket`: groups by the range between boundaries that a value falls into.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{group::Group, sort, stream, table::Stage};
use crate::error::{Error, Result};
use crate::language::accumulator::Specification;
use crate::language::expression::{Expression, Variables};
use crate::language::value::{bracket, compare, describe};
use bson::{Bson, Document, doc};
use std::cmp::Ordering;
use std::sync::Arc;

#[derive(Debug)]
struct Bucket {
    by: Expression,
    boundaries: Vec<Bson>,
    default: Option<Bson>,
    fields: Vec<(String, Specification)>,
    sort: Arc<dyn Stage>,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(given) = argument else {
        return Err(Error::location(40201, "Argument to $bucket stage must be an object"));
    };
    let allowed = ["groupBy", "boundaries", "default", "output"];
    if let Some(name) = given.keys().find(|name| !allowed.contains(&name.as_str())) {
        return Err(Error::location(40197, format!("Unrecognized option to $bucket: {name}.")));
    }
    let (Some(by), Some(Bson::Array(boundaries))) = (given.get("groupBy"), given.get("boundaries")) else {
        return Err(Error::location(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified."));
    };
    let boundaries = boundaries.iter().map(constant).collect::<Result<Vec<_>>>()?;
    if boundaries.len() < 2 {
        let message = format!(
            "The $bucket 'boundaries' field must have at least 2 values, but found {} value(s).",
            boundaries.len()
        );
        return Err(Error::location(40192, message));
    }
    for pair in boundaries.windows(2) {
        if bracket(&pair[0]) != bracket(&pair[1]) {
            return Err(Error::location(
                40193,
                "All values in the 'boundaries' option to $bucket must have the same type.",
            ));
        }
        if compare(&pair[0], &pair[1]) != Ordering::Less {
            return Err(Error::location(
                40194,
                "The 'boundaries' option to $bucket must be sorted in ascending order.",
            ));
        }
    }
    let default = given.get("default").map(constant).transpose()?;
    if let Some(default) = &default
        && range_of(&boundaries, default).is_some()
    {
        return Err(Error::location(
            40199,
            "The $bucket 'default' field must be less than the lowest boundary or greater than or \
                equal to the highest boundary.",
        ));
    }
    let output = match given.get("output") {
        None => doc! {"count": {"$sum": 1}},
        Some(Bson::Document(output)) => output.clone(),
        Some(_) => return Err(Error::location(40196, "The $bucket 'output' field must be an object")),
    };
    let fields = output
        .iter()
        .map(|(name, value)| Ok((name.clone(), Specification::parse(name, value, context.scope())?)));
    Ok(Arc::new(Bucket {
        by: Expression::parse_in(by, context.scope())?,
        boundaries,
        default,
        fields: fields.collect::<Result<_>>()?,
        sort: sort::parse(&Bson::Document(doc! {"_id": 1}), context)?,
    }))
}

fn constant(value: &Bson) -> Result<Bson> {
    Expression::parse(value)?.evaluate(&Document::new(), &Variables::default())
}

/// The lower boundary of the range that a value falls into.
fn range_of<'a>(boundaries: &'a [Bson], value: &Bson) -> Option<&'a Bson> {
    let above = boundaries.partition_point(|boundary| compare(boundary, value) != Ordering::Greater);
    if above == 0 || above == boundaries.len() { None } else { boundaries.get(above - 1) }
}

impl Stage for Bucket {
    fn name(&self) -> &'static str {
        "$bucket"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        // Each document is grouped by the boundary that is found for it under a name no document has.
        let chooser = Chooser {
            by: self.by.clone(),
            boundaries: self.boundaries.clone(),
            default: self.default.clone(),
        };
        let group = Group { id: Expression::special(chooser), fields: self.fields.clone() };
        let (inner, sort) = (site.clone(), Arc::clone(&self.sort));
        Ok(stream::deferred(move || {
            let groups = group.grouped(input, &inner)?;
            sort.run(groups, &inner)
        }))
    }
}

#[derive(Debug)]
struct Chooser {
    by: Expression,
    boundaries: Vec<Bson>,
    default: Option<Bson>,
}

impl crate::language::expression::Evaluate for Chooser {
    fn evaluate(&self, scope: &crate::language::expression::Scope<'_>) -> Result<Bson> {
        let value = self.by.evaluate_in(scope)?;
        if let Some(boundary) = range_of(&self.boundaries, &value) {
            return Ok(boundary.clone());
        }
        self.default.clone().ok_or_else(|| {
            let given = describe(&value);
            Error::location(
                40066,
                format!("$bucket found no range for {given}, and no default was specified."),
            )
        })
    }
}
