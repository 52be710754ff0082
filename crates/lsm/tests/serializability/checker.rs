//! Finds what no serial execution explains, in the manner of Elle (Kingsbury and Alvaro, "Elle: Inferring Isolation
//! Anomalies from Experimental Observations", VLDB 2020).
//!
//! Lists that are only appended to, with elements that are unique, tell everything: whoever reads a list sees the
//! order of all writes to it, and so who wrote before whom, who read from whom, and who read what another then
//! overwrote. A history is serializable if no transaction has to come before itself.

use std::collections::HashMap;

use crate::anomaly::{Anomaly, Dependency};
use crate::graph::Graph;
use crate::history::{Element, List, Operation, Outcome, Transaction};

/// Everything that is wrong with `history`; empty if it is strictly serializable. `last` is what the lists hold at the
/// end; every acknowledged append must be there.
pub(crate) fn check(history: &[Transaction], last: &[(List, Vec<Element>)]) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut writers: HashMap<Element, (usize, List)> = HashMap::new();
    for (number, transaction) in history.iter().enumerate() {
        writers.extend(transaction.appends().map(|(list, element)| (element, (number, list))));
    }
    // The last look at all lists is one more reader, after everyone.
    let end = history.iter().map(|transaction| transaction.ended).max().unwrap_or(0);
    let mut history = history.to_vec();
    history.push(Transaction {
        client: u32::MAX,
        began: end + 1,
        ended: end + 2,
        operations: last.iter().map(|(list, found)| Operation::Read(*list, found.clone())).collect(),
        outcome: Outcome::Committed,
    });
    for (reader, transaction) in history.iter().enumerate() {
        if !is_consistent_inside(transaction) {
            found.push(Anomaly::Internal { transaction: reader });
        }
    }
    check_reads(&history, &writers, &mut found);
    let orders = orders(&history, &mut found);
    check_lost(&history, &orders, &mut found);
    if found.is_empty() {
        found = dependencies(&history, &orders, &writers).anomalies();
    }
    found
}

fn is_visible(transaction: &Transaction) -> bool {
    transaction.outcome != Outcome::Refused
}

/// Whether it reads each list as it read it before, with its own appends at the end.
fn is_consistent_inside(transaction: &Transaction) -> bool {
    let mut known: HashMap<List, Vec<Element>> = HashMap::new();
    let mut appended: HashMap<List, Vec<Element>> = HashMap::new();
    transaction.operations.iter().all(|operation| match operation {
        Operation::Append(list, element) => {
            known.entry(*list).and_modify(|known| known.push(*element));
            appended.entry(*list).or_default().push(*element);
            true
        }
        Operation::Read(list, found) => {
            let own = appended.get(list).map(Vec::as_slice).unwrap_or_default();
            let fits = known.get(list).map_or(found.ends_with(own), |known| known == found);
            known.insert(*list, found.clone());
            fits
        }
    })
}

/// That what was read was written, by someone who was not refused, and wholly.
fn check_reads(history: &[Transaction], writers: &HashMap<Element, (usize, List)>, found: &mut Vec<Anomaly>) {
    for (reader, transaction) in history.iter().enumerate().filter(|(_, transaction)| is_visible(transaction))
    {
        for (list, elements) in transaction.outer_reads() {
            for (at, element) in elements.iter().enumerate() {
                let Some(&(writer, _)) = writers.get(element).filter(|(_, to)| *to == list) else {
                    found.push(Anomaly::Garbage { transaction: reader, element: *element });
                    continue;
                };
                if elements[..at].contains(element) {
                    found.push(Anomaly::Garbage { transaction: reader, element: *element });
                }
                if history[writer].outcome == Outcome::Refused {
                    found.push(Anomaly::AbortedRead { writer, reader });
                }
            }
            let Some(&(writer, _)) = elements.last().and_then(|element| writers.get(element)) else {
                continue;
            };
            let last = history[writer].appends().filter(|(to, _)| *to == list).last();
            if last.is_some_and(|(_, last)| Some(&last) != elements.last()) {
                found.push(Anomaly::IntermediateRead { writer, reader });
            }
        }
    }
}

/// The order of each list, which the longest read of it shows, if all others show a beginning of that.
fn orders(history: &[Transaction], found: &mut Vec<Anomaly>) -> HashMap<List, Vec<Element>> {
    let mut longest: HashMap<List, (usize, &[Element])> = HashMap::new();
    for (reader, transaction) in history.iter().enumerate().filter(|(_, transaction)| is_visible(transaction))
    {
        for (list, elements) in transaction.outer_reads() {
            let (other, known) = longest.entry(list).or_insert((reader, elements));
            let shared = known.len().min(elements.len());
            if known[..shared] != elements[..shared] {
                found.push(Anomaly::IncompatibleOrders { list, one: *other, other: reader });
            } else if elements.len() > known.len() {
                (*other, *known) = (reader, elements);
            }
        }
    }
    longest.into_iter().map(|(list, (_, elements))| (list, elements.to_vec())).collect()
}

/// That all that was acknowledged is in the orders, and in the last read, and nobody is there by half.
fn check_lost(history: &[Transaction], orders: &HashMap<List, Vec<Element>>, found: &mut Vec<Anomaly>) {
    let Some(last) = history.last() else { return };
    let at_end: HashMap<List, &[Element]> = last.outer_reads().into_iter().collect();
    let is_there = |list: List, element: Element| {
        orders.contains_key(&list) && at_end.get(&list).is_some_and(|elements| elements.contains(&element))
    };
    for (writer, transaction) in history.iter().enumerate() {
        let is_seen = transaction.outcome == Outcome::Unknown
            && transaction.appends().any(|(list, element)| is_there(list, element));
        if transaction.outcome == Outcome::Committed || is_seen {
            let lost = transaction.appends().find(|(list, element)| !is_there(*list, *element));
            found.extend(lost.map(|(_, element)| Anomaly::Lost { writer, element }));
        }
    }
}

/// Everyone who was not refused; of those of unknown outcome only such as somebody saw.
fn dependencies(
    history: &[Transaction],
    orders: &HashMap<List, Vec<Element>>,
    writers: &HashMap<Element, (usize, List)>,
) -> Graph {
    let mut graph = Graph::new(history.len());
    for order in orders.values() {
        for pair in order.windows(2) {
            graph.add(writers[&pair[0]].0, Dependency::WriteWrite, writers[&pair[1]].0);
        }
    }
    for (reader, transaction) in history.iter().enumerate() {
        let is_there = match transaction.outcome {
            Outcome::Committed => true,
            Outcome::Refused => false,
            Outcome::Unknown => transaction
                .appends()
                .any(|(list, element)| orders.get(&list).is_some_and(|all| all.contains(&element))),
        };
        for (list, elements) in transaction.outer_reads().into_iter().filter(|_| is_there) {
            if let Some(last) = elements.last() {
                graph.add(writers[last].0, Dependency::WriteRead, reader);
            }
            if let Some(next) = orders.get(&list).and_then(|order| order.get(elements.len())) {
                graph.add(reader, Dependency::ReadWrite, writers[next].0);
            }
        }
    }
    add_real_time(history, &mut graph);
    graph
}

/// For each transaction and client, the last that this client had ended before the transaction began; all others
/// follow from these and from the order of each client.
fn add_real_time(history: &[Transaction], graph: &mut Graph) {
    let mut clients: HashMap<u32, Vec<usize>> = HashMap::new();
    for (number, transaction) in history.iter().enumerate() {
        if transaction.outcome == Outcome::Committed {
            clients.entry(transaction.client).or_default().push(number);
        }
    }
    for ended in clients.values_mut() {
        ended.sort_unstable_by_key(|number| history[*number].ended);
    }
    for (number, transaction) in history.iter().enumerate() {
        if !is_visible(transaction) {
            continue;
        }
        for ended in clients.values() {
            let before = ended.partition_point(|other| history[*other].ended < transaction.began);
            if let Some(last) = before.checked_sub(1).map(|at| ended[at]) {
                graph.add(last, Dependency::RealTime, number);
            }
        }
    }
}
