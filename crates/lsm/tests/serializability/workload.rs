//! Threads that append to lists and read them in transactions, recorded.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use stroma_lsm::{Database, Durability, Error, Keyspace, Value};

use crate::history::{Element, List, Operation, Outcome, Transaction};
use crate::random::Random;

/// How a list is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As one value: reads are of one key.
    Value,
    /// As one key for each element: reads are of a range, which must also notice what was not there.
    Keys,
}

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) form: Form,
    pub(crate) durability: Durability,
    pub(crate) lists: u64,
    clock: AtomicU64,
    elements: AtomicU64,
    history: Mutex<Vec<Transaction>>,
}

fn key(list: List, at: u64) -> Vec<u8> {
    [list.to_be_bytes().as_slice(), &at.to_be_bytes()].concat()
}

fn elements_of(bytes: &[u8]) -> Vec<Element> {
    bytes.chunks_exact(8).map(|chunk| Element::from_le_bytes(chunk.try_into().unwrap())).collect()
}

fn bytes_of(elements: &[Element]) -> Vec<u8> {
    elements.iter().flat_map(|element| element.to_le_bytes()).collect()
}

impl Workload {
    pub(crate) fn new(form: Form, durability: Durability, lists: u64) -> Workload {
        let (clock, elements, history) = (AtomicU64::new(1), AtomicU64::new(1), Mutex::default());
        Workload { form, durability, lists, clock, elements, history }
    }

    pub(crate) fn into_history(self) -> Vec<Transaction> {
        self.history.into_inner().unwrap()
    }

    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        let history = self.history.lock().unwrap();
        history.iter().filter(|transaction| transaction.outcome == outcome).count()
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn list_of(
        &self,
        list: List,
        get: impl FnOnce(Vec<u8>) -> Result<Option<Value>, Error>,
        range: impl FnOnce(Vec<u8>, Vec<u8>) -> stroma_lsm::Range,
    ) -> Result<Vec<Element>, Error> {
        match self.form {
            Form::Value => Ok(get(key(list, 0))?.map_or(Vec::new(), |bytes| elements_of(&bytes))),
            Form::Keys => {
                range(key(list, 0), key(list, u64::MAX)).map(|entry| Ok(elements_of(&entry?.1)[0])).collect()
            }
        }
    }

    /// What the lists hold now.
    pub(crate) fn all(&self, keyspace: &Keyspace) -> Vec<(List, Vec<Element>)> {
        let read = |list| {
            self.list_of(list, |key| keyspace.get(key), |start, end| keyspace.range(start..end)).unwrap()
        };
        (0..self.lists as List).map(|list| (list, read(list))).collect()
    }

    /// Transactions of one client until so many were tried or the database takes no more.
    pub(crate) fn run_client(
        &self,
        client: u32,
        database: &Database,
        keyspace: &Keyspace,
        seed: u64,
        count: usize,
    ) {
        let mut random = Random(seed);
        for _ in 0..count {
            let began = self.tick();
            let (operations, outcome) = if random.below(5) == 0 {
                self.read_a_snapshot(database, keyspace, &mut random)
            } else {
                self.transact(database, keyspace, &mut random)
            };
            let ended = self.tick();
            let transaction = Transaction { client, began, ended, operations, outcome };
            self.history.lock().unwrap().push(transaction);
            if outcome == Outcome::Unknown {
                break;
            }
        }
    }

    fn read_a_snapshot(
        &self,
        database: &Database,
        keyspace: &Keyspace,
        random: &mut Random,
    ) -> (Vec<Operation>, Outcome) {
        let snapshot = database.snapshot();
        let mut operations = Vec::new();
        for _ in 0..1 + random.below(4) {
            let list = random.below(self.lists) as List;
            let (get, range) = (
                |key: Vec<u8>| snapshot.get(keyspace, key),
                |start: Vec<u8>, end: Vec<u8>| snapshot.range(keyspace, start..end),
            );
            match self.list_of(list, get, range) {
                Ok(found) => operations.push(Operation::Read(list, found)),
                Err(_) => return (operations, Outcome::Unknown),
            }
            pause(random);
        }
        (operations, Outcome::Committed)
    }

    fn transact(
        &self,
        database: &Database,
        keyspace: &Keyspace,
        random: &mut Random,
    ) -> (Vec<Operation>, Outcome) {
        let mut transaction = database.transaction();
        let mut operations = Vec::new();
        for _ in 0..1 + random.below(4) {
            let list = random.below(self.lists) as List;
            let found = self.list_of(
                list,
                |key| transaction.get(keyspace, key),
                |start, end| transaction.range(keyspace, start..end),
            );
            let Ok(mut found) = found else { return (operations, Outcome::Unknown) };
            operations.push(Operation::Read(list, found.clone()));
            pause(random);
            if random.below(2) == 0 {
                let element = self.elements.fetch_add(1, Ordering::Relaxed);
                operations.push(Operation::Append(list, element));
                let at = found.len() as u64;
                found.push(element);
                let written = match self.form {
                    Form::Value => transaction.put(keyspace, key(list, 0), bytes_of(&found)),
                    Form::Keys => transaction.put(keyspace, key(list, at), bytes_of(&[element])),
                };
                written.unwrap();
            }
        }
        let outcome = match transaction.commit_with(self.durability) {
            Ok(_) => Outcome::Committed,
            Err(Error::Conflict { .. }) => Outcome::Refused,
            Err(_) => Outcome::Unknown,
        };
        (operations, outcome)
    }
}

/// Lets others go on in the middle of a transaction, now and then.
fn pause(random: &mut Random) {
    if random.below(3) == 0 {
        std::thread::yield_now();
    }
}
