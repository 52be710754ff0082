//! The checker against histories of which it is known what is wrong with them.

use crate::checker::check;
use crate::history::{Element, List, Operation, Outcome, Transaction};
use crate::random::Random;

/// Transactions of clients of their own that all overlap.
fn together(transactions: &[&[Operation]]) -> Vec<Transaction> {
    let overlapping = |(client, operations): (usize, &&[Operation])| Transaction {
        client: client as u32,
        began: client as u64,
        ended: 100 + client as u64,
        operations: operations.to_vec(),
        outcome: Outcome::Committed,
    };
    transactions.iter().enumerate().map(overlapping).collect()
}

fn a(list: List, element: Element) -> Operation {
    Operation::Append(list, element)
}

fn r(list: List, found: &[Element]) -> Operation {
    Operation::Read(list, found.to_vec())
}

fn names(history: &[Transaction], last: &[(List, Vec<Element>)]) -> Vec<String> {
    let mut names: Vec<String> = check(history, last).iter().map(|anomaly| anomaly.name()).collect();
    names.dedup();
    names
}

#[test]
fn what_can_be_put_in_order_passes() {
    let history = together(&[
        &[r(1, &[]), a(1, 10), r(1, &[10])],
        &[r(1, &[10]), a(1, 11), a(2, 20)],
        &[r(1, &[10, 11]), r(2, &[20])],
        &[r(2, &[])],
    ]);
    assert!(names(&history, &[(1, vec![10, 11]), (2, vec![20])]).is_empty());
    assert!(names(&[], &[]).is_empty());
}

#[test]
fn each_kind_of_cycle_is_found_by_its_name() {
    // Each writes before the other.
    let history = together(&[&[a(1, 10), a(2, 20)], &[a(1, 11), a(2, 21)]]);
    assert_eq!(names(&history, &[(1, vec![10, 11]), (2, vec![21, 20])]), ["G0"]);
    // Each reads what the other wrote.
    let history = together(&[&[a(1, 10), r(2, &[20])], &[a(2, 20), r(1, &[10])]]);
    assert_eq!(names(&history, &[(1, vec![10]), (2, vec![20])]), ["G1c"]);
    // Read skew: the one list before a transaction, the other after it.
    let history = together(&[&[a(1, 10), a(2, 20)], &[r(1, &[]), r(2, &[20])]]);
    assert_eq!(names(&history, &[(1, vec![10]), (2, vec![20])]), ["G-single"]);
    // A lost update: both appended to what neither saw of the other.
    let history = together(&[&[r(1, &[]), a(1, 10)], &[r(1, &[]), a(1, 11)]]);
    assert_eq!(names(&history, &[(1, vec![10, 11])]), ["G-single"]);
    // Write skew: each read what the other then wrote.
    let history = together(&[&[r(1, &[]), a(2, 20)], &[r(2, &[]), a(1, 10)]]);
    assert_eq!(names(&history, &[(1, vec![10]), (2, vec![20])]), ["G2"]);
}

#[test]
fn who_comes_later_must_see_what_was_acknowledged() {
    let mut history = together(&[&[a(1, 10)], &[r(1, &[])]]);
    assert!(names(&history, &[(1, vec![10])]).is_empty());
    history[0].ended = 1;
    history[1].began = 2;
    assert_eq!(names(&history, &[(1, vec![10])]), ["G-single-realtime"]);
}

#[test]
fn what_is_wrong_without_any_cycle_is_found() {
    let mut history = together(&[&[a(1, 10)], &[r(1, &[10])]]);
    history[0].outcome = Outcome::Refused;
    assert!(names(&history, &[(1, vec![])]).contains(&"G1a".to_owned()));
    let history = together(&[&[a(1, 10), a(1, 11)], &[r(1, &[10])]]);
    assert_eq!(names(&history, &[(1, vec![10, 11])]), ["G1b"]);
    let history = together(&[&[r(1, &[]), a(1, 10), r(1, &[])]]);
    assert!(names(&history, &[(1, vec![10])]).contains(&"internal".to_owned()));
    let history = together(&[&[r(1, &[99])]]);
    assert!(names(&history, &[(1, vec![])]).contains(&"garbage".to_owned()));
    let history = together(&[&[a(1, 10)], &[a(1, 11)], &[r(1, &[10])], &[r(1, &[11])]]);
    assert!(names(&history, &[(1, vec![10, 11])]).contains(&"incompatible-orders".to_owned()));
    let history = together(&[&[a(1, 10), a(2, 20)]]);
    assert_eq!(names(&history, &[(1, vec![10]), (2, vec![])]), ["lost"]);
}

#[test]
fn an_unknown_outcome_is_there_wholly_or_not_at_all() {
    let mut history = together(&[&[a(1, 10), a(2, 20)], &[r(1, &[]), r(2, &[])]]);
    history[0].outcome = Outcome::Unknown;
    assert!(names(&history, &[(1, vec![]), (2, vec![])]).is_empty());
    assert!(names(&history, &[(1, vec![10]), (2, vec![20])]).is_empty());
    assert_eq!(names(&history, &[(1, vec![10]), (2, vec![])]), ["lost"]);
}

/// A small database in which a transaction reads the state at its beginning, and which refuses what `must_refuse`
/// says of the lists it read and those it appended to that were changed since.
fn simulate(seed: u64, must_refuse: fn(read_changed: bool, written_changed: bool) -> bool) -> Vec<String> {
    const LISTS: u64 = 4;
    let mut random = Random(seed);
    let mut lists: Vec<Vec<Element>> = vec![Vec::new(); LISTS as usize];
    let mut open: Vec<(Transaction, Vec<Vec<Element>>)> = Vec::new();
    let (mut history, mut clock) = (Vec::new(), 0);
    for client in 0..200 {
        clock += 1;
        let seen = lists.clone();
        let operations: Vec<Operation> = (0..3)
            .map(|number| {
                let list = random.below(LISTS);
                let read = r(list as List, &seen[list as usize]);
                if random.below(2) == 0 { read } else { a(list as List, client * 10 + number) }
            })
            .collect();
        // Reading after one's own append is left out here.
        let appended: Vec<List> = operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Append(list, _) => Some(*list),
                Operation::Read(..) => None,
            })
            .collect();
        let keeps =
            |operation: &Operation| !matches!(operation, Operation::Read(list, _) if appended.contains(list));
        let operations = operations.into_iter().filter(keeps).collect();
        let (began, outcome) = (clock, Outcome::Committed);
        open.push((Transaction { client: client as u32, began, ended: 0, operations, outcome }, seen));
        while open.len() > 3 || (client == 199 && !open.is_empty()) {
            let (mut transaction, seen) = open.swap_remove(random.below(open.len() as u64) as usize);
            clock += 1;
            transaction.ended = clock;
            let changed = |list: List| lists[list as usize] != seen[list as usize];
            let read_changed = transaction.outer_reads().iter().any(|(list, _)| changed(*list));
            let written_changed = transaction.appends().any(|(list, _)| changed(list));
            if must_refuse(read_changed, written_changed) && transaction.appends().next().is_some() {
                transaction.outcome = Outcome::Refused;
            } else {
                transaction.appends().for_each(|(list, element)| lists[list as usize].push(element));
            }
            history.push(transaction);
        }
    }
    let last: Vec<(List, Vec<Element>)> = (0..).zip(lists).collect();
    names(&history, &last)
}

#[test]
fn databases_of_known_isolation_are_told_apart() {
    let (mut snapshot, mut none) = (0, 0);
    for seed in 0..20 {
        assert!(simulate(seed, |read, written| read || written).is_empty(), "serializable, seed {seed}");
        let under_snapshots = simulate(seed, |_, written| written);
        assert!(under_snapshots.iter().all(|name| name == "G2"), "seed {seed}: {under_snapshots:?}");
        snapshot += usize::from(!under_snapshots.is_empty());
        none += usize::from(!simulate(seed, |_, _| false).is_empty());
    }
    assert!(snapshot > 15 && none > 15, "{snapshot}, {none}");
}
