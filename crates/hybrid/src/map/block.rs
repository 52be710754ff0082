//! Arrays that own their size, so that a configuration can choose it on stable Rust.

/// An array of a fixed number of copyable items.
pub trait Block<T: Copy>: Copy + 'static {
    /// How many items the block holds.
    const LEN: usize;

    /// A block that holds the same item everywhere.
    fn filled(item: T) -> Self;

    /// The items.
    fn items(&self) -> &[T];

    /// The items, to be changed.
    fn items_mut(&mut self) -> &mut [T];
}

impl<T: Copy + 'static, const N: usize> Block<T> for [T; N] {
    const LEN: usize = N;

    fn filled(item: T) -> Self {
        [item; N]
    }

    #[inline(always)]
    fn items(&self) -> &[T] {
        self
    }

    #[inline(always)]
    fn items_mut(&mut self) -> &mut [T] {
        self
    }
}
