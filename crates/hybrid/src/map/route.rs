//! The inner node with a line: many pivots, and a table that says where those of each stretch begin.
//!
//! The line cuts the key space into equal stretches. Since it is monotone and computed the same way for pivots
//! and for keys sought, the pivots of a key's own stretch are the only ones it has to be compared with: the
//! answer needs no correction, however badly the line fits. A bad fit only crowds pivots into few stretches.

use super::block::Block;
use super::config::{Config, Lengths};
use super::inner::Inner;
use super::node_ref::NodeRef;
use crate::Key;
use crate::key::count_below;
use crate::linear::Line;

/// A stretch with more pivots than this is crowded; so many are compared at once.
const CROWDED: usize = 8;

/// Pivots, children and the table over them. Pivots behind the last one are the largest of all keys, so that a
/// fixed number of them can be compared.
#[repr(C, align(64))]
pub(super) struct Route<C: Config> {
    /// The key at which the line begins.
    origin: C::Key,
    line: Line,
    len: u16,
    /// How many pivots came into crowded stretches since the line was drawn.
    strain: u16,
    /// For each stretch, how many pivots lie in stretches before it.
    hints: C::RouteHints,
    keys: C::RouteKeys,
    refs: C::RouteRefs,
}

impl<C: Config> Route<C> {
    /// A node over two children or more, by ascending pivots, and no more than it has places for.
    pub(super) fn new(children: &[(C::Key, NodeRef)]) -> Self {
        let (last, child) = children[children.len() - 1];
        let mut node = Self {
            origin: last,
            line: Line::new(0, 0.0, 0),
            len: children.len() as u16,
            strain: 0,
            hints: C::RouteHints::filled(0),
            keys: C::RouteKeys::filled(C::Key::LARGEST),
            refs: C::RouteRefs::filled(child),
        };
        for (at, (pivot, child)) in children.iter().enumerate() {
            (node.keys.items_mut()[at], node.refs.items_mut()[at]) = (*pivot, *child);
        }
        node.fit();
        node
    }

    /// How many pivots share a stretch, in thousandths, as the mean over the pivots.
    pub(super) fn crowd(&self) -> u64 {
        let squares: u64 = (0..Lengths::<C>::STRETCHES)
            .map(|stretch| {
                let (start, end) = self.pivots_of(stretch);
                ((end - start) as u64).pow(2)
            })
            .sum();
        squares * 1000 / u64::from(self.len).max(1)
    }

    /// Draws the line anew: through both ends, or, if outliers spoil that, through the middle seven eighths.
    fn fit(&mut self) {
        let len = usize::from(self.len);
        let margin = len / 16;
        // The first pivot may be any number that is small enough.
        self.draw(1.min(len - 1), len - 1);
        if self.crowd() > 4000 && margin > 1 {
            let (line, origin, crowd) = (self.line, self.origin, self.crowd());
            self.draw(margin, len - 1 - margin);
            if self.crowd() >= crowd {
                (self.line, self.origin) = (line, origin);
                self.count();
            }
        }
        self.strain = 0;
    }

    /// Draws the line from one pivot to another.
    fn draw(&mut self, from: usize, to: usize) {
        self.origin = self.pivot(from);
        let span = self.pivot(to).offset_from(self.origin);
        self.line = Line::new(0, (Lengths::<C>::STRETCHES - 1) as f64 / span as f64, span);
        self.count();
    }

    /// Fills the table of hints.
    fn count(&mut self) {
        let mut next = 0;
        for at in 0..usize::from(self.len) {
            let stretch = self.stretch(self.pivot(at));
            if stretch >= next {
                self.hints.items_mut()[next..=stretch].fill(at as u16);
                next = stretch + 1;
            }
        }
        self.hints.items_mut()[next..].fill(self.len);
    }

    #[inline(always)]
    fn stretch(&self, key: C::Key) -> usize {
        let stretch = self.line.predict(key, self.origin);
        usize::try_from(stretch).map_or(Lengths::<C>::STRETCHES - 1, |s| s.min(Lengths::<C>::STRETCHES - 1))
    }

    /// Where a key lies between the pivot of its child and the next, as a share; of use as a guess only.
    #[inline(always)]
    pub(super) fn share_of(&self, at: usize, key: C::Key) -> f64 {
        let pivots = self.keys.items();
        let (low, high) = (pivots[at], pivots[(at + 1).min(pivots.len() - 1)]);
        key.distance_from(low) / high.distance_from(low)
    }

    #[inline(always)]
    fn pivots_of(&self, stretch: usize) -> (usize, usize) {
        let hints = self.hints.items();
        let end = if stretch + 1 < hints.len() { hints[stretch + 1] } else { self.len };
        (usize::from(hints[stretch]), usize::from(end))
    }
}

impl<C: Config> Inner<C::Key> for Route<C> {
    #[inline(always)]
    fn pivots(&self) -> &[C::Key] {
        self.keys.items()
    }

    #[inline(always)]
    fn refs(&self) -> &[NodeRef] {
        self.refs.items()
    }

    fn refs_mut(&mut self) -> &mut [NodeRef] {
        self.refs.items_mut()
    }

    fn len(&self) -> usize {
        usize::from(self.len)
    }

    #[inline(always)]
    fn find(&self, key: C::Key) -> usize {
        let (start, end) = self.pivots_of(self.stretch(key));
        let pivots = self.keys.items();
        // Pivots of later stretches are above the key, those of earlier ones below it: a few too many do no harm,
        // and a loop of one length is foreseen by the processor.
        let from = start.min(pivots.len() - CROWDED);
        let counted = match pivots[from..].first_chunk::<CROWDED>() {
            Some(few) if end <= from + CROWDED => {
                from + few.iter().map(|pivot| usize::from(*pivot <= key)).sum::<usize>()
            }
            _ => start + count_below(&pivots[start..end], |pivot| *pivot <= key),
        };
        // Only the largest of all keys counts places that are not in use.
        counted.min(usize::from(self.len)).saturating_sub(1)
    }

    fn move_pivot(&mut self, at: usize, pivot: C::Key) {
        let (old, new) = (self.stretch(self.pivot(at)), self.stretch(pivot));
        let hints = self.hints.items_mut();
        if new < old {
            hints[new + 1..=old].iter_mut().for_each(|hint| *hint += 1);
        } else if old < new {
            hints[old + 1..=new].iter_mut().for_each(|hint| *hint -= 1);
        }
        self.keys.items_mut()[at] = pivot;
    }

    /// Draws the line anew when an eighth of the pivots came into crowded stretches: O(1) amortised.
    fn insert(&mut self, at: usize, pivot: C::Key, child: NodeRef) {
        let len = usize::from(self.len);
        self.keys.items_mut().copy_within(at..len, at + 1);
        self.refs.items_mut().copy_within(at..len, at + 1);
        (self.keys.items_mut()[at], self.refs.items_mut()[at]) = (pivot, child);
        self.len += 1;
        let stretch = self.stretch(pivot);
        self.hints.items_mut()[stretch + 1..].iter_mut().for_each(|hint| *hint += 1);
        let (start, end) = self.pivots_of(stretch);
        self.strain += u16::from(end - start > CROWDED);
        if usize::from(self.strain) > len / 8 {
            self.fit();
        }
    }
}
