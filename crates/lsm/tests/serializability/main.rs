//! Whether transactions are serializable: histories recorded from threads, under flushes and merges and over crashes,
//! searched for cycles.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use threads")]

mod anomaly;
mod checker;
mod graph;
mod history;
mod known;
#[path = "../shared/random.rs"]
mod random;
mod workload;

use std::sync::Arc;

use checker::check;
use history::Outcome;
use stroma_lsm::{Database, Durability, Options};
use stroma_strata::MergePolicy;
use stroma_strata::storage::{MemoryStorage, PowerLoss};
use workload::{Form, Workload};

const CLIENTS: u32 = 4;

fn options() -> Options {
    Options {
        memory_bytes: 128 << 10,
        block_bytes: 256,
        merge_policy: MergePolicy::Tiered { fanout: 2 },
        ..Options::default()
    }
}

/// Every client for as many transactions, on threads of their own.
fn run_clients(workload: &Workload, database: &Database, round: u64, count: usize) {
    let keyspace = database.keyspace("lists");
    let Ok(keyspace) = keyspace else { return };
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let keyspace = &keyspace;
            let seed = round * 100 + u64::from(client);
            scope.spawn(move || workload.run_client(client, database, keyspace, seed, count));
        }
    });
}

fn assert_serializable(workload: Workload, database: &Database) {
    let last = workload.all(&database.keyspace("lists").unwrap());
    let anomalies = check(&workload.into_history(), &last);
    let told: Vec<String> = anomalies.iter().take(3).map(ToString::to_string).collect();
    assert!(anomalies.is_empty(), "{}", told.join("\n"));
}

#[test]
fn threads_see_one_order() {
    for (round, form) in (0..).zip([Form::Value, Form::Keys, Form::Value, Form::Keys]) {
        let workload = Workload::new(form, Durability::None, 3 + round * 3);
        let storage = MemoryStorage::new();
        let database = Database::open_storage(Arc::new(storage), options()).unwrap();
        run_clients(&workload, &database, round, 250);
        assert!(workload.count(Outcome::Committed) > 300 && workload.count(Outcome::Unknown) == 0);
        assert!(workload.count(Outcome::Refused) > 0);
        assert_serializable(workload, &database);
    }
}

/// What was acknowledged with `durability` is there after each crash, in an order that all clients saw.
fn over_crashes(form: Form, durability: Durability, rounds: u64) {
    let workload = Workload::new(form, durability, 8);
    let mut storage = MemoryStorage::new();
    for round in 0..rounds {
        let database = Database::open_storage(Arc::new(storage.clone()), Options { durability, ..options() });
        // In the middle of what the clients do, and not at the same moment for all.
        storage.fail_after(20 + random::mix(round) % 150, round);
        run_clients(&workload, &database.unwrap(), round, 200);
        storage = if durability == Durability::Synced {
            storage.lose_power(PowerLoss::any(round))
        } else {
            storage.kill()
        };
    }
    assert!(workload.count(Outcome::Unknown) as u64 > rounds / 2);
    assert!(workload.count(Outcome::Committed) as u64 > 10 * rounds);
    let database = Database::open_storage(Arc::new(storage), options()).unwrap();
    assert_serializable(workload, &database);
}

#[test]
fn losses_of_power_leave_one_order_with_everything_acknowledged() {
    over_crashes(Form::Value, Durability::Synced, 12);
    over_crashes(Form::Keys, Durability::Synced, 12);
}

#[test]
fn deaths_of_the_process_leave_one_order_with_everything_acknowledged() {
    over_crashes(Form::Value, Durability::Buffered, 12);
    over_crashes(Form::Keys, Durability::Buffered, 12);
}
