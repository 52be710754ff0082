//! Plans and their costs in MongoDB's words.

mod stages;

use bson::{Document, doc};

use crate::collection::Find;
use crate::execution::Counters;
use crate::namespace::Namespace;
use crate::planner::Plan;

/// What carrying a plan out looked at.
pub(crate) struct Execution<'c> {
    pub(crate) returned: u64,
    pub(crate) counters: &'c Counters,
}

/// The explanation of a planned query. `counts_entries` if no document has to be looked at.
pub(crate) fn describe(
    namespace: &Namespace,
    find: &Find,
    plan: &Plan,
    counts_entries: bool,
    execution: Option<&Execution<'_>>,
) -> Document {
    let winning = stages::winning_plan(find, plan, counts_entries);
    let mut explained = doc! {
        "explainVersion": "1",
        "queryPlanner": {
            "namespace": namespace.to_string(),
            "parsedQuery": find.filter.clone(),
            "plansConsidered": plan.considered as i64,
            "winningPlan": winning.clone(),
            "rejectedPlans": [],
        },
    };
    if let Some(execution) = execution {
        explained.insert(
            "executionStats",
            doc! {
                "executionSuccess": true,
                "nReturned": execution.returned as i64,
                "totalKeysExamined": execution.counters.keys() as i64,
                "totalDocsExamined": execution.counters.documents() as i64,
                "executionStages": winning,
            },
        );
    }
    explained
}
