//! The key of a number of any type: equal numbers have equal keys, whatever their type.
//!
//! Eight bytes for the double next toward zero (big-endian, turned so that bytes order like numbers), then
//! one byte that says whether that is the whole number; if not, the exact number follows in decimal:
//! two bytes for the power of ten of its first digit, its digits two to a byte (each plus one), and `00`.
//! A negative number's bytes are turned. `NaN` is eight `00` and sorts first.

use crate::language::value::Number;
use crate::language::value::decimal::Decimal;
use crate::language::value::number::{compare_numbers, truncate_to_double};
use std::cmp::Ordering;

const WHOLE: u8 = 0;
const MORE: u8 = 1;

pub(super) fn encode(number: Number, key: &mut Vec<u8>) {
    if number.is_nan() {
        key.extend([0; 9]);
        return;
    }
    let (negative, magnitude, rest) = take_apart(number);
    let start = key.len();
    key.extend((magnitude.to_bits() | 1 << 63).to_be_bytes());
    match rest {
        None => key.push(WHOLE),
        Some((coefficient, exponent)) => {
            key.push(MORE);
            encode_decimal(coefficient, exponent, key);
        }
    }
    if negative {
        for byte in &mut key[start..] {
            *byte = !*byte;
        }
    }
}

/// Sign, magnitude rounded toward zero, and the exact magnitude where that is another.
fn take_apart(number: Number) -> (bool, f64, Option<(u128, i32)>) {
    match number {
        Number::Int32(value) => (value < 0, f64::from(value).abs(), None),
        Number::Double(value) => (value < 0.0, value.abs(), None),
        Number::Int64(value) => {
            let magnitude = value.unsigned_abs();
            let nearest = magnitude as f64;
            // Compared through 128 bits, which hold the double 2^64 that 64 bits do not.
            match (nearest as u128).cmp(&u128::from(magnitude)) {
                Ordering::Equal => (value < 0, nearest, None),
                Ordering::Less => (value < 0, nearest, Some((u128::from(magnitude), 0))),
                Ordering::Greater => (value < 0, nearest.next_down(), Some((u128::from(magnitude), 0))),
            }
        }
        Number::Decimal(Decimal::Finite { negative, coefficient, exponent }) => {
            let (magnitude, exact) = truncate_to_double(Decimal::Finite { negative, coefficient, exponent });
            (negative && coefficient != 0, magnitude, (!exact).then_some((coefficient, exponent)))
        }
        Number::Decimal(_) => {
            let value = number.to_f64();
            debug_assert_eq!(compare_numbers(number, Number::Double(value)), Ordering::Equal);
            (value < 0.0, value.abs(), None)
        }
    }
}

fn encode_decimal(coefficient: u128, exponent: i32, key: &mut Vec<u8>) {
    let digits = coefficient.to_string();
    let size = digits.len() as i32 + exponent;
    key.extend(((size + 0x4000) as u16).to_be_bytes());
    let significant = digits.trim_end_matches('0').as_bytes();
    for pair in significant.chunks(2) {
        let second = pair.get(1).map_or(0, |digit| digit - b'0');
        key.push((pair[0] - b'0') * 10 + second + 1);
    }
    key.push(0);
}
