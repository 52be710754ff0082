//! The order of a node's slots: a permutation in one word, so that it changes in one step.

/// Slots of a node.
pub(super) const SLOTS: usize = 15;

/// So many neighbours that came one after the other are a run.
const RUN: usize = 6;

/// Slot `n` at position `n`, none of them in use.
const IDENTITY: u64 = 0xedcb_a987_6543_2100;

/// The number of slots in use in the low four bits, then all slots in four bits each: first those in use in the order
/// of their entries, then the free ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order(u64);

/// The low `4 * count` bits.
fn low(count: usize) -> u64 {
    if count >= 16 { u64::MAX } else { (1 << (4 * count)) - 1 }
}

impl Order {
    /// Nothing in use.
    pub(super) const EMPTY: Order = Order(IDENTITY);

    /// With the first `len` slots in use, in their own order.
    pub(super) fn in_turn(len: usize) -> Order {
        Order(IDENTITY | len as u64)
    }

    pub(super) fn from_bits(bits: u64) -> Order {
        Order(bits)
    }

    pub(super) fn to_bits(self) -> u64 {
        self.0
    }

    /// Slots in use.
    #[inline]
    pub(super) fn len(self) -> usize {
        (self.0 & 15) as usize
    }

    /// The slot at a position below [`SLOTS`].
    #[inline]
    pub(super) fn slot(self, position: usize) -> usize {
        ((self.0 >> (4 + 4 * position)) & 15) as usize
    }

    /// With the first free slot, `slot(len)`, at `position`, and those behind it moved on. There must be a free one.
    pub(super) fn with_free_at(self, position: usize) -> Order {
        let (from, until) = (position + 1, self.len() + 1);
        let moved = (self.0 & low(until) & !low(from)) << 4;
        let slot = (self.slot(self.len()) as u64) << (4 * from);
        let stays = self.0 & (low(from) | !low(until + 1));
        Order((stays | moved | slot) + 1)
    }

    /// With only the first `len` in use.
    pub(super) fn cut(self, len: usize) -> Order {
        Order((self.0 & !15) | len as u64)
    }

    /// Whether an entry that comes to `rank` of a full node goes on with a run of ascending or descending ones: those
    /// next to it came one after the other. By chance that is seldom so.
    pub(super) fn is_run_at(self, rank: usize) -> bool {
        let is_run = |from: usize| {
            let steps =
                |step: usize| (from + 1..from + RUN).all(|at| self.slot(at) + 1 == self.slot(at - 1) + step);
            steps(2) || steps(0)
        };
        rank >= RUN && is_run(rank - RUN) || rank + RUN <= SLOTS && is_run(rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_list_of_slots_with_the_free_ones_behind() {
        for stride in [0, 1, 3, 5, 14] {
            let mut order = Order::EMPTY;
            let mut model = Vec::new();
            for number in 0..SLOTS {
                let position = number * stride % (number + 1);
                model.insert(position, order.slot(order.len()));
                order = order.with_free_at(position);
                assert_eq!((0..order.len()).map(|at| order.slot(at)).collect::<Vec<_>>(), model);
                let mut all: Vec<_> = (0..SLOTS).map(|at| order.slot(at)).collect();
                all.sort_unstable();
                assert_eq!(all, (0..SLOTS).collect::<Vec<_>>());
            }
            assert_eq!(order.len(), SLOTS);
            let cut = order.cut(6);
            assert_eq!((0..cut.len()).map(|at| cut.slot(at)).collect::<Vec<_>>(), model[..6]);
            assert!(!model[..6].contains(&cut.slot(cut.len())));
        }
    }

    #[test]
    fn it_knows_a_run_that_goes_on() {
        let filled = |rank: &dyn Fn(usize) -> usize| {
            (0..SLOTS).fold(Order::EMPTY, |order, number| order.with_free_at(rank(number)))
        };
        assert!(filled(&|number| number).is_run_at(SLOTS));
        assert!(filled(&|_| 0).is_run_at(0));
        // Between two that were there before: an ascending run, and a descending one.
        let between = filled(&|number| number.saturating_sub(1));
        assert!(between.is_run_at(SLOTS - 1) && !between.is_run_at(SLOTS));
        let between = filled(&|number| number.min(1));
        assert!(between.is_run_at(1) && !between.is_run_at(0));
        let mixed = filled(&|number| number / 2);
        assert!((0..=SLOTS).all(|rank| !mixed.is_run_at(rank)));
    }
}
