//! Getting a short value back from its sequences.

use super::format::{LEAST_MATCH, MOST_IN_TOKEN, OFFSET_BYTES};

/// What is copied at once where there is room for more than is wanted.
const CHUNK_BYTES: usize = 16;
/// The bytes behind a value in the scratch memory that it is unpacked to: what is there afterwards counts for nothing.
pub(super) const SLACK_BYTES: usize = CHUNK_BYTES;

/// Unpacks sequences to the first `length` bytes of `scratch`, which has [`SLACK_BYTES`] more. `None` if they do not
/// stand for just so many bytes.
#[inline]
pub(super) fn unpack_sequences(mut packed: &[u8], length: usize, scratch: &mut [u8]) -> Option<()> {
    let mut at = 0;
    while let Some((&token, rest)) = packed.split_first() {
        packed = rest;
        let literals = length_behind(usize::from(token >> 4), &mut packed)?;
        let end = at + literals;
        if end > length {
            return None;
        }
        packed = copy_literals(packed, literals, scratch.get_mut(at..)?)?;
        at = end;
        if packed.is_empty() {
            break;
        }
        let (offset, rest) = packed.split_first_chunk::<OFFSET_BYTES>()?;
        packed = rest;
        let repeated = LEAST_MATCH + length_behind(usize::from(token & 0xf), &mut packed)?;
        let source = at.checked_sub(usize::from(u16::from_le_bytes(*offset)))?;
        if source == at || at + repeated > length {
            return None;
        }
        repeat(scratch, source, at, repeated)?;
        at += repeated;
    }
    (at == length).then_some(())
}

/// A length of which the token tells `length`.
#[inline(always)]
fn length_behind(length: usize, packed: &mut &[u8]) -> Option<usize> {
    if length < MOST_IN_TOKEN { Some(length) } else { long_length(packed) }
}

#[inline]
fn long_length(packed: &mut &[u8]) -> Option<usize> {
    let mut length = MOST_IN_TOKEN;
    loop {
        let (&more, rest) = packed.split_first()?;
        *packed = rest;
        // No slice is so long that this is too large.
        length += usize::from(more);
        if more < u8::MAX {
            return Some(length);
        }
    }
}

/// Copies the first `length` bytes of `packed`; answers those behind.
#[inline(always)]
fn copy_literals<'p>(packed: &'p [u8], length: usize, to: &mut [u8]) -> Option<&'p [u8]> {
    if length <= CHUNK_BYTES
        && let (Some(from), Some(to)) =
            (packed.first_chunk::<CHUNK_BYTES>(), to.first_chunk_mut::<CHUNK_BYTES>())
    {
        *to = *from;
        return packed.get(length..);
    }
    let (literals, rest) = packed.split_at_checked(length)?;
    copy(literals, to.get_mut(..length)?);
    Some(rest)
}

/// Copies all of `from` to `to`, which is as long: by chunks that overlap where they are few, which is quicker than a
/// call.
#[inline(always)]
fn copy(from: &[u8], to: &mut [u8]) {
    if !(CHUNK_BYTES..=4 * CHUNK_BYTES).contains(&from.len()) {
        return to.copy_from_slice(from);
    }
    if from.len() > 2 * CHUNK_BYTES {
        copy_ends::<{ 2 * CHUNK_BYTES }>(from, to);
    } else {
        copy_ends::<CHUNK_BYTES>(from, to);
    }
}

/// Copies the first and the last so many bytes.
#[inline(always)]
fn copy_ends<const BYTES: usize>(from: &[u8], to: &mut [u8]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<BYTES>(), to.first_chunk_mut::<BYTES>()) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<BYTES>(), to.last_chunk_mut::<BYTES>()) {
        *to = *from;
    }
}

/// Sets all bytes of `to`, as [`copy`] copies.
#[inline(always)]
fn fill(to: &mut [u8], byte: u8) {
    if !(CHUNK_BYTES..=4 * CHUNK_BYTES).contains(&to.len()) {
        return to.fill(byte);
    }
    if to.len() > 2 * CHUNK_BYTES {
        fill_ends::<{ 2 * CHUNK_BYTES }>(to, byte);
    } else {
        fill_ends::<CHUNK_BYTES>(to, byte);
    }
}

#[inline(always)]
fn fill_ends<const BYTES: usize>(to: &mut [u8], byte: u8) {
    if let Some(first) = to.first_chunk_mut::<BYTES>() {
        *first = [byte; BYTES];
    }
    if let Some(last) = to.last_chunk_mut::<BYTES>() {
        *last = [byte; BYTES];
    }
}

/// Copies `length` bytes from `source` to `target`, which is behind it; where the first of them are among the last,
/// they are repeated.
#[inline(always)]
fn repeat(scratch: &mut [u8], source: usize, target: usize, length: usize) -> Option<()> {
    let (before, behind) = scratch.split_at_mut_checked(target)?;
    let offset = target - source;
    if length <= CHUNK_BYTES
        && offset >= CHUNK_BYTES
        && let (Some(from), Some(to)) =
            (before.get(source..)?.first_chunk::<CHUNK_BYTES>(), behind.first_chunk_mut::<CHUNK_BYTES>())
    {
        *to = *from;
        return Some(());
    }
    if offset == 1 {
        fill(behind.get_mut(..length)?, *before.last()?);
    } else if offset >= length {
        copy(before.get(source..source + length)?, behind.get_mut(..length)?);
    } else {
        repeat_overlapping(scratch.get_mut(source..target + length)?, offset);
    }
    Some(())
}

/// Fills `bytes` with repetitions of its first `period` ones.
fn repeat_overlapping(bytes: &mut [u8], period: usize) {
    let mut done = period;
    while done < bytes.len() {
        let more = done.min(bytes.len() - done);
        bytes.copy_within(..more, done);
        done += more;
    }
}
