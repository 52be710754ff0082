//! Says in words what an index is made of and why.

use core::fmt::Write;

use crate::any::AnyLayer;
use crate::{HybridIndex, Key, Layer, Reason};

impl<K: Key, B: AsRef<[u8]>> HybridIndex<K, B> {
    /// Describes every layer and why it was chosen, a line each, from the top down.
    pub fn explain(&self) -> String {
        let mut text =
            format!("{} keys of {} bytes, index of {} bytes", self.key_count, K::WIDTH, self.size_bytes());
        for (level, chosen) in self.layers.iter().rev().enumerate().rev() {
            let layer = &chosen.layer;
            let shape = match layer {
                AnyLayer::BTree(tree) => {
                    format!("{} separators, one per {} below", tree.entry_count(), tree.fanout())
                }
                AnyLayer::Linear(lines) => {
                    format!("{} pieces, never off by more than {}", lines.entry_count(), lines.error())
                }
                AnyLayer::SPlus(tree) => format!(
                    "{} separators, one per {} below, in {} levels of nodes",
                    tree.separator_count(),
                    tree.fanout(),
                    tree.height()
                ),
                AnyLayer::RadixSpline(spline) => format!(
                    "{} knots, never off by more than {}, and {} slots",
                    spline.knot_count(),
                    spline.error(),
                    spline.slot_count()
                ),
            };
            let reason = match chosen.reason {
                Reason::Forced => "as asked".to_owned(),
                Reason::Cheapest { cost, rival } if cost == rival => {
                    format!("estimated {:.1} ns a lookup", cost as f64 / 1000.0)
                }
                Reason::Cheapest { cost, rival } => format!(
                    "estimated {:.1} ns a lookup, the best other kind {:.1} ns",
                    cost as f64 / 1000.0,
                    rival as f64 / 1000.0
                ),
            };
            // Writing into a string cannot fail.
            let _ = write!(
                text,
                "\nlevel {level}: {}, {shape} ({} bytes); {reason}",
                layer.kind(),
                layer.size_bytes()
            );
        }
        text
    }
}
