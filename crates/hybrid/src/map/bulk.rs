//! Loading sorted entries in one pass.

use super::config::{Config, Lengths};
use super::leaf::NO_LEAF;
use super::map::HybridMap;
use super::node_ref::NodeRef;
use crate::Error;

impl<C: Config> HybridMap<C> {
    /// A map of entries that come by strictly ascending key, in O(n) and one pass.
    ///
    /// Leaves are filled to seven eighths, so that inserts find room.
    ///
    /// # Errors
    /// [`Error::NotSorted`] with the position of the first key that is not above the one before it.
    pub fn bulk_load(entries: impl IntoIterator<Item = (C::Key, C::Value)>) -> Result<Self, Error> {
        let mut map = Self::new();
        map.load(entries)?;
        Ok(map)
    }

    /// [`bulk_load`](HybridMap::bulk_load) with a policy that is set up in a way of its own.
    ///
    /// # Errors
    /// As there.
    pub fn bulk_load_with(
        policy: C::Policy,
        entries: impl IntoIterator<Item = (C::Key, C::Value)>,
    ) -> Result<Self, Error> {
        let mut map = Self::with_policy(policy);
        map.load(entries)?;
        Ok(map)
    }

    fn load(&mut self, entries: impl IntoIterator<Item = (C::Key, C::Value)>) -> Result<(), Error> {
        let fill = Lengths::<C>::LEAF * 7 / 8;
        let (mut keys, mut values) = (Vec::with_capacity(fill), Vec::with_capacity(fill));
        let mut nodes: Vec<(C::Key, NodeRef)> = Vec::new();
        let mut last = None;
        for (position, (key, value)) in entries.into_iter().enumerate() {
            if last.is_some_and(|last| key <= last) {
                return Err(Error::NotSorted { position });
            }
            last = Some(key);
            if keys.len() == fill {
                self.load_leaf(&keys, &values, &mut nodes);
                keys.clear();
                values.clear();
            }
            keys.push(key);
            values.push(value);
            self.len += 1;
        }
        if !keys.is_empty() {
            self.load_leaf(&keys, &values, &mut nodes);
        }
        if let Some(root) = self.build_up(nodes) {
            self.root = root;
        }
        Ok(())
    }

    /// Adds a leaf behind all others.
    fn load_leaf(&mut self, keys: &[C::Key], values: &[C::Value], nodes: &mut Vec<(C::Key, NodeRef)>) {
        let Ok(node) = self.add_leaf((keys, values), NO_LEAF);
        if self.first == NO_LEAF {
            self.first = node.index();
        } else {
            self.heads.get_mut(self.last).next = node.index();
        }
        self.last = node.index();
        nodes.push((keys[0], node));
    }
}
