//! Making a short value smaller, in one pass, with a table of where bytes were seen that is small enough to be made
//! anew for each.

use super::format::{LEAST_MATCH, MOST_IN_TOKEN, OFFSET_BYTES};

/// The slots of the table, powers of two: for values up to a length, and for longer ones, of which a small table would
/// forget too much.
const FEW_SLOTS: usize = 128;
const MANY_SLOTS: usize = 2048;
const MOST_FOR_FEW_SLOTS: usize = 512;

/// After so many places from which on nothing was seen before, one more is left out each time: what begins with noise
/// goes on with it as a rule.
const MISSES_BEFORE_LONGER_STEPS: usize = 16;

/// Spreads four bytes over the slots of a table (the multiplier is 2^32 divided by the golden ratio).
const SPREAD: u32 = 0x9e37_79b1;

/// The bytes that are looked at from each place; fewer at the end are not compressed unless a match runs into them.
const WINDOW_BYTES: usize = 8;

/// Appends the sequences that stand for `value`, of at most [`LONGEST_VALUE`](super::LONGEST_VALUE) bytes, if these are
/// at most `most`; answers whether. If not, `out` is as it was.
pub(super) fn append_sequences(value: &[u8], most: usize, out: &mut Vec<u8>) -> bool {
    if value.len() <= MOST_FOR_FEW_SLOTS {
        append_by::<FEW_SLOTS>(value, most, out)
    } else {
        append_by::<MANY_SLOTS>(value, most, out)
    }
}

/// Bytes that were there before.
struct Match {
    /// Where they were.
    source: usize,
    /// Where they are again.
    target: usize,
    length: usize,
}

fn append_by<const SLOTS: usize>(value: &[u8], most: usize, out: &mut Vec<u8>) -> bool {
    let mut seen = [0_u16; SLOTS];
    let start = out.len();
    let (mut at, mut literals_from, mut misses) = (0, 0, 0);
    // What is known to be needed by now is no more than may be.
    while out.len() - start + (at - literals_from) <= most
        && let Some(window) = window(value, at)
    {
        let Some((source, target)) = seen_before(value, at, window, &mut seen) else {
            misses += 1;
            at += 1 + misses / MISSES_BEFORE_LONGER_STEPS;
            continue;
        };
        let found = extended(value, source, target, literals_from);
        append_sequence(&value[literals_from..found.target], &found, out);
        at = found.target + found.length;
        (literals_from, misses) = (at, 0);
    }
    let rest = &value[literals_from..];
    if out.len() - start + rest.len() <= most {
        if !rest.is_empty() {
            append_literals(rest, 0, out);
        }
        if out.len() - start <= most {
            return true;
        }
    }
    out.truncate(start);
    false
}

#[inline(always)]
fn window(value: &[u8], at: usize) -> Option<u64> {
    value.get(at..)?.first_chunk::<WINDOW_BYTES>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Where the four bytes at `at`, or at the next place, were before: source and target.
#[inline(always)]
fn seen_before<const SLOTS: usize>(
    value: &[u8],
    at: usize,
    window: u64,
    seen: &mut [u16; SLOTS],
) -> Option<(usize, usize)> {
    if (window ^ (window >> 8)) as u32 == 0 {
        // One byte five times.
        return Some((at, at + 1));
    }
    let four = window as u32;
    let slot = (four.wrapping_mul(SPREAD) >> (u32::BITS - SLOTS.trailing_zeros())) as usize % SLOTS;
    let source = usize::from(std::mem::replace(&mut seen[slot], at as u16));
    let before = value.get(source..)?.first_chunk::<LEAST_MATCH>()?;
    // A slot that was not used yet says 0.
    (source < at && u32::from_le_bytes(*before) == four).then_some((source, at))
}

/// A match of at least four bytes, made as long as it can be; it begins at `from` or later.
#[inline(always)]
fn extended(value: &[u8], mut source: usize, mut target: usize, from: usize) -> Match {
    let mut length = LEAST_MATCH;
    while target > from && source > 0 && value[source - 1] == value[target - 1] {
        (source, target, length) = (source - 1, target - 1, length + 1);
    }
    while let (Some(before), Some(again)) = (window(value, source + length), window(value, target + length)) {
        let different = before ^ again;
        if different != 0 {
            length += (different.trailing_zeros() / u8::BITS) as usize;
            return Match { source, target, length };
        }
        length += WINDOW_BYTES;
    }
    while target + length < value.len() && value[source + length] == value[target + length] {
        length += 1;
    }
    Match { source, target, length }
}

/// Appends literals and the match behind them.
fn append_sequence(literals: &[u8], found: &Match, out: &mut Vec<u8>) {
    let length = found.length - LEAST_MATCH;
    append_literals(literals, length, out);
    let offset: [u8; OFFSET_BYTES] = ((found.target - found.source) as u16).to_le_bytes();
    out.extend_from_slice(&offset);
    append_length(length, out);
}

/// Appends the token of a sequence, with the length of its match less four, and its literals.
fn append_literals(literals: &[u8], match_length: usize, out: &mut Vec<u8>) {
    out.push((literals.len().min(MOST_IN_TOKEN) << 4 | match_length.min(MOST_IN_TOKEN)) as u8);
    append_length(literals.len(), out);
    out.extend_from_slice(literals);
}

/// Appends what of a length does not fit in a token.
fn append_length(length: usize, out: &mut Vec<u8>) {
    let Some(mut rest) = length.checked_sub(MOST_IN_TOKEN) else { return };
    while rest >= usize::from(u8::MAX) {
        out.push(u8::MAX);
        rest -= usize::from(u8::MAX);
    }
    out.push(rest as u8);
}
