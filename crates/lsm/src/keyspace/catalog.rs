//! The catalog of keyspaces: which names have which numbers. Kept in keyspace 0, committed like any other data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use super::description::KeyspaceDescription;
use super::handle::{Keyspace, KeyspaceState};
use super::range::{KeyRange, PREFIX_BYTES, number_of, prefix};
use crate::Error;
use crate::commit::Payload;
use crate::database::Core;
use crate::log::{Operation, Operations};
use crate::merging::Visibility;
use crate::read::Range;
use crate::rules::{Rule, STORING_MARK, Storing};
use crate::values::Packing;

/// The keyspace of the catalog.
const CATALOG: u32 = 0;
/// Where the next number to be given stands: the one key that is no name, since a name is never empty.
const NEXT_NUMBER: &[u8] = b"";
/// The longest name in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The keyspaces by name. The lock is held while one is made or dropped, so that two makers of a name agree.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    state: Mutex<State>,
    /// Those that were dropped since the database was opened, or are about to be; numbers are not given again.
    dropped: RwLock<BTreeMap<u32, String>>,
    /// Whether there are any.
    has_dropped: AtomicBool,
}

#[derive(Debug)]
struct State {
    next_number: u32,
    keyspaces: BTreeMap<String, Known>,
}

/// A keyspace that there is.
#[derive(Debug, Clone)]
struct Known {
    state: Arc<KeyspaceState>,
    /// The name of its merge operator; empty if it has none.
    operator: String,
    /// How its entries are stored.
    storing: Storing,
}

impl Default for State {
    fn default() -> Self {
        State { next_number: CATALOG + 1, keyspaces: BTreeMap::new() }
    }
}

impl Catalog {
    /// Reads what the database holds; called once, before the database is handed out.
    pub(crate) fn load(&self, core: &Arc<Core>) -> Result<(), Error> {
        let mut state = State::default();
        let guard = core.take_snapshot();
        let visibility = Visibility::at(guard.sequence());
        for entry in Range::new(core.clone(), KeyRange::new::<&[u8]>(CATALOG, &..), guard, visibility) {
            let (name, number) = entry?;
            let damaged =
                || Error::corrupt("the catalog of keyspaces", 0, format!("entry {name:?} is malformed"));
            let Entry { number, operator, storing } = Entry::decode(&number).ok_or_else(damaged)?;
            if name == NEXT_NUMBER {
                state.next_number = number;
            } else {
                let name = String::from_utf8(name.clone()).map_err(|_| damaged())?;
                let known = Arc::new(KeyspaceState::new(number, name.clone()));
                let known = Known { state: known, operator: operator.to_owned(), storing };
                set_rule(core, &name, &known);
                state.keyspaces.insert(name, known);
            }
        }
        *self.state.lock() = state;
        Ok(())
    }

    /// The keyspace called `name`, made if there is none.
    pub(crate) fn open(&self, core: &Arc<Core>, name: &str) -> Result<Keyspace, Error> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(Error::InvalidName { name: name.to_owned() });
        }
        let mut state = self.state.lock();
        let options = core.options().keyspaces.get(name);
        let operator = options.map_or("", |options| options.operator_name());
        let storing = options.map(Storing::of).unwrap_or_default();
        if let Some(known) = state.keyspaces.get_mut(name) {
            known.accept(core, name, operator, storing)?;
            return Ok(Keyspace::new(core.clone(), known.state.clone()));
        }
        if core.is_read_only() {
            return Err(Error::NoSuchKeyspace { name: name.to_owned() });
        }
        let number = state.next_number;
        let next_number = number
            .checked_add(1)
            .filter(|next| *next < u32::MAX)
            .ok_or(Error::OutOfMemory { what: "the range of keyspace numbers" })?;
        let mut payload = Payload::default();
        payload.put(
            &prefix(CATALOG),
            name.as_bytes(),
            &Entry { number, operator, storing }.encode(),
            Packing::None,
        );
        payload.put(&prefix(CATALOG), NEXT_NUMBER, &next_number.to_le_bytes(), Packing::None);
        core.commit(payload, core.options().durability, None)?;
        state.next_number = next_number;
        let made = Arc::new(KeyspaceState::new(number, name.to_owned()));
        let known = Known { state: made.clone(), operator: operator.to_owned(), storing };
        set_rule(core, name, &known);
        state.keyspaces.insert(name.to_owned(), known);
        Ok(Keyspace::new(core.clone(), made))
    }

    /// Drops the keyspace called `name` with everything in it; answers whether there was one.
    pub(crate) fn drop_keyspace(&self, core: &Core, name: &str) -> Result<bool, Error> {
        let mut state = self.state.lock();
        let Some(Known { state: known, .. }) = state.keyspaces.get(name).cloned() else {
            return Ok(false);
        };
        let all = KeyRange::new::<&[u8]>(known.id(), &..);
        let mut payload = Payload::default();
        payload.delete(&prefix(CATALOG), name.as_bytes());
        payload.delete_range(&all.start, &all.end);
        // Noted before: what is committed after it is refused, and what is committed before it is deleted by it.
        self.dropped.write().insert(known.id(), name.to_owned());
        self.has_dropped.store(true, Ordering::Release);
        if let Err(error) = core.commit(payload, core.options().durability, None) {
            self.dropped.write().remove(&known.id());
            return Err(error);
        }
        known.mark_dropped();
        state.keyspaces.remove(name);
        Ok(true)
    }

    /// Refuses a commit that puts something into a keyspace which was dropped after it was collected: nobody would
    /// ever see or delete it. Called in the order of commits.
    ///
    /// # Errors
    /// [`Error::KeyspaceDropped`].
    pub(crate) fn check_puts(&self, payload: &[u8]) -> Result<(), Error> {
        if !self.has_dropped.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut checked = None;
        for operation in Operations::new(payload).flatten() {
            let key = match operation {
                Operation::Put { key, .. }
                | Operation::PutStored { key, .. }
                | Operation::PutMarked { key, .. } => key,
                Operation::Delete { .. } | Operation::DeleteRange { .. } => continue,
            };
            let number = number_of(key);
            if number != checked {
                self.check_numbers(number)?;
                checked = number;
            }
        }
        Ok(())
    }

    /// The same for keyspaces by their numbers.
    ///
    /// # Errors
    /// [`Error::KeyspaceDropped`].
    pub(crate) fn check_numbers(&self, numbers: impl IntoIterator<Item = u32>) -> Result<(), Error> {
        let dropped = self.dropped.read();
        match numbers.into_iter().find_map(|number| dropped.get(&number)) {
            Some(name) => Err(Error::KeyspaceDropped { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// What is kept of each, by name.
    pub(crate) fn descriptions(&self) -> Vec<KeyspaceDescription> {
        let state = self.state.lock();
        let each = state.keyspaces.iter().map(|(name, known)| {
            KeyspaceDescription::new(name, known.state.id(), &known.operator, known.storing)
        });
        each.collect()
    }

    /// The names in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state.lock().keyspaces.keys().cloned().collect()
    }
}

/// Whether a stored key is one of the catalog.
pub(crate) fn is_in_catalog(stored_key: &[u8]) -> bool {
    number_of(stored_key) == Some(CATALOG)
}

/// What the catalog holds of a keyspace: its number, the name of its merge operator, and how its entries are stored.
struct Entry<'a> {
    number: u32,
    operator: &'a str,
    storing: Storing,
}

impl<'a> Entry<'a> {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.number.to_le_bytes().to_vec();
        out.extend_from_slice(self.operator.as_bytes());
        self.storing.encode(&mut out);
        out
    }

    fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let mark = rest.iter().position(|byte| *byte == STORING_MARK);
        let (operator, storing) = rest.split_at(mark.unwrap_or(rest.len()));
        Some(Entry {
            number: u32::from_le_bytes(*number),
            operator: std::str::from_utf8(operator).ok()?,
            storing: Storing::decode(storing.get(1..).unwrap_or_default())?,
        })
    }
}

impl Known {
    /// Takes over what the options of this opening say, and keeps what is new in the catalog; a database that is to be
    /// read only heeds it and keeps nothing.
    ///
    /// # Errors
    /// [`Error::OtherMergeOperator`]; as a commit.
    fn accept(&mut self, core: &Core, name: &str, operator: &str, storing: Storing) -> Result<(), Error> {
        let gets_operator = self.operator.is_empty() && !operator.is_empty();
        if self.operator != operator && !gets_operator {
            let (keyspace, stored, given) = (name.to_owned(), self.operator.clone(), operator.to_owned());
            return Err(Error::OtherMergeOperator { keyspace, stored, given });
        }
        let storing = storing.or(self.storing);
        if !gets_operator && (storing == self.storing || core.is_read_only()) {
            return Ok(());
        }
        let mut payload = Payload::default();
        let entry = Entry { number: self.state.id(), operator, storing };
        payload.put(&prefix(CATALOG), name.as_bytes(), &entry.encode(), Packing::None);
        core.commit(payload, core.options().durability, None)?;
        (self.operator, self.storing) = (operator.to_owned(), storing);
        set_rule(core, name, self);
        Ok(())
    }
}

/// Puts the rules of a keyspace into force that the options have for it, and those that were kept. An operator other
/// than the stored one is none: operands stay as they are.
fn set_rule(core: &Core, name: &str, known: &Known) {
    let given = core.options().keyspaces.get(name);
    if given.is_none() && known.storing.is_usual() {
        return;
    }
    let mut options = given.cloned().unwrap_or_default();
    if options.operator_name() != known.operator {
        options.merge_operator = None;
    }
    let storing = Storing::of(&options).or(known.storing);
    core.resolver().rules().set(known.state.id(), Arc::new(Rule { name: name.to_owned(), options, storing }));
}

/// What mends a catalog that was damaged: operations that give names to those keyspaces in `with_keys` that have none
/// in `catalog`, those in `names` if they are free, and what they are called then.
pub(crate) fn name_lost_keyspaces(
    with_keys: &[u32],
    catalog: &BTreeMap<Vec<u8>, Vec<u8>>,
    names: &BTreeMap<u32, String>,
) -> (Payload, Vec<(u32, String)>) {
    let number_of = |value: &Vec<u8>| value.first_chunk().map_or(0, |number| u32::from_le_bytes(*number));
    let known: BTreeSet<u32> =
        catalog.iter().filter(|(name, _)| *name != NEXT_NUMBER).map(|(_, value)| number_of(value)).collect();
    let mut payload = Payload::default();
    let mut taken: BTreeSet<&[u8]> = catalog.keys().map(Vec::as_slice).collect();
    let mut renamed = Vec::new();
    for &number in with_keys.iter().filter(|number| **number != CATALOG && !known.contains(number)) {
        let name = match names.get(&number) {
            Some(name) if taken.insert(name.as_bytes()) => name.clone(),
            _ => free_name(number, catalog, names),
        };
        payload.put(&prefix(CATALOG), name.as_bytes(), &number.to_le_bytes(), Packing::None);
        renamed.push((number, name));
    }
    let last = with_keys.iter().chain(&known).max().copied().unwrap_or(CATALOG);
    let next = catalog.get(NEXT_NUMBER).map_or(CATALOG + 1, number_of);
    if next <= last {
        payload.put(&prefix(CATALOG), NEXT_NUMBER, &last.saturating_add(1).to_le_bytes(), Packing::None);
    }
    (payload, renamed)
}

/// A name for a keyspace that nobody knows one for.
fn free_name(number: u32, catalog: &BTreeMap<Vec<u8>, Vec<u8>>, names: &BTreeMap<u32, String>) -> String {
    let mut name = format!("recovered-{number}");
    while catalog.contains_key(name.as_bytes()) || names.values().any(|known| *known == name) {
        name.push('+');
    }
    name
}

const _: () = assert!(PREFIX_BYTES == size_of::<u32>());
