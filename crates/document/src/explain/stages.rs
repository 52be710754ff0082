//! A plan as nested stages.

use bson::{Bson, Document, doc};

use crate::collection::Find;
use crate::planner::{Access, IndexAccess, Plan, ScannedIndex};
use crate::store::Direction;

/// The stages, from that which gives out documents down to that which reads.
pub(super) fn winning_plan(find: &Find, plan: &Plan, counts_entries: bool) -> Document {
    let mut stage = access(find, plan, counts_entries);
    if counts_entries {
        return doc! { "stage": "COUNT", "inputStage": stage };
    }
    if !plan.is_sorted
        && let Some(sort) = &find.sort
    {
        let mut sorting = doc! { "stage": "SORT", "sortPattern": sort.clone() };
        if let Some(limit) = find.limit {
            sorting.insert("limitAmount", limit.saturating_add(find.skip) as i64);
        }
        sorting.insert("inputStage", stage);
        stage = sorting;
    }
    if find.skip > 0 {
        stage = doc! { "stage": "SKIP", "skipAmount": find.skip as i64, "inputStage": stage };
    }
    if let Some(limit) = find.limit {
        stage = doc! { "stage": "LIMIT", "limitAmount": limit as i64, "inputStage": stage };
    }
    if let Some(projection) = find.projection.as_ref().filter(|projection| !projection.is_empty()) {
        stage =
            doc! { "stage": "PROJECTION_DEFAULT", "transformBy": projection.clone(), "inputStage": stage };
    }
    stage
}

fn access(find: &Find, plan: &Plan, counts_entries: bool) -> Document {
    match &plan.access {
        Access::Nothing => doc! { "stage": "EOF" },
        Access::ById(_) => doc! { "stage": "IDHACK" },
        Access::CollectionScan(walked) => {
            let mut stage = doc! { "stage": "COLLSCAN" };
            if !find.filter.is_empty() {
                stage.insert("filter", find.filter.clone());
            }
            stage.insert("direction", direction(*walked));
            stage
        }
        Access::Index(access) => {
            let scan = index_scan(plan, access);
            if counts_entries {
                return scan;
            }
            let mut fetch = doc! { "stage": "FETCH" };
            if !find.filter.is_empty() && !plan.is_exact {
                fetch.insert("filter", find.filter.clone());
            }
            fetch.insert("inputStage", scan);
            fetch
        }
    }
}

fn index_scan(plan: &Plan, access: &IndexAccess) -> Document {
    let index = match (access.index, &plan.entry) {
        (ScannedIndex::Secondary(position), Some(entry)) => entry.indexes.get(position),
        _ => None,
    };
    let id_key = doc! { "_id": 1 };
    let key = index.map_or(&id_key, |index| &index.key);
    let bounds = key.keys().enumerate().map(|(position, path)| {
        let shown: Vec<Bson> = match access.bounds.get(position) {
            Some(bounds) => bounds.intervals.iter().map(|interval| interval.show().into()).collect(),
            None => vec!["[MinKey, MaxKey]".into()],
        };
        (path.clone(), Bson::Array(shown))
    });
    doc! {
        "stage": "IXSCAN",
        "keyPattern": key.clone(),
        "indexName": index.map_or("_id_", |index| &index.name),
        "isMultiKey": index.is_some_and(|index| index.is_multikey()),
        "isUnique": index.is_none_or(|index| index.unique),
        "isSparse": index.is_some_and(|index| index.sparse),
        "direction": direction(access.direction),
        "indexBounds": bounds.collect::<Document>(),
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Backward => "backward",
    }
}
