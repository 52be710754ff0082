//! What a life reads of its database, at once or over a while, compared with the model.

use std::collections::{BTreeMap, VecDeque};

use stroma_lsm::{Error, Keyspace, Range, Snapshot, Value};

use crate::life::{Life, Tolerance};
use crate::model::{Bytes, State, key_of};
use crate::rules::{Role, Rules};

/// A snapshot with what it has to show, dropped keyspaces too.
pub(crate) struct Held {
    snapshot: Snapshot,
    state: State,
    handles: BTreeMap<&'static str, Keyspace>,
    /// What it showed of filtered keyspaces when it was taken: no merge changes that.
    shown: Vec<(&'static str, Vec<(Bytes, Bytes)>)>,
}

/// A scan that was begun, with what has to come.
pub(crate) struct Walk {
    name: &'static str,
    range: Range,
    rest: VecDeque<(Bytes, Bytes)>,
}

type Entry = Result<(Bytes, Bytes), Error>;

fn owned(entry: Result<(Vec<u8>, Value), Error>) -> Entry {
    let (key, value) = entry?;
    Ok((Bytes::from(key), Bytes::from(&value[..])))
}

/// The entry as the model has it, none if it is one that a filter takes out some time.
fn settled(rules: Rules, name: &str, entry: Result<(Vec<u8>, Value), Error>) -> Option<Entry> {
    match entry {
        Ok((key, value)) => Some(Ok((Bytes::from(key), rules.settled(name, &value)?))),
        Err(error) => Some(Err(error)),
    }
}

/// The next entry from one of the ends, as the model has it.
fn step(rules: Rules, name: &str, range: &mut Range, from_back: bool) -> Option<Entry> {
    loop {
        let entry = if from_back { range.next_back()? } else { range.next()? };
        if let Some(entry) = settled(rules, name, entry) {
            return Some(entry);
        }
    }
}

impl Life<'_> {
    /// A value that was found, as the model has it.
    pub(crate) fn settled(&self, name: &str, found: Option<Value>) -> Option<Bytes> {
        found.and_then(|value| self.setting.rules.settled(name, &value))
    }

    /// What a scan finds, as the model has it.
    pub(crate) fn settled_all<I>(&self, name: &'static str, scan: I) -> impl Iterator<Item = Entry> + use<I>
    where
        I: Iterator<Item = Result<(Vec<u8>, Value), Error>>,
    {
        let rules = self.setting.rules;
        scan.filter_map(move |entry| settled(rules, name, entry))
    }

    pub(crate) fn use_snapshots(&mut self) {
        let number = self.choices.below(4) as usize;
        if number < self.snapshots.len() {
            let held = self.snapshots.swap_remove(number);
            let key = self.key();
            self.read_snapshot(&held, key);
            if self.choices.below(2) == 0 {
                return;
            }
            self.snapshots.push(held);
        } else if self.snapshots.len() < 3 {
            let snapshot = self.database.snapshot();
            let (state, handles) = (self.present(), self.handles.clone());
            let rules = self.setting.rules;
            let filtered = handles.iter().filter(|(name, _)| rules.role(name) == Role::Filtered);
            let shown = filtered.map(|(name, handle)| {
                let all: Result<Vec<_>, Error> = snapshot.range::<&[u8]>(handle, ..).map(owned).collect();
                all.map(|all| (*name, all))
            });
            let shown: Result<Vec<_>, Error> = shown.collect();
            let Some(shown) = self.permit(shown, "a scan of a snapshot") else { return };
            self.snapshots.push(Held { snapshot, state, handles, shown });
        }
    }

    fn read_snapshot(&mut self, held: &Held, key: u8) {
        for (name, handle) in &held.handles {
            let found: Result<Vec<_>, Error> =
                self.settled_all(name, held.snapshot.range::<&[u8]>(handle, ..)).collect();
            let Some(found) = self.permit(found, "a scan of a snapshot") else { continue };
            let map = held.state.map(name);
            let expected = map.iter().filter_map(|(key, sum)| Some((key.clone(), sum.value()?.clone())));
            assert!(found.into_iter().eq(expected), "a snapshot's {name} changed");
            let found = held.snapshot.get(handle, key_of(key));
            if let Some(found) = self.permit(found, "a read of a snapshot") {
                assert_eq!(self.settled(name, found), held.state.get(name, key), "{name} {key}");
            }
        }
        for (name, shown) in &held.shown {
            let found: Result<Vec<_>, Error> =
                held.snapshot.range::<&[u8]>(&held.handles[name], ..).map(owned).collect();
            let Some(found) = self.permit(found, "a scan of a snapshot") else { continue };
            assert!(found == *shown, "a filter changed {name} under a snapshot");
        }
    }

    /// Begins a scan, or goes a few entries further, from either end, in one that was begun before other changes.
    pub(crate) fn walk(&mut self) {
        let rules = self.setting.rules;
        if self.walks.len() < 2 {
            let name = self.name();
            let Some(handle) = self.handle(name) else { return };
            let rest = self.present().range(name, 0, 255).into();
            self.walks.push(Walk { name, range: handle.range(key_of(0)..key_of(255)), rest });
            return;
        }
        let number = self.choices.below(2) as usize;
        let mut walk = self.walks.swap_remove(number);
        for _ in 0..self.choices.below(30) {
            let from_back = self.choices.below(2) == 1;
            let found = step(rules, walk.name, &mut walk.range, from_back);
            let wanted = if from_back { walk.rest.pop_back() } else { walk.rest.pop_front() };
            let Some(found) = self.permit(found.transpose(), "a scan") else { return };
            assert_eq!(found, wanted, "a scan of {} that was begun earlier", walk.name);
            if wanted.is_none() {
                return;
            }
        }
        self.walks.push(walk);
    }

    pub(crate) fn get(&mut self) {
        let (name, key) = (self.name(), self.key());
        let Some(handle) = self.handle(name) else { return };
        if let Some(found) = self.permit(handle.get(key_of(key)), "a read") {
            assert_eq!(self.settled(name, found), self.present().get(name, key), "{name} {key}");
        }
    }

    pub(crate) fn get_many(&mut self) {
        let name = self.name();
        let keys: Vec<u8> = (0..self.choices.below(30)).map(|_| self.key()).collect();
        let Some(handle) = self.handle(name) else { return };
        let found = handle.get_many(keys.iter().map(|key| key_of(*key)));
        let Some(found) = self.permit(found, "a read of many keys") else { return };
        let present = self.present();
        let wanted: Vec<Option<Bytes>> = keys.iter().map(|key| present.get(name, *key)).collect();
        let found: Vec<Option<Bytes>> = found.into_iter().map(|value| self.settled(name, value)).collect();
        assert_eq!(found, wanted, "{name} {keys:?}");
    }

    /// Keys of a number share their first bytes with those around it.
    pub(crate) fn compare_prefix(&mut self) {
        let (name, key) = (self.name(), self.key());
        let prefix = {
            let mut prefix = key_of(key);
            prefix.truncate(self.choices.below(4) as usize);
            prefix
        };
        let turned = self.choices.below(2) == 0;
        let Some(handle) = self.handle(name) else { return };
        let scan = handle.prefix(&prefix);
        let found: Result<Vec<_>, Error> = if turned {
            self.settled_all(name, scan.rev()).collect()
        } else {
            self.settled_all(name, scan).collect()
        };
        let Some(mut found) = self.permit(found, "a scan of a prefix") else { return };
        if turned {
            found.reverse();
        }
        let map = self.present().map(name);
        let wanted = map.iter().filter(|(key, _)| key.starts_with(&prefix));
        let wanted = wanted.filter_map(|(key, sum)| Some((key, sum.value()?)));
        assert!(wanted.eq(found.iter().map(|(key, value)| (key, value))), "{name} {prefix:?}");
    }

    pub(crate) fn compare_range(&mut self) {
        let (name, start, end, turns) = (self.name(), self.key(), self.key(), self.choices.next());
        let Some(handle) = self.handle(name) else { return };
        let rules = self.setting.rules;
        let mut range = handle.range(key_of(start)..key_of(end));
        let mut rest: VecDeque<(Bytes, Bytes)> = self.present().range(name, start, end).into();
        for turn in 0.. {
            let from_back = turns >> (turn % 64) & 1 == 1;
            let found = step(rules, name, &mut range, from_back);
            let wanted = if from_back { rest.pop_back() } else { rest.pop_front() };
            let Some(found) = self.permit(found.transpose(), "a range") else { return };
            assert_eq!(found, wanted, "{name} from {start} to {end}");
            if wanted.is_none() {
                return;
            }
        }
    }

    /// All that is there, and the tables' checksums.
    pub(crate) fn verify(&mut self) {
        let found = State::of(&self.database, self.setting.rules);
        if let Some(found) = self.permit(found, "reading everything") {
            let present = self.present();
            let difference = || format!("{}, {:?}", found.difference(&present), self.setting.rules);
            assert!(found == present, "what is there differs: {}", difference());
        }
        let report = self.database.check();
        assert!(report.is_sound() || self.tolerance != Tolerance::Nothing, "{report:?}");
    }

    /// After a merge of everything, which had nothing to complain of: filters were asked about every entry.
    pub(crate) fn verify_filtered(&mut self) {
        let rules = self.setting.rules;
        for (name, handle) in &self.handles {
            if rules.role(name) != Role::Filtered {
                continue;
            }
            for entry in handle.iter() {
                let (key, value) = entry.expect("a storage without faults");
                let settled = rules.settled(name, &value);
                assert!(settled.as_deref() == Some(&value[..]), "a merge of everything passed {key:?} over");
            }
        }
    }
}
