//! Where layers go that come from outside: as deep as they may, so that no merge has to carry them down.

use super::{Claims, LayerShape, MergePolicy};
use crate::layer::overlaps;

/// The deepest level for new layers with keys in `range` (inclusive), which are newer than all there is: right above
/// whatever overlaps the range, or is about to be written by a running merge that may. Level 0 in a tiered set, whose
/// levels are ordered by recency.
pub fn deepest_place(
    layers: &[LayerShape<'_>],
    policy: &MergePolicy,
    claimed: &Claims,
    range: (&[u8], &[u8]),
) -> u32 {
    let MergePolicy::TieredThenLevelled(limits) = policy else { return 0 };
    let present = layers.iter().filter(|layer| overlaps(layer.range(), range)).map(|layer| layer.level);
    let coming = claimed
        .iter()
        .filter(|claim| overlaps((&claim.smallest, &claim.largest), range))
        .map(|claim| claim.target_level);
    let deepest = limits.deepest_level.max(1);
    present.chain(coming).min().map_or(deepest, |first| first.saturating_sub(1).min(deepest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picker::Limits;

    fn layer(level: u32, smallest: &'static [u8], largest: &'static [u8]) -> LayerShape<'static> {
        LayerShape {
            id: u64::from(level),
            level,
            recency: 1,
            bytes: 1,
            entries: 1,
            deletes: 0,
            created: 0,
            smallest,
            largest,
        }
    }

    #[test]
    fn layers_go_right_above_what_they_overlap() {
        let policy = MergePolicy::TieredThenLevelled(Limits { deepest_level: 6, ..Limits::default() });
        let layers = [layer(0, b"a", b"b"), layer(1, b"c", b"d"), layer(4, b"f", b"z")];
        let none = Claims::new();
        let place = |range: (&[u8], &[u8]), claimed: &Claims| deepest_place(&layers, &policy, claimed, range);
        assert_eq!(place((b"b", b"b"), &none), 0);
        assert_eq!(place((b"bb", b"c"), &none), 0);
        assert_eq!(place((b"g", b"h"), &none), 3);
        assert_eq!(place((b"e", b"ee"), &none), 6);
        let mut claimed = Claims::new();
        let ticket = claimed.take_range(2, (b"ee", b"g"));
        assert_eq!(place((b"e", b"ee"), &claimed), 1);
        assert_eq!(place((b"g", b"h"), &claimed), 1);
        assert_eq!(place((b"h", b"h"), &claimed), 3);
        claimed.release(ticket);
        assert_eq!(place((b"e", b"ee"), &claimed), 6);
        assert_eq!(deepest_place(&layers, &MergePolicy::Tiered { fanout: 2 }, &none, (b"e", b"ee")), 0);
    }
}
