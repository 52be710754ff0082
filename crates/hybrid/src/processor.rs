//! Vector instructions where the processor has them, and asking for memory ahead of use.
//!
//! The same code is compiled twice, for what every processor of the architecture has and for AVX2; at run
//! time one of the two is taken. So both give the same answers.

#![allow(unsafe_code, reason = "calling code compiled for a later processor, and prefetching")]

/// Something to do with whatever vector instructions there are.
///
/// `run` must be `#[inline(always)]`, and so must all that it calls and should profit.
pub(crate) trait Work {
    type Output;
    fn run(self) -> Self::Output;
}

/// Does the work, in the version for the latest instructions that this processor has.
#[inline(always)]
pub(crate) fn vectorised<W: Work>(work: W) -> W::Output {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor was just found to have both that the function asks for.
        return unsafe { with_avx2(work) };
    }
    work.run()
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run()
}

/// Bytes that come from memory together.
pub(crate) const LINE_BYTES: usize = 64;

/// Room for so many bytes that begin with a cache line; how many bytes before them were filled up.
pub(crate) fn room_for_lines(length: usize) -> (Vec<u8>, usize) {
    let mut bytes: Vec<u8> = Vec::with_capacity(length + LINE_BYTES);
    let padding = bytes.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES);
    bytes.resize(padding, 0);
    (bytes, padding)
}

/// More lines than this are not asked for at once: the processor has no room for so many requests.
pub(crate) const MOST_LINES: usize = 20;

/// Asks for the cache lines of values that will soon be searched: for all of them if they are few, else for
/// some, evenly spread, which the first steps of a binary search touch. Without effect on anything but time: what
/// would be waited for line by line, where one tells where the next is, then comes all at once.
#[inline(always)]
pub fn prefetch<T>(values: &[T]) {
    let first = values.as_ptr().cast::<u8>();
    let length = size_of_val(values);
    if length <= 3 * LINE_BYTES {
        (0..3).for_each(|line| prefetch_address(first.wrapping_add(line * LINE_BYTES)));
    } else if length <= MOST_LINES * LINE_BYTES {
        prefetch_lines(first, length);
    } else {
        prefetch_some(first, length);
    }
    if let Some(last) = values.last() {
        prefetch_address(&raw const *last);
    }
}

/// Asks for the cache line of the first of `values`, as [`prefetch`] does for more.
#[inline(always)]
pub fn prefetch_line<T>(values: &[T]) {
    prefetch_address(values.as_ptr());
}

/// Lines asked for in one go: a few behind the end cost less than counting to it.
const UNROLLED: usize = 6;

/// Asks for all lines.
#[inline(always)]
fn prefetch_lines(first: *const u8, length: usize) {
    let mut at = 0;
    while at < length {
        (0..UNROLLED).for_each(|next| prefetch_address(first.wrapping_add(at + next * LINE_BYTES)));
        at += UNROLLED * LINE_BYTES;
    }
}

/// Asks for as many lines as may be asked for, evenly spread.
#[cold]
fn prefetch_some(first: *const u8, length: usize) {
    let step = length.div_ceil(MOST_LINES * LINE_BYTES) * LINE_BYTES;
    (0..length).step_by(step).for_each(|at| prefetch_address(first.wrapping_add(at)));
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn prefetch_address<T>(address: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch changes nothing and faults on no address whatever; every x86-64 has the instruction.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
fn prefetch_address<T>(_address: *const T) {}
