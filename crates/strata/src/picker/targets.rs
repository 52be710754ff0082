//! How large each level may be, counted from the last level upward.
//!
//! The last level is as large as the data; each one above it may hold a share of that, down to the *base*, the
//! first level that is used: level 0 goes there. So a level is a fixed share of the one below it however much
//! data there is, and of each byte that is alive little more than one is kept; a tree that grew from the top
//! keeps up to two, while its last level has just begun. The scheme is RocksDB's ("dynamic level size", Dong et
//! al., "Optimizing space amplification in RocksDB", CIDR 2017, section 3.1).

use super::policy::Limits;
use super::{Claims, LayerShape};

/// What each level may hold, given what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Targets {
    base: u32,
    base_bytes: u64,
    multiplier: u64,
    deepest: u32,
}

impl Targets {
    pub(super) fn new(layers: &[LayerShape<'_>], limits: &Limits) -> Targets {
        let deepest = limits.deepest_level.max(1);
        let multiplier = limits.multiplier.max(2);
        let mut sizes = vec![0_u64; deepest as usize + 1];
        for layer in layers {
            if let Some(size) = sizes.get_mut(layer.level as usize) {
                *size += layer.bytes;
            }
        }
        let (mut base, mut base_bytes) = (deepest, sizes[1..].iter().copied().max().unwrap_or(0));
        while base > 1 && is_much_larger(base_bytes, limits.level1_bytes, multiplier) {
            base -= 1;
            base_bytes /= multiplier;
        }
        Targets { base, base_bytes: base_bytes.max(1), multiplier, deepest }
    }

    /// The size of `level` that starts a merge; zero above the base, where nothing is to stay.
    pub(super) fn bytes(&self, level: u32) -> u64 {
        match level.checked_sub(self.base) {
            Some(steps) => self.base_bytes.saturating_mul(self.multiplier.saturating_pow(steps)),
            None => 0,
        }
    }

    /// Where what leaves `level` goes: past empty levels down to the base, but never past anything, nor past what
    /// a running merge is to write, for a deeper level is older. `None` if `level` is the deepest.
    pub(super) fn below(&self, level: u32, layers: &[LayerShape<'_>], claimed: &Claims) -> Option<u32> {
        let first = layers
            .iter()
            .map(|layer| layer.level)
            .chain(claimed.iter().map(|claim| claim.target_level))
            .filter(|other| *other > level)
            .min();
        let wanted = self.base.max(level + 1);
        (level < self.deepest).then(|| first.map_or(wanted, |first| first.min(wanted)))
    }
}

/// Whether `bytes` is larger than `wanted` by more than the root of `multiplier`: then a share of it is nearer.
fn is_much_larger(bytes: u64, wanted: u64, multiplier: u64) -> bool {
    let square = |number: u64| u128::from(number) * u128::from(number);
    square(bytes) > square(wanted).saturating_mul(u128::from(multiplier))
}
