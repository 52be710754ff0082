//! The configuration of a map as one type of no size, and ready-made ones.

use core::marker::PhantomData;

use super::block::Block;
use super::map::HybridMap;
use super::node_ref::NodeRef;
use super::policy::{MapCostPolicy, MapPolicy};
use crate::Key;

/// Everything about a [`HybridMap`] that is fixed as the program is written. Implemented by a type of no
/// size; all calls through it are direct.
///
/// Blocks own their size. Within a configuration, the blocks of a leaf must be equally long, and so must be
/// those of a branch, and keys and references of a route; a map that breaks this does not compile.
///
/// ```
/// use stroma_hybrid::map::{Config, HybridMap, MapCostPolicy, NodeRef};
///
/// /// Small leaves, for values that are large.
/// enum Wide {}
///
/// impl Config for Wide {
///     type Key = u64;
///     type Value = [u8; 100];
///     type LeafKeys = [u64; 32];
///     type LeafValues = [[u8; 100]; 32];
///     type BranchKeys = [u64; 64];
///     type BranchRefs = [NodeRef; 64];
///     type RouteKeys = [u64; 512];
///     type RouteRefs = [NodeRef; 512];
///     type RouteHints = [u16; 512];
///     type Policy = MapCostPolicy;
/// }
///
/// let mut map = HybridMap::<Wide>::new();
/// assert_eq!(map.insert(7, [1; 100]), None);
/// assert_eq!(map.get(7), Some([1; 100]));
/// ```
pub trait Config: Sized + 'static {
    /// What is sorted.
    type Key: Key;
    /// What is kept for a key.
    type Value: Copy + 'static;
    /// Keys of a leaf, gaps included: 16 to 4096.
    type LeafKeys: Block<Self::Key>;
    /// Values of a leaf.
    type LeafValues: Block<Self::Value>;
    /// Pivots of an inner B-tree node: 16 to 4096.
    type BranchKeys: Block<Self::Key>;
    /// Children of an inner B-tree node.
    type BranchRefs: Block<NodeRef>;
    /// Pivots of an inner node with a line: more than a branch has, and at most 16 times as many.
    type RouteKeys: Block<Self::Key>;
    /// Children of an inner node with a line.
    type RouteRefs: Block<NodeRef>;
    /// Where the pivots of each stretch of the line begin: best as long as the pivots, or twice.
    type RouteHints: Block<u16>;
    /// Who chooses the kinds of nodes.
    type Policy: MapPolicy + Default;
}

/// Checks the lengths of a configuration's blocks as the program is compiled.
pub(super) struct Lengths<C>(PhantomData<C>);

impl<C: Config> Lengths<C> {
    /// Slots of a leaf.
    pub(super) const LEAF: usize = C::LeafKeys::LEN;
    /// Children of a branch.
    pub(super) const BRANCH: usize = C::BranchKeys::LEN;
    /// Children of a route.
    pub(super) const ROUTE: usize = C::RouteKeys::LEN;
    /// Stretches of a route's line.
    pub(super) const STRETCHES: usize = C::RouteHints::LEN;
    /// How many children a new branch gets at most.
    pub(super) const BRANCH_TARGET: usize = Self::BRANCH * 3 / 4;
    /// How many children a new route gets at most.
    pub(super) const ROUTE_TARGET: usize = Self::ROUTE * 3 / 4;

    /// To be evaluated once by whoever makes a map.
    pub(super) const CHECKED: () = {
        assert!(C::LeafValues::LEN == Self::LEAF, "a leaf has as many values as keys");
        assert!(C::BranchRefs::LEN == Self::BRANCH, "a branch has as many children as pivots");
        assert!(C::RouteRefs::LEN == Self::ROUTE, "a route has as many children as pivots");
        assert!(Self::LEAF >= 16 && Self::LEAF <= 4096, "a leaf has 16 to 4096 slots");
        assert!(Self::BRANCH >= 16 && Self::BRANCH <= 4096, "a branch has 16 to 4096 children");
        assert!(
            Self::ROUTE > Self::BRANCH && Self::ROUTE <= 16 * Self::BRANCH,
            "a route is 2 to 16 branches"
        );
        assert!(Self::ROUTE < 1 << 16 && Self::STRETCHES >= 2, "hints count children in 16 bits");
        // A split route may become this many branches, for which a freshly split parent must have room.
        let pieces = 2 * (Self::ROUTE / 2 + 1).div_ceil(Self::BRANCH_TARGET);
        assert!(Self::BRANCH_TARGET + pieces <= Self::BRANCH, "a route is too long for these branches");
    };
}

/// The configuration for those who do not want to choose: leaves of 128 slots, branches of 64 children, routes
/// of 512, kinds chosen by [`MapCostPolicy`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Standard<K, V, P = MapCostPolicy>(PhantomData<(K, V, P)>);

impl<K: Key, V: Copy + 'static, P: MapPolicy + Default> Config for Standard<K, V, P> {
    type Key = K;
    type Value = V;
    type LeafKeys = [K; 128];
    type LeafValues = [V; 128];
    type BranchKeys = [K; 64];
    type BranchRefs = [NodeRef; 64];
    type RouteKeys = [K; 512];
    type RouteRefs = [NodeRef; 512];
    type RouteHints = [u16; 512];
    type Policy = P;
}

/// A map with the standard configuration.
pub type StandardMap<K, V> = HybridMap<Standard<K, V>>;
/// A map from `u32`.
pub type U32Map<V> = StandardMap<u32, V>;
/// A map from `u64`.
pub type U64Map<V> = StandardMap<u64, V>;
/// A map from `i64`.
pub type I64Map<V> = StandardMap<i64, V>;
/// A map from `u128`.
pub type U128Map<V> = StandardMap<u128, V>;
/// A map from arrays of `N` bytes (1 to 16), ordered as `memcmp` does.
pub type BytesMap<const N: usize, V> = StandardMap<[u8; N], V>;
