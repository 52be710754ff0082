//! The counters within a run of a counting quotient filter: remainders that ascend, each with digits between two of it.
//!
//! As described by Pandey, Bender, Johnson, Patro ("A General-Purpose Counting Filter", SIGMOD 2017, section 4.2),
//! with the details of their library (`gqf.c`), where remainder 0 and count 3 are special cases.

/// What is wrong with a run.
pub(super) type Fault = &'static str;

/// Calls `take` with each remainder of a run and its count. Slots have `bits` bits.
pub(super) fn for_each_counter<E>(
    slots: &[u64],
    bits: u32,
    mut take: impl FnMut(u64, u64) -> Result<(), E>,
) -> Result<Result<(), Fault>, E> {
    let mut at = 0;
    let mut before = None;
    while let Some(&remainder) = slots.get(at) {
        if before.is_some_and(|before| before >= remainder) {
            return Ok(Err("the remainders of a run do not ascend"));
        }
        before = Some(remainder);
        let found = if remainder == 0 { zero(&slots[at..], bits) } else { counter(&slots[at..], bits) };
        let (count, length) = match found {
            Ok(found) => found,
            Err(fault) => return Ok(Err(fault)),
        };
        take(remainder, count)?;
        at += length;
    }
    Ok(Ok(()))
}

/// The count of a remainder above 0 that stands first, and how many slots tell it. Digits may be neither 0 nor the
/// remainder; the first one is smaller than the remainder, or a 0 stands before it.
fn counter(slots: &[u64], bits: u32) -> Result<(u64, usize), Fault> {
    let remainder = slots[0];
    match slots.get(1) {
        None => return Ok((1, 1)),
        Some(&next) if next > remainder => return Ok((1, 1)),
        Some(&next) if next == remainder => return Ok((2, 2)),
        Some(_) => {}
    }
    let base = (1_u128 << bits) - 2;
    let digits = slots[1..].iter().position(|&slot| slot == remainder);
    let digits = digits.ok_or("a counter has no end")?;
    let mut count = 0_u128;
    for &slot in &slots[1..=digits] {
        let digit = slot - u64::from(slot > remainder);
        count = count * base + u128::from(digit.saturating_sub(1));
        if count > u128::from(u64::MAX - 3) {
            return Err("a counter is larger than any number of 64 bits");
        }
    }
    Ok((count as u64 + 3, digits + 2))
}

/// The same of remainder 0: it can only be first, and digits end with two zeros.
fn zero(slots: &[u64], bits: u32) -> Result<(u64, usize), Fault> {
    let zeros = slots.iter().take(3).take_while(|&&slot| slot == 0).count();
    if zeros > 1 {
        return Ok((zeros as u64, zeros));
    }
    let base = (1_u128 << bits) - 1;
    let digits = slots[1..].iter().position(|&slot| slot == 0);
    let Some(digits) = digits.filter(|digits| slots.get(digits + 2) == Some(&0)) else { return Ok((1, 1)) };
    let mut count = 0_u128;
    for &slot in &slots[1..=digits] {
        count = count * base + u128::from(slot - 1);
        if count > u128::from(u64::MAX - 4) {
            return Err("a counter is larger than any number of 64 bits");
        }
    }
    Ok((count as u64 + 4, digits + 3))
}

/// Appends the slots of a counter: for tests that write files.
#[cfg(test)]
pub(super) fn push_counter(slots: &mut Vec<u64>, remainder: u64, count: u64, bits: u32) {
    slots.push(remainder);
    match (count, remainder) {
        (1, _) => return,
        (2, _) => {}
        (3, _) => slots.push(0),
        _ => {
            let is_zero = remainder == 0;
            let base = (1_u64 << bits) - if is_zero { 1 } else { 2 };
            let mut left = count - if is_zero { 4 } else { 3 };
            let mut digits = Vec::new();
            loop {
                let digit = left % base + 1;
                digits.push(digit + u64::from(!is_zero && digit >= remainder));
                left /= base;
                if left == 0 {
                    break;
                }
            }
            if !is_zero && digits.last().is_some_and(|&digit| digit >= remainder) {
                digits.push(0);
            }
            slots.extend(digits.iter().rev());
            if is_zero {
                slots.push(0);
            }
        }
    }
    slots.push(remainder);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(slots: &[u64], bits: u32) -> Result<Vec<(u64, u64)>, Fault> {
        let mut found = Vec::new();
        let outcome = for_each_counter(slots, bits, |remainder, count| {
            found.push((remainder, count));
            Ok::<(), ()>(())
        });
        outcome.expect("nothing else can fail").map(|()| found)
    }

    #[test]
    fn what_is_written_comes_back() {
        for bits in [2, 3, 8, 30] {
            let all = (1_u64 << bits) - 1;
            for count in (1..300).chain([65_535, 1 << 20, u64::from(u32::MAX), 1 << 40]) {
                let mut expected = vec![(0, count), (1, 1), (2, count + 5), (all, count)];
                expected.dedup_by_key(|(remainder, _)| *remainder);
                if bits == 2 {
                    expected.truncate(3);
                }
                for first in 0..expected.len() {
                    let mut slots = Vec::new();
                    for &(remainder, count) in &expected[first..] {
                        push_counter(&mut slots, remainder, count, bits);
                    }
                    assert_eq!(counters(&slots, bits).as_deref(), Ok(&expected[first..]), "{slots:?}");
                }
            }
        }
    }

    #[test]
    fn any_slots_give_counters_or_a_fault() {
        let mut state = 5_u64;
        for round in 0..20_000 {
            let bits = 2 + round % 4;
            let slots: Vec<u64> = (0..1 + round % 9)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    state >> (64 - bits)
                })
                .collect();
            if let Ok(found) = counters(&slots, bits) {
                assert!(found.is_sorted_by(|a, b| a.0 < b.0) && found.iter().all(|(_, count)| *count > 0));
            }
        }
        assert!(counters(&[5, 3], 3).is_err());
        assert!(counters(&[6, 1], 3).is_err());
        let endless: Vec<u64> = [7].into_iter().chain([6; 200]).chain([7]).collect();
        assert!(counters(&endless, 3).is_err(), "more digits than a number has");
    }
}
