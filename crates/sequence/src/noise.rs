//! Numbers for tests that look random and are the same each time.

/// The next number, of 31 bits.
pub(crate) fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 33
}
