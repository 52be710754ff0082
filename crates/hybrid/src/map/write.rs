//! Writing leaves: what goes in decides which kind a leaf becomes.

use super::config::{Config, Lengths};
use super::leaf::{Head, lay_gapped, lay_packed};
use super::leaves::Leaves;
use super::map::HybridMap;
use super::node_ref::{NodeKind, NodeRef};
use super::policy::{LeafFacts, MapPolicy};

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// A new leaf for one entry or more.
    ///
    /// # Errors
    /// If there is no room for it; nothing has changed then.
    pub(super) fn add_leaf(
        &mut self,
        entries: (&[C::Key], &[C::Value]),
        next: u32,
    ) -> Result<NodeRef, S::Error> {
        let index = self.leaves.add(entries.0[0], entries.1[0])?;
        let twin = self.heads.add(Head::train::<C>(entries.0, next));
        debug_assert_eq!(index, twin, "a leaf and its head have the same number");
        Ok(self.write_leaf(index, entries, next, 0))
    }

    /// Writes entries, one or more, into a leaf, over what was there, in O(slots). `strained` is what the policy
    /// is told about the inserts that led to it.
    pub(super) fn write_leaf(
        &mut self,
        index: u32,
        entries: (&[C::Key], &[C::Value]),
        next: u32,
        strained: usize,
    ) -> NodeRef {
        let head = Head::train::<C>(entries.0, next);
        *self.heads.get_mut(index) = head;
        let learned = self.wants_line(index, &head, entries, strained);
        if !learned {
            lay_packed::<C>(self.leaves.slots_mut(index), entries);
        }
        NodeRef::new(if learned { NodeKind::Gapped } else { NodeKind::Packed }, index)
    }

    /// Decides on the kind of a leaf; if it is to follow its line, its entries have been laid out.
    fn wants_line(
        &mut self,
        index: u32,
        head: &Head<C::Key>,
        entries: (&[C::Key], &[C::Value]),
        strained: usize,
    ) -> bool {
        // A line through few keys says little about those to come. What is begun at an end of the map stays
        // packed until it is full.
        if entries.0.len() < Lengths::<C>::LEAF / 4 {
            return false;
        }
        let mut facts = self.facts(head.sample::<C>(entries.0), entries.0.len(), strained);
        // Some of the keys tell whether it is worth while to look at all.
        let mut verdict = self.policy.leaf(&facts);
        if verdict.learned {
            facts.near = lay_gapped::<C>(self.leaves.slots_mut(index), entries, &mut self.marks);
            verdict = self.policy.leaf(&facts);
        }
        self.tally.leaf(verdict);
        verdict.learned
    }

    /// What the policy is told of a leaf.
    fn facts(&self, near: usize, entries: usize, strained: usize) -> LeafFacts {
        LeafFacts {
            entries,
            slots: Lengths::<C>::LEAF,
            near,
            strained,
            key_bytes: size_of::<C::Key>(),
            value_bytes: size_of::<C::Value>(),
            leaves: self.leaves.count(),
        }
    }

    /// Decides on the kind of a leaf that has become full at an end of the map, and tells its parent. Its entries
    /// stay where they are: without a gap, both kinds lie the same. Whatever its inserts were like, they are over.
    pub(super) fn settle(&mut self, path: &[(NodeRef, usize)], leaf: NodeRef) {
        let keys = self.leaves.slots(leaf.index()).0;
        let head = Head::train::<C>(keys, self.heads.get(leaf.index()).next);
        let verdict = self.policy.leaf(&self.facts(head.sample::<C>(keys), keys.len(), 0));
        *self.heads.get_mut(leaf.index()) = head;
        self.tally.leaf(verdict);
        self.become_kind(path, leaf, verdict.learned);
    }

    /// Tells the parent of a leaf which kind the leaf now is.
    fn become_kind(&mut self, path: &[(NodeRef, usize)], leaf: NodeRef, learned: bool) {
        let kind = if learned { NodeKind::Gapped } else { NodeKind::Packed };
        if kind != leaf.kind() {
            self.tally.changed_leaves += 1;
            self.replace(path, NodeRef::new(kind, leaf.index()));
        }
    }

    /// Writes a leaf's own entries anew, as whatever kind is now best for them, and tells its parent.
    pub(super) fn rewrite(&mut self, path: &[(NodeRef, usize)], leaf: NodeRef, strained: usize) {
        let mut moving = core::mem::take(&mut self.moving);
        moving.clear();
        moving.gather(self.leaves.slots(leaf.index()));
        let next = self.heads.get(leaf.index()).next;
        let written = self.write_leaf(leaf.index(), moving.entries(), next, strained);
        self.moving = moving;
        self.become_kind(path, leaf, written.kind() == NodeKind::Gapped);
    }

    /// Trains the leaf of a key again. Happens at most once between two times that its entries are shared with
    /// neighbours.
    #[cold]
    pub(super) fn retrain(&mut self, key: C::Key) {
        let (path, leaf) = self.path_to(key);
        self.tally.retrained += 1;
        let strained = self.heads.get(leaf.index()).strain();
        self.rewrite(&path, leaf, strained);
        self.heads.get_mut(leaf.index()).keep_strain(strained);
    }
}
