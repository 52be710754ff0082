//! Asking the processor for memory before it is needed.

/// Bytes that come together.
const LINE_BYTES: usize = 64;

/// Asks for the cache line in which a value begins. Without effect on anything but time.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    prefetch_address(std::ptr::from_ref(value).cast());
}

/// Asks for all cache lines of the bytes.
#[inline]
pub(crate) fn prefetch_bytes(bytes: &[u8]) {
    bytes.iter().step_by(LINE_BYTES).for_each(prefetch);
}

/// Asks for the two cache lines behind the one that holds the byte at an offset, whether or not the bytes go on
/// so far.
#[inline]
pub(crate) fn prefetch_next_lines(bytes: &[u8], offset: usize) {
    for lines in 1..=2 {
        prefetch_address(bytes.as_ptr().wrapping_add(offset + lines * LINE_BYTES).cast());
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn prefetch_address(address: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch changes nothing and faults on no address whatever; every x86-64 has the instruction.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline]
fn prefetch_address(_address: *const i8) {}
