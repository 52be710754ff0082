//! `$group`: gathers documents by a key and accumulates over each group.

use super::context::{DocumentStream, RunSite, StageContext};
use super::{stream, table::Stage};
use crate::error::{Error, Result};
use crate::language::accumulator::{Accumulator, Specification};
use crate::language::expression::{Expression, Scope};
use crate::language::value::{grouping_key, value_memory};
use bson::{Bson, Document};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one group takes beside its values.
const GROUP_OVERHEAD: usize = 256;

/// A parsed `$group`; other stages make one of their own.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: Expression,
    pub(super) fields: Vec<(String, Specification)>,
}

struct State {
    id: Bson,
    accumulators: Vec<Box<dyn Accumulator>>,
}

pub(super) fn parse(argument: &Bson, context: &StageContext) -> Result<Arc<dyn Stage>> {
    let Bson::Document(specification) = argument else {
        return Err(Error::location(15947, "a group's fields must be specified in an object"));
    };
    let mut id = None;
    let mut fields = Vec::new();
    for (name, value) in specification {
        if name == "_id" {
            id = Some(Expression::parse_in(value, context.scope())?);
            continue;
        }
        if name.contains('.') {
            let message = format!("The field name '{name}' cannot contain '.'");
            return Err(Error::location(40235, message));
        }
        if name.starts_with('$') {
            return Err(Error::location(
                40236,
                format!("The field name '{name}' cannot be an operator name"),
            ));
        }
        fields.push((name.clone(), Specification::parse(name, value, context.scope())?));
    }
    let id = id.ok_or_else(|| Error::location(15955, "a group specification must include an _id"))?;
    Ok(Arc::new(Group { id, fields }))
}

impl Stage for Group {
    fn name(&self) -> &'static str {
        "$group"
    }

    fn run(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let (group, site) = (self.clone(), site.clone());
        Ok(stream::deferred(move || group.grouped(input, &site)))
    }
}

impl Group {
    /// Reads all input; groups come out in the order in which their first documents came in.
    pub(super) fn grouped(&self, input: DocumentStream, site: &RunSite) -> Result<DocumentStream> {
        let mut places: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let mut groups: Vec<State> = Vec::new();
        let mut memory = 0;
        for document in input {
            let document = document?;
            let scope = Scope::new(&document, &site.variables);
            let id = match self.id.evaluate_in(&scope)? {
                Bson::Undefined => Bson::Null,
                id => id,
            };
            let key = grouping_key(&id);
            let place = match places.get(&key) {
                Some(place) => *place,
                None => {
                    memory += GROUP_OVERHEAD + key.len() + value_memory(&id);
                    let accumulators = self.fields.iter().map(|(_, field)| field.start()).collect();
                    groups.push(State { id, accumulators });
                    places.insert(key, groups.len() - 1);
                    groups.len() - 1
                }
            };
            for ((_, field), state) in self.fields.iter().zip(&mut groups[place].accumulators) {
                memory += field.feed(state.as_mut(), &document, &scope)?;
            }
            site.check_memory("$group", memory)?;
        }
        let names: Vec<String> = self.fields.iter().map(|(name, _)| name.clone()).collect();
        Ok(Box::new(groups.into_iter().map(move |state| Ok(finish(state, &names)))))
    }
}

fn finish(mut state: State, names: &[String]) -> Document {
    let mut document = Document::new();
    document.insert("_id", state.id);
    for (name, accumulator) in names.iter().zip(&mut state.accumulators) {
        document.insert(name.clone(), accumulator.finish());
    }
    document
}
