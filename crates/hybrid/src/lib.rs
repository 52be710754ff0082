//! A hybrid index over sorted fixed-width keys: B-tree layers and learned layers in one tree
