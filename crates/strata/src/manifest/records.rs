//! Records by name, of which a copy costs little: each version of a set has its own, and few differ between two.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Most records of a chunk.
const CHUNK: usize = 128;

/// Small records by name, ascending. Copies share what is the same in them: with n records a copy takes O(n / 128), a
/// change O(n / 128 + 128).
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// None of them empty, each with smaller names than the next.
    chunks: Vec<Arc<BTreeMap<String, Vec<u8>>>>,
}

impl Records {
    /// The chunk where a name is, if it is anywhere.
    fn place(&self, name: &str) -> usize {
        let begins_later = |chunk: &Arc<BTreeMap<String, Vec<u8>>>| {
            chunk.first_key_value().is_some_and(|(first, _)| first.as_str() > name)
        };
        self.chunks.partition_point(|chunk| !begins_later(chunk)).saturating_sub(1)
    }

    /// The record of a name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.chunks.get(self.place(name))?.get(name).map(Vec::as_slice)
    }

    /// All records, by ascending name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.iter())
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Sets a record.
    pub(crate) fn insert(&mut self, name: String, bytes: Vec<u8>) {
        let place = self.place(&name);
        let Some(chunk) = self.chunks.get_mut(place) else {
            self.chunks.push(Arc::new(BTreeMap::from([(name, bytes)])));
            return;
        };
        let chunk = Arc::make_mut(chunk);
        chunk.insert(name, bytes);
        if chunk.len() > CHUNK {
            let middle = chunk.keys().nth(CHUNK / 2).cloned().unwrap_or_default();
            let behind = chunk.split_off(&middle);
            self.chunks.insert(place + 1, Arc::new(behind));
        }
    }

    /// Takes a record out, if it is there.
    pub(crate) fn remove(&mut self, name: &str) {
        let place = self.place(name);
        let Some(chunk) = self.chunks.get_mut(place).filter(|chunk| chunk.contains_key(name)) else { return };
        let chunk = Arc::make_mut(chunk);
        chunk.remove(name);
        if chunk.is_empty() {
            self.chunks.remove(place);
        }
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Records {}

impl Extend<(String, Vec<u8>)> for Records {
    fn extend<I: IntoIterator<Item = (String, Vec<u8>)>>(&mut self, records: I) {
        records.into_iter().for_each(|(name, bytes)| self.insert(name, bytes));
    }
}

impl FromIterator<(String, Vec<u8>)> for Records {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(records: I) -> Self {
        let mut all = Records::default();
        all.extend(records);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_a_map_and_copies_stay_what_they_were() {
        let (mut records, mut model) = (Records::default(), BTreeMap::new());
        let mut copies: Vec<(Records, BTreeMap<String, Vec<u8>>)> = Vec::new();
        let mut state = 3_u64;
        for round in 0..6000_u64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let name = format!("{:04}", (state >> 33) % 2000);
            // First it grows, then it shrinks to nothing.
            if (state >> 50) % 4 < if round < 3000 { 3 } else { 1 } {
                records.insert(name.clone(), round.to_le_bytes().to_vec());
                model.insert(name, round.to_le_bytes().to_vec());
            } else {
                records.remove(&name);
                model.remove(&name);
            }
            if round % 500 == 0 {
                copies.push((records.clone(), model.clone()));
            }
        }
        let names: Vec<String> = model.keys().cloned().collect();
        copies.push((records.clone(), model.clone()));
        names.iter().for_each(|name| records.remove(name));
        copies.push((records, BTreeMap::new()));
        for (records, model) in copies {
            assert!(records.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK));
            assert!(records.iter().eq(model.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))));
            for number in 0..2000 {
                let name = format!("{number:04}");
                assert_eq!(records.get(&name), model.get(&name).map(Vec::as_slice));
            }
            let again: Records = model.into_iter().collect();
            assert_eq!(again, records);
        }
    }
}
