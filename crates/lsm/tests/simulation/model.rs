//! What a database should hold: keyspaces of plain maps, the changes that lead from one state to the next, and what
//! was promised about them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use stroma_lsm::{Database, Durability, Error};

use crate::rules::{APPEND_SHORT, Rules};
use crate::sums::Sum;

pub(crate) type Bytes = Arc<[u8]>;
/// What each key holds over time.
pub(crate) type Map = BTreeMap<Bytes, Sum<Bytes>>;

/// The names that keyspaces get.
pub(crate) const NAMES: [&str; 4] = ["amber", "beryl", "coral", "dolomite"];

/// Everything in a database. A copy is cheap: maps are shared until they change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) keyspaces: BTreeMap<String, Arc<Map>>,
}

/// A change of one entry, or of a range of them, in the keyspace called `name`.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put { name: &'static str, key: u8, value: Bytes },
    PutExpiring { name: &'static str, key: u8, value: Bytes, after: u64 },
    Merge { name: &'static str, key: u8, operand: Bytes, after: Option<u64> },
    Delete { name: &'static str, key: u8 },
    DeleteRange { name: &'static str, start: u8, end: u8 },
}

impl Change {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Change::Put { name, .. }
            | Change::PutExpiring { name, .. }
            | Change::Merge { name, .. }
            | Change::Delete { name, .. }
            | Change::DeleteRange { name, .. } => name,
        }
    }

    /// Whether it changes, or may change, `the_key` of the keyspace called `the_name`.
    pub(crate) fn touches(&self, the_name: &str, the_key: u8) -> bool {
        self.name() == the_name
            && match *self {
                Change::Put { key, .. }
                | Change::PutExpiring { key, .. }
                | Change::Merge { key, .. }
                | Change::Delete { key, .. } => key == the_key,
                Change::DeleteRange { start, end, .. } => (start..end).contains(&the_key),
            }
    }

    /// The same, but that it does not expire by itself.
    pub(crate) fn without_expiry(self) -> Change {
        match self {
            Change::PutExpiring { name, key, value, .. } => Change::Put { name, key, value },
            Change::Merge { name, key, operand, .. } => Change::Merge { name, key, operand, after: None },
            other => other,
        }
    }

    /// Whether it can change nothing whatever is there.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Change::DeleteRange { start, end, .. } if start >= end)
    }
}

/// Keys of different lengths, the empty one and long ones among them, with shared beginnings, in the order of their
/// numbers.
pub(crate) fn key_of(number: u8) -> Vec<u8> {
    if number == 0 {
        return Vec::new();
    }
    let mut key = vec![b'k', number / 8];
    key.extend(std::iter::repeat_n(number % 8, usize::from(number % 8)));
    if number % 16 == 15 {
        key.resize(200, 0xff);
    }
    key
}

impl State {
    /// What a database holds for who begins to read now.
    pub(crate) fn of(database: &Database, rules: Rules) -> Result<State, Error> {
        let mut state = State::default();
        for name in database.keyspaces() {
            let mut map = Map::new();
            for entry in database.keyspace(&name)?.iter() {
                let (key, value) = entry?;
                if let Some(value) = rules.settled(&name, &value) {
                    map.insert(Bytes::from(key), Sum::put(value, None));
                }
            }
            state.keyspaces.insert(name, Arc::new(map));
        }
        Ok(state)
    }

    /// What who begins to read at `now` sees of it, however long he reads.
    pub(crate) fn alive(&self, now: u64) -> State {
        let seen = |map: &Arc<Map>| {
            if map.values().all(Sum::is_plain) {
                return map.clone();
            }
            let append = |base: Option<&[u8]>, operands: &[&[u8]]| APPEND_SHORT.appended(base, operands);
            let seen = |(key, sum): (&Bytes, &Sum<Bytes>)| {
                if sum.is_plain() {
                    return Some((key.clone(), sum.clone()));
                }
                Some((key.clone(), Sum::put(sum.at(now, append)?.into(), None)))
            };
            Arc::new(map.iter().filter_map(seen).collect())
        };
        State { keyspaces: self.keyspaces.iter().map(|(name, map)| (name.clone(), seen(map))).collect() }
    }

    /// The entries of a keyspace, none if it is not there.
    pub(crate) fn map(&self, name: &str) -> Arc<Map> {
        self.keyspaces.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str, key: u8) -> Option<Bytes> {
        self.keyspaces.get(name)?.get(key_of(key).as_slice())?.value().cloned()
    }

    /// The entries from `start` up to, not including, `end`.
    pub(crate) fn range(&self, name: &str, start: u8, end: u8) -> Vec<(Bytes, Bytes)> {
        let (start, end) = (key_of(start), key_of(end));
        let map = self.map(name);
        let within = map.iter().filter(|(key, _)| start.as_slice() <= &***key && &***key < end.as_slice());
        within.filter_map(|(key, sum)| Some((key.clone(), sum.value()?.clone()))).collect()
    }

    /// Makes the changes at the time `now`.
    pub(crate) fn apply(&mut self, changes: &[Change], rules: Rules, now: u64) {
        for change in changes {
            let name = change.name();
            let map = Arc::make_mut(self.keyspaces.entry(name.to_owned()).or_default());
            let mut put = |key: u8, value: &[u8], expires: Option<u64>| {
                let key = Bytes::from(key_of(key));
                match rules.settled(name, value) {
                    Some(value) => drop(map.insert(key, Sum::put(value, expires))),
                    None => drop(map.remove(&key)),
                }
            };
            match change {
                Change::Put { key, value, .. } => put(*key, value, rules.expiry(name, now, None)),
                Change::PutExpiring { key, value, after, .. } => {
                    put(*key, value, rules.expiry(name, now, Some(*after)));
                }
                Change::Merge { key, operand, after, .. } => {
                    let sum = map.entry(key_of(*key).into()).or_insert_with(Sum::nothing);
                    match rules.expiry(name, now, *after) {
                        None if sum.is_plain() || sum.is_nothing() => {
                            let value = APPEND_SHORT.appended(sum.value().map(|value| &**value), &[operand]);
                            *sum = Sum::put(value.into(), None);
                        }
                        expires => sum.merge(operand.clone(), expires),
                    }
                }
                Change::Delete { key, .. } => drop(map.remove(key_of(*key).as_slice())),
                Change::DeleteRange { start, end, .. } => {
                    let (start, end) = (key_of(*start), key_of(*end));
                    map.retain(|key, _| !(start.as_slice() <= &**key && &**key < end.as_slice()));
                }
            }
        }
    }

    /// Where two states differ first, for messages.
    pub(crate) fn difference(&self, other: &State) -> String {
        for name in self.keyspaces.keys().chain(other.keyspaces.keys()) {
            if self.keyspaces.contains_key(name) != other.keyspaces.contains_key(name) {
                return format!("keyspace {name} is in one of them only");
            }
            let (mine, its) = (self.map(name), other.map(name));
            for key in mine.keys().chain(its.keys()) {
                if mine.get(key) != its.get(key) {
                    let tell = |sum: Option<&Sum<Bytes>>| match sum {
                        None => "absent".to_owned(),
                        Some(sum) => format!("{sum:?}"),
                    };
                    return format!("{name} {key:?}: {} against {}", tell(mine.get(key)), tell(its.get(key)));
                }
            }
        }
        "none".to_owned()
    }
}

/// The states that a database went through since it was opened, and how many of them must survive what.
pub(crate) struct Told {
    /// The state it was opened in, and the one after each commit that was acknowledged.
    states: Vec<State>,
    /// The states after commits that were not acknowledged and may be there all the same, until another is.
    doubts: Vec<State>,
    /// The state that must survive a loss of power, by its number; nothing before it may come back.
    synced: usize,
    /// The state that must survive the death of the process.
    buffered: usize,
}

impl fmt::Debug for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.states.len() - 1;
        write!(formatter, "state {last}, {} synced, {} buffered", self.synced, self.buffered)
    }
}

impl Told {
    /// About a database opened in this state, all of which is on the device.
    pub(crate) fn since(state: State) -> Told {
        Told { states: vec![state], doubts: Vec::new(), synced: 0, buffered: 0 }
    }

    /// About a database whose process was killed, opened again in the state `found`: what had not reached the device
    /// by then need not have done so until now.
    pub(crate) fn continued(mut self, found: State) -> Told {
        match self.states.iter().rposition(|state| *state == found) {
            Some(number) => self.states.truncate(number + 1),
            None => self.states.push(found),
        }
        self.states.drain(..self.synced);
        Told { buffered: self.states.len() - 1, states: self.states, doubts: Vec::new(), synced: 0 }
    }

    /// The state that readers see.
    pub(crate) fn present(&self) -> &State {
        self.states.last().unwrap()
    }

    pub(crate) fn acknowledge(&mut self, state: State, durability: Durability) {
        self.states.push(state);
        match durability {
            Durability::Synced => self.promise_all(),
            Durability::Buffered => self.buffered = self.states.len() - 1,
            Durability::None => {}
        }
    }

    /// What was in doubt before the last commit was acknowledged is void.
    pub(crate) fn end_doubts(&mut self) {
        self.doubts.clear();
    }

    pub(crate) fn doubt(&mut self, state: State) {
        self.doubts.push(state);
    }

    /// After a sync or a flush that succeeded.
    pub(crate) fn promise_all(&mut self) {
        self.synced = self.states.len() - 1;
        self.buffered = self.synced;
    }

    /// After a shutdown that handed over the log.
    pub(crate) fn promise_buffered(&mut self) {
        self.buffered = self.states.len() - 1;
    }

    pub(crate) fn synced(&self) -> usize {
        self.synced
    }

    pub(crate) fn buffered(&self) -> usize {
        self.buffered
    }

    /// The number of the state, from number `least` on, that who begins to read at `now` sees as `found`.
    pub(crate) fn position(&self, found: &State, least: usize, now: u64) -> Option<usize> {
        (least..self.states.len()).find(|number| self.states[*number].alive(now) == *found)
    }

    /// Makes sure that what was found after a restart is a state that may be there: state `least` or one after it, as
    /// it is seen at `now`. Answers it.
    pub(crate) fn check(&self, found: &State, least: usize, now: u64, context: &str) -> State {
        let mut possible = self.states[least..].iter().rev().chain(&self.doubts);
        if let Some(state) = possible.find(|state| state.alive(now) == *found) {
            return state.clone();
        }
        let lost = self.states[..least].iter().rposition(|state| state.alive(now) == *found);
        let last = self.states.len() - 1;
        match lost {
            Some(number) => {
                panic!("{context}: state {number} is there, {least} was promised, {last} was the last")
            }
            None => panic!(
                "{context}: what is there is no state that was ever committed ({least} was promised, {last} was the \
                 last); differs from the last one in {}",
                found.difference(&self.states[last].alive(now))
            ),
        }
    }
}
