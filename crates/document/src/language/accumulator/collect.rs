//! Accumulators that keep values: `$push`, `$addToSet`, `$firstN`, `$lastN`, `$mergeObjects`.

use super::{Accumulator, Options};
use crate::error::{Error, Result};
use crate::language::value::{grouping_key, is_nullish, type_name, value_memory};
use bson::{Bson, Document};
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug, Default)]
pub(super) struct Push(Vec<Bson>);

impl Accumulator for Push {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if value == Bson::Undefined {
            return Ok(0);
        }
        let grown = value_memory(&value);
        self.0.push(value);
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        Bson::Array(std::mem::take(&mut self.0))
    }
}

/// Distinct values; they come out in their order, which is one of the orders MongoDB may give.
#[derive(Debug, Default)]
pub(super) struct AddToSet(BTreeMap<Vec<u8>, Bson>);

impl Accumulator for AddToSet {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if value == Bson::Undefined {
            return Ok(0);
        }
        let key = grouping_key(&value);
        if self.0.contains_key(&key) {
            return Ok(0);
        }
        let grown = value_memory(&value) + key.len();
        self.0.insert(key, value);
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        Bson::Array(std::mem::take(&mut self.0).into_values().collect())
    }
}

#[derive(Debug)]
pub(super) struct FirstSeveral {
    count: usize,
    values: Vec<Bson>,
}

impl FirstSeveral {
    pub(super) fn new(options: &Options) -> FirstSeveral {
        FirstSeveral { count: options.count, values: Vec::new() }
    }
}

impl Accumulator for FirstSeveral {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if self.values.len() >= self.count {
            return Ok(0);
        }
        let value = if value == Bson::Undefined { Bson::Null } else { value };
        let grown = value_memory(&value);
        self.values.push(value);
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        Bson::Array(std::mem::take(&mut self.values))
    }
}

#[derive(Debug)]
pub(super) struct LastSeveral {
    count: usize,
    values: VecDeque<Bson>,
}

impl LastSeveral {
    pub(super) fn new(options: &Options) -> LastSeveral {
        LastSeveral { count: options.count, values: VecDeque::new() }
    }
}

impl Accumulator for LastSeveral {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        let value = if value == Bson::Undefined { Bson::Null } else { value };
        let mut grown = value_memory(&value);
        self.values.push_back(value);
        if self.values.len() > self.count {
            let gone = self.values.pop_front();
            grown = grown.saturating_sub(gone.as_ref().map_or(0, value_memory));
        }
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        Bson::Array(std::mem::take(&mut self.values).into())
    }
}

#[derive(Debug, Default)]
pub(super) struct MergeObjects(Document);

impl Accumulator for MergeObjects {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        match value {
            value if is_nullish(&value) => Ok(0),
            Bson::Document(document) => {
                let grown = document.iter().map(|(name, value)| name.len() + value_memory(value)).sum();
                self.0.extend(document);
                Ok(grown)
            }
            other => Err(Error::location(
                40400,
                format!("$mergeObjects requires object inputs, but input is of type {}", type_name(&other)),
            )),
        }
    }

    fn finish(&mut self) -> Bson {
        Bson::Document(std::mem::take(&mut self.0))
    }
}
