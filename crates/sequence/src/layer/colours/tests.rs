//! Tables made from sets, from other tables and anew, against plain sets.

use std::collections::BTreeSet;

use super::*;
use crate::noise::noise;

fn set(colours: u32, members: impl IntoIterator<Item = u32>) -> ColourSet {
    let mut set = ColourSet::empty(colours);
    members.into_iter().for_each(|colour| set.insert(colour));
    set
}

/// A table in memory, and what its sets are.
struct Owned {
    table: OwnedTable,
    model: Vec<BTreeSet<u32>>,
}

impl Owned {
    fn new(encoded: EncodedTable<'_>, model: Vec<BTreeSet<u32>>) -> Self {
        Owned { table: OwnedTable::new(encoded).expect("whole"), model }
    }

    /// Sets of one chunk.
    fn flat(colours: u32, sets: impl IntoIterator<Item = BTreeSet<u32>>) -> Self {
        let mut builder = ColourTableBuilder::new([], [colours]).expect("few");
        let mut model = Vec::new();
        for members in sets {
            let leaf = builder.leaf(0, set(colours, members.clone()).words()).expect("room");
            let id = builder.set_id(leaf);
            assert!(id as usize <= model.len());
            if id as usize == model.len() {
                model.push(members);
            }
        }
        Owned::new(builder.finish().expect("few"), model)
    }

    fn view(&self) -> Option<ColourTable<'_>> {
        self.table.table()
    }

    fn colours(&self) -> u32 {
        self.view().expect("whole").colours()
    }

    fn check(&self) {
        let table = self.view().expect("whole");
        assert_eq!((table.verify(), self.model.len()), (Some(()), self.table.set_count as usize));
        let mut decoded = ColourSet::empty(0);
        for (id, members) in (0..).zip(&self.model) {
            assert_eq!(table.decode(id, &mut decoded), Some(()));
            assert!(decoded.iter().eq(members.iter().copied()), "set {id}");
        }
        assert_eq!(table.decode(self.table.set_count, &mut decoded), None);
        let different: BTreeSet<&BTreeSet<u32>> = self.model.iter().collect();
        assert_eq!(different.len(), self.model.len(), "a set is there twice");
        // Weights: every third set, by three queries, some several times.
        let mut expected = vec![[0_u32; 3]; self.colours() as usize];
        let mut found = Vec::new();
        for (id, members) in self.model.iter().enumerate().step_by(3) {
            for times in 0..1 + id % 4 {
                let query = (id + times) % 3;
                found.push(((id as u64) << 32 | query as u64, 1 + times as u32 / 2));
                let weight = 1 + times as u32 / 2;
                members.iter().for_each(|&colour| expected[colour as usize][query] += weight);
            }
        }
        let mut counted = vec![[0_u32; 3]; self.colours() as usize];
        let weighed = table.weigh(found, |colour, query, times| {
            counted[colour as usize][query as usize] += times;
        });
        assert_eq!((weighed, counted), (Some(()), expected));
    }
}

/// A table of the unions of sets of others, one of which may be of new chunks.
fn joined(tables: &[Owned], group: Option<u32>, unions: usize, state: &mut u64) -> Owned {
    let views = tables.iter().map(|table| table.view().expect("whole"));
    let mut builder = ColourTableBuilder::new(views.clone(), group).expect("few");
    let slots = tables.len() as u32 + u32::from(group.is_some());
    let mut model = Vec::new();
    for _ in 0..unions {
        let (mut nodes, mut members, mut first) = (Vec::new(), BTreeSet::new(), 0);
        for (number, table) in tables.iter().enumerate() {
            if noise(state).is_multiple_of(3) {
                let own = noise(state) as u32 % table.table.set_count;
                let node = table.view().expect("whole").root(own).expect("there");
                nodes.push((number as u32, builder.kept_node(number, node)));
                members.extend(table.model[own as usize].iter().map(|colour| first + colour));
            }
            first += table.colours();
        }
        if let Some(colours) = group.filter(|_| noise(state).is_multiple_of(2)) {
            let own = set(colours, [noise(state) as u32 % colours, noise(state) as u32 % colours]);
            nodes.push((slots - 1, builder.leaf(0, own.words()).expect("room")));
            members.extend(own.iter().map(|colour| first + colour));
        }
        let Some(node) = builder.union(&nodes, slots).expect("room") else { continue };
        let id = builder.set_id(node);
        if id as usize == model.len() {
            model.push(members);
        } else {
            assert_eq!(model[id as usize], members);
        }
    }
    Owned::new(builder.finish().expect("few"), model)
}

fn some_sets(colours: u32, count: usize, state: &mut u64) -> Vec<BTreeSet<u32>> {
    let mut current = BTreeSet::new();
    let mut next = |_| {
        let colour = noise(state) as u32 % colours;
        if !current.remove(&colour) {
            current.insert(colour);
        }
        current.clone()
    };
    (0..count).map(&mut next).filter(|set| !set.is_empty()).collect()
}

#[test]
fn sets_come_back_under_their_ids_and_equal_ones_share_one() {
    for colours in [1, 2, 63, 64, 65, 300] {
        let mut state = u64::from(colours);
        Owned::flat(colours, some_sets(colours, 400, &mut state)).check();
    }
}

/// Three levels of merges: chunks, tables of chunks, tables of those.
fn deep(state: &mut u64) -> Owned {
    let mut flat = |colours| Owned::flat(colours, some_sets(colours, 40, state));
    let leaves: Vec<Owned> = [3, 64, 70, 1, 8, 8, 5].map(&mut flat).into();
    let mut leaves = leaves.into_iter();
    let mut take = |count| -> Vec<Owned> { leaves.by_ref().take(count).collect() };
    let (one, two, three) = (take(3), take(2), take(2));
    let tables =
        [joined(&one, None, 200, state), joined(&two, Some(9), 100, state), joined(&three, None, 100, state)];
    tables.iter().for_each(Owned::check);
    joined(&tables, Some(4), 500, state)
}

#[test]
fn unions_of_tables_are_references_to_them() {
    for seed in 0..4 {
        let mut state = seed;
        let whole = deep(&mut state);
        whole.check();
        assert!(whole.table.depth > 2 && whole.table.pair_count > 0);
        // The least of a table: only one kept, whose sets are some of it.
        joined(&[whole], None, 50, &mut state).check();
    }
}

#[test]
fn tables_are_made_anew_without_samples_that_were_removed() {
    let mut state = 5;
    for (levels, each) in [(1, 16), (1, 1000), (1, 3), (2, 5)] {
        let whole = deep(&mut state);
        let samples = whole.colours() / levels;
        for kept in [samples, samples / 2, 1, 0] {
            let mut left: Vec<u32> = (0..samples).collect();
            while left.len() > kept as usize {
                left.remove(noise(&mut state) as usize % left.len());
            }
            let view = whole.view().expect("whole");
            let anew = Regrouped::new(&view, &left, each, levels).expect("sound");
            let table = anew.table().expect("whole");
            assert!(table.depth() <= 8, "as few steps as can be, not {}", table.depth());
            // As a merge has it: the sets are those of the table made anew.
            let mut builder = ColourTableBuilder::new([table], []).expect("few");
            let mut model: Vec<BTreeSet<u32>> = Vec::new();
            for (id, members) in (0..).zip(&whole.model) {
                let places = (0..).zip(&left).flat_map(|(new, &old)| {
                    (0..levels).map(move |level| (old * levels + level, new * levels + level))
                });
                let expected: BTreeSet<u32> =
                    places.filter(|(old, _)| members.contains(old)).map(|(_, new)| new).collect();
                assert_eq!(anew.root(id).is_none(), expected.is_empty());
                let Some(node) = anew.root(id) else { continue };
                let node = builder.kept_node(0, node);
                let id = builder.set_id(node);
                if id as usize == model.len() {
                    model.push(expected);
                } else {
                    assert_eq!(model[id as usize], expected);
                }
            }
            if !left.is_empty() {
                Owned::new(builder.finish().expect("few"), model).check();
            }
        }
    }
}

#[test]
fn related_sets_cost_few_bytes() {
    let mut state = 5;
    let half = (0..1000).filter(|_| noise(&mut state).is_multiple_of(2)).collect::<Vec<_>>();
    let mut current: BTreeSet<u32> = half.into_iter().collect();
    let mut sets = Vec::new();
    for _ in 0..500 {
        let colour = (noise(&mut state) % 1000) as u32;
        if !current.remove(&colour) {
            current.insert(colour);
        }
        sets.push(current.clone());
    }
    let table = Owned::flat(1000, sets);
    table.check();
    // Some 500 colours a set would cost 500 bytes each as a list and 125 as a bitmap.
    assert!(table.table.sets.len() < 500 * 16, "{} bytes", table.table.sets.len());
}

#[test]
fn a_tree_makes_sets_that_come_in_any_order_shorter() {
    // Sets of a family tree: each is a half of the one above, and some lack a member.
    let mut state = 9;
    let mut family = vec![(0_u32, 128_u32)];
    let mut sets = Vec::new();
    while let Some((start, end)) = family.pop() {
        let whole: BTreeSet<u32> = (start..end).collect();
        for _ in 0..6 {
            let mut lacking = whole.clone();
            lacking.remove(&(start + noise(&mut state) as u32 % (end - start)));
            sets.push(lacking);
        }
        sets.push(whole);
        if end - start > 1 {
            let middle = (start + end) / 2;
            family.extend([(start, middle), (middle, end)]);
        }
    }
    (1..sets.len()).for_each(|at| sets.swap(at, noise(&mut state) as usize % (at + 1)));
    let different: BTreeSet<BTreeSet<u32>> = sets.iter().cloned().collect();
    let as_lists: usize = different.iter().map(|set| 1 + set.len().min(128 - set.len()).min(16)).sum();
    let table = Owned::flat(128, sets);
    table.check();
    assert!(table.table.sets.len() * 4 < as_lists * 3, "{} of {as_lists} bytes", table.table.sets.len());
}

/// Whatever the bytes: no panic, no loop, and what is refused by `verify` may be anything else.
#[test]
fn forged_tables_do_no_harm() {
    let mut state = 2;
    let mut refused = 0;
    for round in 0..1000 {
        let mut forged = deep(&mut (round / 250));
        let noisy = noise(&mut state);
        let part = match noisy % 4 {
            0 => &mut forged.table.sets,
            1 => &mut forged.table.offsets,
            2 => &mut forged.table.pairs,
            _ => forged.table.roots.as_mut().expect("nodes"),
        };
        for _ in 0..1 + noisy / 4 % 4 {
            let at = noise(&mut state) as usize % part.len();
            part[at] = noise(&mut state) as u8;
        }
        match noise(&mut state) % 20 {
            0 => forged.table.depth = noise(&mut state) as u8,
            1 => forged.table.pair_count = noise(&mut state) as u32,
            2 => forged.table.set_count = noise(&mut state) as u32 % 1000,
            _ => {}
        }
        let Some(table) = forged.view() else { continue };
        refused += u32::from(table.verify().is_none());
        let mut decoded = ColourSet::empty(0);
        (0..forged.table.set_count).for_each(|id| {
            let _ = table.decode(id, &mut decoded);
        });
        let found = (0..u64::from(forged.table.set_count))
            .map(|id| ((id << 32) | (id % 3), if id == 5 { u32::MAX } else { 1 }));
        let _ = table.weigh(found.collect(), |colour, _, _| assert!(colour < table.colours()));
        if let Ok(anew) = Regrouped::new(&table, &(0..table.colours()).collect::<Vec<_>>(), 50, 1) {
            assert!(anew.table().is_some());
        }
        if let Ok(builder) = ColourTableBuilder::new([table], [3]) {
            let _ = builder.finish();
        }
    }
    assert!(refused > 100, "{refused} refused");
}
