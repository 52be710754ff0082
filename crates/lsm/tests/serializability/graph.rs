//! Who has to come before whom, and the shortest cycles among them.

use std::collections::{BTreeSet, VecDeque};

use crate::anomaly::{Anomaly, Dependency};

/// Transactions by number, and the dependencies between them.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    edges: Vec<BTreeSet<(usize, Dependency)>>,
}

impl Graph {
    pub(crate) fn new(transactions: usize) -> Graph {
        Graph { edges: vec![BTreeSet::new(); transactions] }
    }

    pub(crate) fn add(&mut self, before: usize, dependency: Dependency, after: usize) {
        if before != after {
            self.edges[before].insert((after, dependency));
        }
    }

    /// A shortest way from `start` to `end` over dependencies that `admits`, as steps from one to the next.
    fn way(
        &self,
        start: usize,
        end: usize,
        admits: impl Fn(Dependency) -> bool,
    ) -> Option<Vec<(usize, Dependency)>> {
        let mut from: Vec<Option<(usize, Dependency)>> = vec![None; self.edges.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for &(next, dependency) in self.edges[at].iter().filter(|(_, dependency)| admits(*dependency)) {
                if next != start && from[next].is_none() {
                    from[next] = Some((at, dependency));
                    queue.push_back(next);
                }
            }
        }
        let mut way = Vec::new();
        let mut at = end;
        while at != start {
            let (before, dependency) = from[at]?;
            way.push((before, dependency));
            at = before;
        }
        way.reverse();
        Some(way)
    }

    /// Transactions that lie on some cycle of dependencies that `admits`, by Kahn's method from both ends: what it
    /// leaves over are cycles and ways between them.
    fn cyclic(&self, admits: impl Fn(Dependency) -> bool) -> Vec<bool> {
        let count = self.edges.len();
        let mut forward = vec![Vec::new(); count];
        let mut backward = vec![Vec::new(); count];
        for (before, edges) in self.edges.iter().enumerate() {
            for &(after, dependency) in edges {
                if admits(dependency) {
                    forward[before].push(after);
                    backward[after].push(before);
                }
            }
        }
        let mut left = vec![true; count];
        for (out, into) in [(&forward, &backward), (&backward, &forward)] {
            let mut degrees: Vec<usize> =
                into.iter().map(|edges| edges.iter().filter(|other| left[**other]).count()).collect();
            let mut ends: Vec<usize> = (0..count).filter(|at| left[*at] && degrees[*at] == 0).collect();
            while let Some(at) = ends.pop() {
                left[at] = false;
                for &next in out[at].iter().filter(|next| left[**next]) {
                    degrees[next] -= 1;
                    if degrees[next] == 0 {
                        ends.push(next);
                    }
                }
            }
        }
        left
    }

    /// The shortest cycle found that goes once over `first` and then over what `rest` admits.
    fn cycle(
        &self,
        first: Dependency,
        rest: impl Fn(Dependency) -> bool + Copy,
    ) -> Option<Vec<(usize, Dependency)>> {
        let cyclic = self.cyclic(|dependency| dependency == first || rest(dependency));
        let mut best: Option<Vec<(usize, Dependency)>> = None;
        for (before, edges) in self.edges.iter().enumerate().filter(|(before, _)| cyclic[*before]) {
            for &(after, dependency) in edges {
                if dependency != first || !cyclic[after] {
                    continue;
                }
                if let Some(way) = self.way(after, before, rest)
                    && best.as_ref().is_none_or(|best| way.len() + 1 < best.len())
                {
                    best = Some([vec![(before, dependency)], way].concat());
                }
            }
        }
        best
    }

    /// The worst cycle of each kind, without real time and, where there is none, with it.
    pub(crate) fn anomalies(&self) -> Vec<Anomaly> {
        use Dependency::{ReadWrite, RealTime, WriteRead, WriteWrite};
        let mut found = Vec::new();
        for real_time in [false, true] {
            let extra = move |dependency| real_time && dependency == RealTime;
            let writes = move |dependency| dependency == WriteWrite || extra(dependency);
            let reads = move |dependency| dependency == WriteRead || writes(dependency);
            let all = move |dependency| dependency == ReadWrite || reads(dependency);
            let kinds = [
                ("G0", self.cycle(WriteWrite, writes)),
                ("G1c", self.cycle(WriteRead, reads)),
                ("G-single", self.cycle(ReadWrite, reads)),
                ("G2", self.cycle(ReadWrite, all)),
            ];
            // A cycle of one kind is one of all kinds that follow.
            let worst = kinds.into_iter().find_map(|(name, cycle)| Some((name, cycle?)));
            if let Some((name, cycle)) = worst {
                found.push(Anomaly::Cycle { name, real_time, cycle });
                break;
            }
        }
        found
    }
}
