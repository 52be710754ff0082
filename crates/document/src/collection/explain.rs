//! Explains how a query is carried out.

use super::{Aggregate, Collection, Count, Distinct, Find};
use crate::error::Result;
use crate::execution::Counters;
use crate::explain::{Execution, describe};

use bson::Document;

/// What to explain.
#[derive(Debug, Clone, PartialEq)]
pub enum Explained {
    /// A find; also an update or delete by its filter.
    Find(Find),
    /// A count.
    Count(Count),
    /// A distinct.
    Distinct(Distinct),
    /// An aggregation: the part of it that the collection answers.
    Aggregate(Aggregate),
}

/// How much an explanation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// The plan only.
    QueryPlanner,
    /// The plan, and what carrying it out looked at.
    #[default]
    ExecutionStats,
}

impl Collection {
    /// The plan of a query, and (if asked for) what carrying it out looked at, as MongoDB's `explain` shows
    /// them: `queryPlanner.winningPlan` and `executionStats`.
    ///
    /// # Errors
    /// As the query itself.
    pub fn explain(&self, explained: &Explained, verbosity: Verbosity) -> Result<Document> {
        let find = match explained {
            Explained::Find(find) => find.clone(),
            Explained::Count(count) => count.to_find(),
            Explained::Distinct(distinct) => distinct.to_find(),
            Explained::Aggregate(aggregate) => self.source_of(aggregate)?,
        };
        let prepared = self.prepare(&find)?;
        let counters = Counters::default();
        let execution = match (verbosity, explained) {
            (Verbosity::QueryPlanner, _) => None,
            (Verbosity::ExecutionStats, Explained::Count(count)) => {
                self.count_with(count, &counters)?;
                Some(Execution { returned: 0, counters: &counters })
            }
            (Verbosity::ExecutionStats, _) => {
                let mut returned = 0;
                for found in self.run(&prepared, find.skip, find.limit, counters.clone())? {
                    found?;
                    returned += 1;
                }
                Some(Execution { returned, counters: &counters })
            }
        };
        let counts_entries = matches!(explained, Explained::Count(_)) && prepared.plan.is_exact;
        Ok(describe(&self.namespace, &find, &prepared.plan, counts_entries, execution.as_ref()))
    }
}
