//! Transactions of a life: who reads and writes while others commit is refused just when he must be.

use stroma_lsm::{Durability, Error, Transaction};

use crate::life::Life;
use crate::model::{Change, State, key_of};
use crate::random::{fill, mix};
use crate::rules::APPEND_SHORT;

/// What a transaction reads, beside what its own merges read.
struct Reads {
    keys: Vec<(&'static str, u8)>,
    scan: Option<(&'static str, u8, u8)>,
}

/// The keys that merges in a transaction look up, since nothing before them wrote there.
fn read_by_merges(changes: &[Change]) -> impl Iterator<Item = (&'static str, u8)> {
    changes.iter().enumerate().filter_map(|(number, change)| match change {
        Change::Merge { name, key, .. } => {
            let is_own = changes[..number].iter().any(|earlier| earlier.touches(name, *key));
            (!is_own).then_some((*name, *key))
        }
        _ => None,
    })
}

fn touched(changes: &[Change], name: &str, key: u8) -> bool {
    changes.iter().any(|change| change.touches(name, key))
}

impl Life<'_> {
    /// A transaction reads and writes while another commit comes in between. It must be refused just when that
    /// commit touched what it read.
    pub(crate) fn transact(&mut self) {
        let (own_count, other_count) = (self.choices.below(5), self.choices.below(4));
        let durability = self.durability();
        let keys: Vec<(&'static str, u8)> =
            (0..self.choices.below(4)).map(|_| (self.name(), self.key())).collect();
        let scan = (self.choices.below(3) == 0).then(|| (self.name(), self.key(), self.key()));
        let (own, other) = (self.changes(own_count), self.changes(other_count));
        let mut names = keys.iter().map(|read| read.0).chain(scan.map(|scan| scan.0));
        let known = names.all(|name| self.handle(name).is_some());
        let (Some(own), Some(other), true) = (own, other, known) else { return };
        let own: Vec<Change> = own.into_iter().map(Change::without_expiry).collect();
        let reads = Reads { keys, scan };

        let mut transaction = self.database.transaction();
        let mut seen = self.present();
        if self.choices.below(4) == 0 {
            self.wait();
        }
        let undone = if self.choices.below(3) == 0 { other.as_slice() } else { &[] };
        if !self.write_in(&mut transaction, &own) {
            return;
        }
        if !undone.is_empty() {
            let savepoint = transaction.savepoint();
            self.write_in(&mut transaction, undone);
            transaction.rollback_to(&savepoint).expect("a savepoint of this transaction");
        }
        let net = self.applied(&own, &mut seen);
        if !self.read_in(&transaction, &seen.alive(self.setting.now()), &reads)
            || !other.is_empty() && !self.commit(&other, Durability::Buffered)
        {
            return;
        }
        // What it wrote itself, it did not have to read.
        let must_conflict =
            reads.keys.iter().any(|&(name, key)| touched(&other, name, key) && !touched(&own, name, key))
                || read_by_merges(&own).any(|(name, key)| touched(&other, name, key));
        let may_conflict = must_conflict
            || reads.keys.iter().any(|&(name, key)| touched(&other, name, key))
            || reads
                .scan
                .is_some_and(|(name, start, end)| (start..end).any(|key| touched(&other, name, key)))
            || read_by_merges(undone).next().is_some();
        let next = self.after(&net);
        let writes = own.iter().any(|change| !change.is_empty());
        let outcome = transaction.commit_with(durability);
        if matches!(outcome, Err(Error::Conflict { .. })) {
            assert!(may_conflict, "a transaction was refused without reason");
            self.note(1);
        } else if writes {
            let committed = self.settle(outcome, next, durability).is_some();
            assert!(!committed || !must_conflict, "a transaction read what changed, and was committed");
            self.note(2);
        } else if !self.poisoned {
            self.permit(outcome, "a transaction that only reads");
        }
    }

    /// Makes a transaction's changes in what it sees; answers what they are to others, to whom it puts what it merged.
    fn applied(&self, own: &[Change], seen: &mut State) -> Vec<Change> {
        let mut net = Vec::new();
        for change in own {
            let change = match change {
                Change::Merge { name, key, operand, .. } => {
                    let value = APPEND_SHORT.appended(seen.get(name, *key).as_deref(), &[operand]);
                    Change::Put { name, key: *key, value: value.into() }
                }
                other => other.clone(),
            };
            seen.apply(std::slice::from_ref(&change), self.setting.rules, self.setting.now());
            net.push(change);
        }
        net
    }

    /// Whether all of it could be read; it has to be as in `seen`.
    fn read_in(&mut self, transaction: &Transaction, seen: &State, reads: &Reads) -> bool {
        for &(name, key) in &reads.keys {
            let found = transaction.get(&self.handles[name], key_of(key));
            let Some(found) = self.permit(found, "a read of a transaction") else { return false };
            assert_eq!(self.settled(name, found), seen.get(name, key), "a transaction reads {name} {key}");
        }
        if let Some((name, start, end)) = reads.scan {
            let found = transaction.range(&self.handles[name], key_of(start)..key_of(end));
            let found: Result<Vec<_>, Error> = self.settled_all(name, found).collect();
            let Some(found) = self.permit(found, "a scan of a transaction") else { return false };
            assert_eq!(found, seen.range(name, start, end), "a transaction scans {name} {start} to {end}");
        }
        true
    }

    /// Whether all of it could be written: a transaction that spills needs the storage, and one that merges reads.
    fn write_in(&mut self, transaction: &mut Transaction, changes: &[Change]) -> bool {
        changes.iter().all(|change| {
            let handle = &self.handles[change.name()];
            let outcome = match change {
                // Of what expires there is nothing in transactions but what the keyspace says.
                Change::Put { key, value, .. } | Change::PutExpiring { key, value, .. } => {
                    transaction.put(handle, key_of(*key), value)
                }
                Change::Merge { key, operand, .. } => transaction.merge(handle, key_of(*key), operand),
                Change::Delete { key, .. } => transaction.delete(handle, key_of(*key)),
                Change::DeleteRange { start, end, .. } => {
                    transaction.delete_range(handle, key_of(*start)..key_of(*end))
                }
            };
            self.permit(outcome, "a write of a transaction").is_some()
        })
    }

    /// Who locks what it reads goes on from what was committed meanwhile.
    pub(crate) fn lock(&mut self) {
        let (name, key) = (self.name(), self.key());
        let other = self.change();
        let (Some(handle), true) = (self.handle(name), self.handle(other.name()).is_some()) else { return };
        let mut transaction = self.database.transaction();
        if !self.commit(std::slice::from_ref(&other), Durability::Buffered) {
            return;
        }
        let found = transaction.get_for_update(&handle, key_of(key));
        let Some(found) = self.permit(found, "a lock") else { return };
        let wanted = self.present().get(name, key);
        assert_eq!(self.settled(name, found), wanted, "what was locked is read as it is now");
        let mut value = vec![0; 9 + self.choices.below(50) as usize];
        fill(&mut value, self.choices.next());
        let change = Change::Put { name, key, value: value.clone().into() };
        let put = transaction.put(&handle, key_of(key), &value);
        if self.permit(put, "a write of a transaction").is_none() {
            return;
        }
        let next = self.after(std::slice::from_ref(&change));
        let outcome = transaction.commit_with(Durability::Buffered);
        assert!(!matches!(outcome, Err(Error::Conflict { .. })), "who locks does not run in vain");
        self.settle(outcome, next, Durability::Buffered);
    }

    fn note(&mut self, answer: u64) {
        self.transcript = mix(self.transcript ^ answer);
    }
}
