//! A spanning tree over the sets of a colour table: which set each is best written as a difference to.
//!
//! The least differences of all would be those of a minimum spanning tree over all pairs (Almodaresi, Pandey,
//! Ferdman, Johnson, Patro, RECOMB 2019, take the pairs that are neighbours in the de Bruijn graph). Here the
//! pairs are those that share a min-hash, of the sets or of what they lack, and are next to each other in
//! size among those that do: some sixteen for each set; and those that came one after the other. On them the
//! tree is the least (Kruskal, 1956). It grows from the empty set and that of all colours; where a branch is
//! deeper than allowed it is cut, and begins anew.

use super::set::ColourSet;

const MIN_HASH_SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

/// Sets of a chunk, decoded; by id.
pub(super) struct DecodedSets<'a> {
    words: &'a [u64],
    words_each: usize,
    colours: u32,
}

/// Where a set hangs in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    Empty,
    All,
    Set(u32),
}

/// Pairs among those that share a min-hash: each with so many next ones.
const NEXT_ONES: usize = 4;

/// A pair of nodes, behind the colours in which they differ. The roots come behind the sets.
type Edge = (u32, u32, u32);

impl<'a> DecodedSets<'a> {
    /// From the bitmaps of sets, one after the other.
    pub(super) fn new(words: &'a [u64], colours: u32) -> Self {
        DecodedSets { words, words_each: (colours as usize).div_ceil(64), colours }
    }

    fn len(&self) -> usize {
        self.words.len() / self.words_each.max(1)
    }

    pub(super) fn set(&self, id: u32) -> &'a [u64] {
        &self.words[id as usize * self.words_each..][..self.words_each]
    }

    fn size(&self, id: u32) -> u32 {
        self.set(id).iter().map(|word| word.count_ones()).sum()
    }

    fn differences(&self, one: u32, other: u32) -> u32 {
        let words = self.set(one).iter().zip(self.set(other));
        words.map(|(one, other)| (one ^ other).count_ones()).sum()
    }

    /// The parent of each set, at most `deepest` steps from a root.
    pub(super) fn tree(&self, deepest: u8) -> Vec<Parent> {
        let sets = self.len() as u32;
        let (empty, all) = (sets, sets + 1);
        let mut edges = self.edges();
        edges.sort_unstable();
        let mut joined = Joined((0..sets + 2).collect());
        // Both roots are there without being written.
        joined.join(empty, all);
        edges.retain(|&(_, one, other)| joined.join(one, other));
        let neighbours = Neighbours::new(&edges, sets as usize + 2);
        let mut parents: Vec<Option<(Parent, u8)>> = vec![None; sets as usize];
        let mut waiting: Vec<(u32, Parent, u8)> = Vec::new();
        for (root, parent) in [(empty, Parent::Empty), (all, Parent::All)] {
            waiting.extend(neighbours.of(root).iter().map(|&set| (set, parent, 0)));
            while let Some((set, mut parent, mut depth)) = waiting.pop() {
                if set >= sets || parents[set as usize].is_some() {
                    continue;
                }
                if depth > deepest {
                    let is_small = 2 * self.size(set) <= self.colours;
                    (parent, depth) = (if is_small { Parent::Empty } else { Parent::All }, 0);
                }
                parents[set as usize] = Some((parent, depth));
                waiting.extend(neighbours.of(set).iter().map(|&next| (next, Parent::Set(set), depth + 1)));
            }
        }
        parents.into_iter().map(|parent| parent.map_or(Parent::Empty, |(parent, _)| parent)).collect()
    }

    /// Each set with both roots, with the one before it, and with some that are likely to be near it.
    fn edges(&self) -> Vec<Edge> {
        let sets = self.len() as u32;
        let mut edges: Vec<Edge> = Vec::with_capacity(sets as usize * (3 + 4 * NEXT_ONES));
        for set in 0..sets {
            let size = self.size(set);
            edges.push((size, set, sets));
            edges.push((self.colours - size, set, sets + 1));
            // Sets of k-mers that came one after the other.
            edges.extend(set.checked_sub(1).map(|before| (self.differences(before, set), before, set)));
        }
        for seed in MIN_HASH_SEEDS {
            for flips in [0, u64::MAX] {
                let signed = |set| (self.min_hash(set, seed, flips), self.size(set), set);
                let mut signed: Vec<(Option<u32>, u32, u32)> = (0..sets).map(signed).collect();
                signed.sort_unstable();
                for (at, &(signature, _, one)) in signed.iter().enumerate() {
                    let next = signed[at + 1..].iter().take(NEXT_ONES);
                    let alike = next.take_while(|&&(other, ..)| other == signature);
                    edges.extend(alike.map(|&(_, _, other)| (self.differences(one, other), one, other)));
                }
            }
        }
        edges
    }

    /// Of the colours of a set, or of those that it lacks, the one with the smallest hash.
    fn min_hash(&self, set: u32, seed: u64, flips: u64) -> Option<u32> {
        let mut colours = ColourSet::empty(self.colours);
        colours.assign(self.set(set), flips);
        colours.min_hash(seed)
    }
}

/// Sets of nodes that are joined, as a forest (Tarjan, 1975, with path halving).
struct Joined(Vec<u32>);

impl Joined {
    fn root(&mut self, mut node: u32) -> u32 {
        while self.0[node as usize] != node {
            let above = self.0[node as usize];
            self.0[node as usize] = self.0[above as usize];
            node = above;
        }
        node
    }

    /// Joins two nodes; whether they were apart.
    fn join(&mut self, one: u32, other: u32) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one as usize] = other;
        one != other
    }
}

/// The neighbours of each node, one list after the other.
struct Neighbours {
    begins: Vec<u32>,
    all: Vec<u32>,
}

impl Neighbours {
    fn new(edges: &[Edge], nodes: usize) -> Self {
        let mut begins = vec![0_u32; nodes + 1];
        for &(_, one, other) in edges {
            begins[one as usize + 1] += 1;
            begins[other as usize + 1] += 1;
        }
        (1..=nodes).for_each(|node| begins[node] += begins[node - 1]);
        let (mut next, mut all) = (begins.clone(), vec![0; 2 * edges.len()]);
        for &(_, one, other) in edges {
            for (from, to) in [(one, other), (other, one)] {
                all[next[from as usize] as usize] = to;
                next[from as usize] += 1;
            }
        }
        Neighbours { begins, all }
    }

    fn of(&self, node: u32) -> &[u32] {
        &self.all[self.begins[node as usize] as usize..self.begins[node as usize + 1] as usize]
    }
}
