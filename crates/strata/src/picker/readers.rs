//! Merges that reads have paid for.
//!
//! Where no size asks for a merge, some runs stay beside each other, and each read pays for it. To merge them costs
//! something once. Nobody knows how much will be read, so this is the problem of renting or buying (Karlin and others,
//! "Competitive snoopy caching", Algorithmica 1988): whoever buys once as much as the price was paid in rent never pays
//! more than twice what the best choice would have cost. So reads keep account of what they pay, in bytes that a merge
//! could have read or written in the same time, and a merge is due when that comes to its price, or to the share of it
//! that [`Upkeep::read_percent`](super::Upkeep::read_percent) says: those who read wait, and a merge lets nobody wait.
//!
//! Two merges can make runs fewer: that of the upmost level (of level 0 all runs) with what it overlaps below, which
//! drops what it hides there as well, and, where much lies below, that of the runs of level 0 with each other. The
//! latter is due sooner and leaves the former one to be paid for. Neither is made if it were of so many bytes that it
//! took hours and as much room again: reads alone never rewrite a large last level.

use super::levelled::Tree;
use super::shape::{Run, bytes, runs};
use super::{Claims, LayerShape, Limits, MergePlan, MergePolicy, MergeReason, Rules, Upkeep};

/// What a merge costs however small it is, in bytes: files, syncs, an edit of the manifest.
const LEAST_PRICE: u64 = 1 << 20;
/// Each byte of a merge is read and written.
const PRICE_OF_BYTE: u64 = 2;
/// A merge for readers has no more input than so many times what the first level below level 0 may have,
const MOST_OF_LEVEL1: u64 = 4;
/// or than so much, where that is more.
const LEAST_MOST_BYTES: u64 = 1 << 30;
/// Runs of level 0 are merged with each other first if so many times more lies below.
const MUCH_BELOW: u64 = 4;

/// What reads have paid since it was last spent, in bytes that a merge could have read or written in the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaidByReads {
    /// For runs beyond the first.
    pub runs: u64,
    /// For entries that were stepped over because others delete, supersede or hide them.
    pub dead: u64,
}

impl PaidByReads {
    /// All of it.
    pub fn sum(&self) -> u64 {
        self.runs.saturating_add(self.dead)
    }
}

/// By what merges for readers are made.
pub(crate) struct Terms<'a> {
    limits: &'a Limits,
    percent: u8,
}

impl Terms<'_> {
    /// The most bytes that such a merge may have as input.
    fn most_bytes(&self) -> u64 {
        self.limits.level1_bytes.saturating_mul(MOST_OF_LEVEL1).max(LEAST_MOST_BYTES)
    }
}

/// By what merges for readers are made; `None` where there are none, whatever reads pay.
pub(crate) fn terms_for_readers<'a>(policy: &'a MergePolicy, upkeep: &Upkeep) -> Option<Terms<'a>> {
    match policy {
        MergePolicy::Tiered { .. } => None,
        MergePolicy::TieredThenLevelled(limits) => {
            upkeep.read_percent.map(|percent| Terms { limits, percent })
        }
    }
}

/// A merge, what it costs, and what of the runs beyond the first goes with it: so many of so many.
struct Offer {
    plan: MergePlan,
    price: u64,
    gone: (u64, u64),
    drops_dead: bool,
}

/// How much reads must have paid, at least, before one of their merges is due; `None` where none can be.
pub(crate) fn least_due_for_readers(layers: &[LayerShape<'_>], rules: &Rules<'_>) -> Option<u64> {
    let terms = terms_for_readers(rules.policy, rules.upkeep)?;
    let claimed = Claims::new();
    let tree = Tree::new(layers, terms.limits, rules, &claimed);
    let offers = tree.offers_to_readers(&runs(layers, 0), &terms);
    offers.iter().map(|offer| offer.threshold(terms.percent)).min()
}

impl Offer {
    fn threshold(&self, percent: u8) -> u64 {
        (u128::from(self.price) * u128::from(percent) / 100).try_into().unwrap_or(u64::MAX)
    }

    /// What of `paid` is for what goes with the merge.
    fn share_of(&self, paid: PaidByReads) -> u64 {
        let (gone, all) = self.gone;
        let runs = (u128::from(paid.runs) * u128::from(gone) / u128::from(all.max(1))) as u64;
        if self.drops_dead { runs.saturating_add(paid.dead) } else { runs }
    }
}

impl<'a> Tree<'a> {
    /// The merge that reads have paid for, if there is one and nothing else is being merged.
    pub(super) fn pick_for_readers(&self, level0: &[Run<'a>]) -> Option<MergePlan> {
        let terms = terms_for_readers(self.rules().policy, self.rules().upkeep)?;
        let paid = self.rules().paid;
        if paid.sum() == 0 || !self.claimed().is_empty() {
            return None;
        }
        self.offers_to_readers(level0, &terms).into_iter().find_map(|offer| {
            let share = offer.share_of(paid);
            (share >= offer.threshold(terms.percent)).then_some(MergePlan {
                reason: MergeReason::PaidByReads { paid: share, price: offer.price },
                ..offer.plan
            })
        })
    }

    /// What can be merged for those who read, the most useful first.
    fn offers_to_readers(&self, level0: &[Run<'a>], terms: &Terms<'_>) -> Vec<Offer> {
        let mut levels: Vec<u32> = self.layers().iter().map(|layer| layer.level).collect();
        levels.sort_unstable();
        levels.dedup();
        let Some(upmost) = levels.first().copied() else { return Vec::new() };
        // Below level 0 a level is one run.
        let runs_of_upmost = level0.len().max(1) as u64;
        let beyond_first = runs_of_upmost + levels.len() as u64 - 2;
        if beyond_first == 0 {
            return Vec::new();
        }
        let most_bytes = terms.most_bytes();
        let reason = MergeReason::PaidByReads { paid: 0, price: 0 };
        let own: Vec<LayerShape<'_>> =
            self.layers().iter().filter(|layer| layer.level == upmost).copied().collect();
        let (own_bytes, mut offers) = (bytes(&own), Vec::new());
        // Not to the base of the levels where that is empty: a run there would be one more.
        let down = match levels.get(1) {
            Some(next) => self.down_to(&own, *next, runs_of_upmost == 1, reason.clone()),
            None => self.down_from_level0(level0, reason.clone()),
        };
        let below = down.as_ref().map_or(u64::MAX, |(_, below)| *below);
        if let Some((plan, below)) = down {
            let moved = if plan.is_move { 0 } else { own_bytes.saturating_add(below) };
            let gone = (runs_of_upmost.min(beyond_first), beyond_first);
            if moved <= most_bytes {
                offers.push(Offer { plan, price: price_of(moved), gone, drops_dead: true });
            }
        }
        if level0.len() > 1 && below / MUCH_BELOW >= own_bytes && own_bytes <= most_bytes {
            let inputs = level0.iter().flatten().map(|layer| layer.id).collect();
            let plan = MergePlan { inputs, target_level: 0, is_move: false, reason };
            let gone = (runs_of_upmost - 1, beyond_first);
            offers.push(Offer { plan, price: price_of(own_bytes), gone, drops_dead: false });
        }
        offers
    }
}

/// What the merge of so many bytes costs.
fn price_of(bytes: u64) -> u64 {
    bytes.saturating_mul(PRICE_OF_BYTE).saturating_add(LEAST_PRICE)
}

/// Whether reads have paid so much for entries of so many bytes that lie above all layers, because they delete what is
/// below them, that these are worth sealing, and merging with the upmost level and what that overlaps.
pub(crate) fn is_seal_paid_for(
    layers: &[LayerShape<'_>],
    rules: &Rules<'_>,
    bytes_above: u64,
    paid: u64,
) -> bool {
    let Some(terms) = terms_for_readers(rules.policy, rules.upkeep) else { return false };
    let first_below = layers.iter().map(|layer| layer.level).filter(|level| *level > 0).min();
    let merged = layers.iter().filter(|layer| layer.level == 0 || Some(layer.level) == first_below);
    let merged = merged.fold(bytes_above, |sum, layer| sum.saturating_add(layer.bytes));
    let is_possible = !layers.is_empty() && merged <= terms.most_bytes();
    is_possible && u128::from(paid) * 100 >= u128::from(price_of(merged)) * u128::from(terms.percent)
}
