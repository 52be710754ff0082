//! Two-bit codes of the bases: A 0, C 1, G 2, T (or U) 3, so that the complement of a code is `3 - code`.

/// Marks a byte that is no base, such as `N`: it breaks the k-mers around it.
pub(crate) const NO_BASE: u8 = 4;

const CODES: [u8; 256] = {
    let mut table = [NO_BASE; 256];
    table[b'A' as usize] = 0;
    table[b'a' as usize] = 0;
    table[b'C' as usize] = 1;
    table[b'c' as usize] = 1;
    table[b'G' as usize] = 2;
    table[b'g' as usize] = 2;
    table[b'T' as usize] = 3;
    table[b't' as usize] = 3;
    table[b'U' as usize] = 3;
    table[b'u' as usize] = 3;
    table
};

/// The code of a base, or [`NO_BASE`].
#[inline]
pub(crate) fn code(byte: u8) -> u8 {
    CODES[byte as usize]
}
