//! Smallest, largest, first, last, and the top of an order.

use super::{Accumulator, Options};
use crate::error::Result;
use crate::language::sort::{SortKey, SortPattern};
use crate::language::value::{compare, is_nullish, value_memory};
use bson::{Bson, Document};
use std::cmp::Ordering;

fn null_if_missing(value: Bson) -> Bson {
    if value == Bson::Undefined { Bson::Null } else { value }
}

/// `$min` and `$max`; null and missing do not count.
#[derive(Debug)]
pub(super) struct Extreme {
    largest: bool,
    best: Option<Bson>,
}

impl Extreme {
    pub(super) fn new(largest: bool) -> Extreme {
        Extreme { largest, best: None }
    }
}

impl Accumulator for Extreme {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        let wanted = if self.largest { Ordering::Greater } else { Ordering::Less };
        let better = self.best.as_ref().is_none_or(|best| compare(&value, best) == wanted);
        if is_nullish(&value) || !better {
            return Ok(0);
        }
        let grown = value_memory(&value).saturating_sub(self.best.as_ref().map_or(0, value_memory));
        self.best = Some(value);
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        self.best.take().unwrap_or(Bson::Null)
    }
}

#[derive(Debug, Default)]
pub(super) struct First(Option<Bson>);

impl Accumulator for First {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if self.0.is_some() {
            return Ok(0);
        }
        let grown = value_memory(&value);
        self.0 = Some(value);
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        null_if_missing(self.0.take().unwrap_or(Bson::Null))
    }
}

#[derive(Debug, Default)]
pub(super) struct Last(Option<Bson>);

impl Accumulator for Last {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        let grown = value_memory(&value).saturating_sub(self.0.as_ref().map_or(0, value_memory));
        self.0 = Some(value);
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        null_if_missing(self.0.take().unwrap_or(Bson::Null))
    }
}

/// `$minN` and `$maxN`: the values in order, cut to the wanted number now and then.
#[derive(Debug)]
pub(super) struct Several {
    largest: bool,
    count: usize,
    values: Vec<Bson>,
}

impl Several {
    pub(super) fn new(options: &Options, largest: bool) -> Several {
        Several { largest, count: options.count, values: Vec::new() }
    }

    fn cut(&mut self) {
        let largest = self.largest;
        self.values.sort_by(|a, b| if largest { compare(b, a) } else { compare(a, b) });
        self.values.truncate(self.count);
    }
}

impl Accumulator for Several {
    fn add(&mut self, value: Bson, _: &Document) -> Result<usize> {
        if is_nullish(&value) {
            return Ok(0);
        }
        let grown = if self.values.len() < self.count { value_memory(&value) } else { 0 };
        self.values.push(value);
        if self.values.len() >= self.count.saturating_mul(2).saturating_add(8) {
            self.cut();
        }
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        self.cut();
        Bson::Array(std::mem::take(&mut self.values))
    }
}

/// `$top`, `$bottom`, `$topN` and `$bottomN`: outputs of the documents that come first (last) in an order.
#[derive(Debug)]
pub(super) struct Sorted {
    bottom: bool,
    many: bool,
    count: usize,
    pattern: Option<SortPattern>,
    kept: Vec<(SortKey, Bson)>,
}

impl Sorted {
    pub(super) fn new(options: &Options, bottom: bool) -> Sorted {
        Sorted {
            bottom,
            many: options.many,
            count: options.count,
            pattern: options.sort.clone(),
            kept: Vec::new(),
        }
    }

    fn cut(&mut self) {
        let Some(pattern) = &self.pattern else { return };
        self.kept.sort_by(|(a, _), (b, _)| pattern.compare_keys(a, b));
        if self.bottom {
            let surplus = self.kept.len().saturating_sub(self.count);
            self.kept.drain(..surplus);
        } else {
            self.kept.truncate(self.count);
        }
    }
}

impl Accumulator for Sorted {
    fn add(&mut self, value: Bson, document: &Document) -> Result<usize> {
        let Some(pattern) = &self.pattern else { return Ok(0) };
        let grown = if self.kept.len() < self.count { value_memory(&value) } else { 0 };
        self.kept.push((pattern.key(document), value));
        if self.kept.len() >= self.count.saturating_mul(2).saturating_add(8) {
            self.cut();
        }
        Ok(grown)
    }

    fn finish(&mut self) -> Bson {
        self.cut();
        let mut values = std::mem::take(&mut self.kept).into_iter().map(|(_, value)| null_if_missing(value));
        if self.many { Bson::Array(values.collect()) } else { values.next().unwrap_or(Bson::Null) }
    }
}
