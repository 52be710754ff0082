//! The same operations under other options give the same answers.

use std::sync::Arc;

use stroma_lsm::{Database, IndexKind};
use stroma_strata::storage::MemoryStorage;

use crate::life::{Life, Tolerance};
use crate::model::{State, Told};
use crate::random::{Random, mix};
use crate::setting::{Frame, Setting};

/// What one way of opening a database made of the operations of a seed.
#[derive(Debug)]
struct Answers {
    transcript: u64,
    state: State,
    flushes: u64,
    merges: u64,
    plain_tables: usize,
}

fn answers(seed: u64, setting: &Setting, steps: u64) -> Answers {
    println!("seed {seed}: {setting:?}");
    let mut choices = Random(mix(!seed));
    let storage = MemoryStorage::new();
    storage.set_mapped(setting.mapped);
    let mut told = Told::since(State::default());
    let database = Database::open_storage(Arc::new(storage.clone()), setting.options.clone()).unwrap();
    let mut life = Life::new(database, &mut told, setting, &storage, &mut choices, Tolerance::Nothing);
    for _ in 0..steps {
        life.step();
    }
    life.verify();
    let (transcript, database) = (life.transcript, life.database.clone());
    drop(life);
    let tables = database.tables();
    let statistics = database.statistics();
    Answers {
        transcript,
        state: State::of(&database, setting.rules).unwrap(),
        flushes: statistics.flushes,
        merges: statistics.merges,
        plain_tables: tables.iter().filter(|table| table.index_kind == IndexKind::Plain).count(),
    }
}

#[test]
fn other_options_give_the_same_answers() {
    let mut random = Random(77);
    let (mut flushes, mut merges, mut plain_tables) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..12 {
        let mut first: Option<Answers> = None;
        for round in 0..6 {
            // The same keyspaces have the same rules, and the same time goes by.
            let mut setting = Frame::plain(seed).setting(&mut random).with_threads(round % 3);
            if round == 4 {
                setting = setting.encrypted(&mut Random(seed));
            }
            let found = answers(seed, &setting, 220);
            flushes.push(found.flushes);
            merges.push(found.merges);
            plain_tables.push(found.plain_tables);
            if let Some(first) = &first {
                let difference = first.state.difference(&found.state);
                assert!(first.state == found.state, "seed {seed}, {setting:?}: {difference}");
                assert_eq!(first.transcript, found.transcript, "seed {seed}, {setting:?}");
            }
            first.get_or_insert(found);
        }
    }
    // The options made a difference elsewhere.
    for counts in [&flushes, &merges] {
        let distinct: std::collections::BTreeSet<u64> = counts.iter().copied().collect();
        assert!(distinct.len() > 5, "{counts:?}");
    }
    assert!(plain_tables.contains(&0) && plain_tables.iter().any(|tables| *tables > 0));
}
