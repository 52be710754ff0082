//! The four numeric types as one: exact comparison, and arithmetic with MongoDB's promotions.

use super::decimal::{Decimal, Rounding};
use bson::Bson;
use std::cmp::Ordering;

/// A number of any of BSON's numeric types.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// 32-bit integer.
    Int32(i32),
    /// 64-bit integer.
    Int64(i64),
    /// IEEE double.
    Double(f64),
    /// 128-bit decimal.
    Decimal(Decimal),
}

use Number::{Double, Int32, Int64};

impl Number {
    /// The number in a value, if it is one.
    pub fn of(value: &Bson) -> Option<Number> {
        match value {
            Bson::Int32(value) => Some(Int32(*value)),
            Bson::Int64(value) => Some(Int64(*value)),
            Bson::Double(value) => Some(Double(*value)),
            Bson::Decimal128(value) => Some(Number::Decimal(Decimal::of(*value))),
            _ => None,
        }
    }

    /// The number as a value of its type.
    pub fn to_bson(self) -> Bson {
        match self {
            Int32(value) => Bson::Int32(value),
            Int64(value) => Bson::Int64(value),
            Double(value) => Bson::Double(value),
            Number::Decimal(value) => Bson::Decimal128(value.to_stored()),
        }
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        match self {
            Int32(value) => f64::from(value),
            Int64(value) => value as f64,
            Double(value) => value,
            Number::Decimal(value) => value.to_f64(),
        }
    }

    /// The number as a decimal (a double is rounded to 15 digits, as MongoDB does).
    pub fn to_decimal(self) -> Decimal {
        match self {
            Int32(value) => Decimal::from_i64(i64::from(value)),
            Int64(value) => Decimal::from_i64(value),
            Double(value) => Decimal::from_f64(value),
            Number::Decimal(value) => value,
        }
    }

    /// The integer of an integer type.
    pub fn integer(self) -> Option<i64> {
        match self {
            Int32(value) => Some(i64::from(value)),
            Int64(value) => Some(value),
            _ => None,
        }
    }

    /// The number as an integer if it has no fraction and fits, whatever its type.
    pub fn to_i64_exact(self) -> Option<i64> {
        let candidate = self.to_i64_truncated()?;
        (compare_numbers(Int64(candidate), self) == Ordering::Equal).then_some(candidate)
    }

    /// The number without its fraction, if that fits.
    pub fn to_i64_truncated(self) -> Option<i64> {
        match self {
            Int32(value) => Some(i64::from(value)),
            Int64(value) => Some(value),
            Double(value) if (-TWO_POW_63..TWO_POW_63).contains(&value) => Some(value as i64),
            Double(_) => None,
            Number::Decimal(value) => value.to_i64(),
        }
    }

    /// Whether it is `NaN`.
    pub fn is_nan(self) -> bool {
        matches!(self, Double(value) if value.is_nan()) || matches!(self, Number::Decimal(Decimal::NaN))
    }

    /// Whether it equals zero.
    pub fn is_zero(self) -> bool {
        match self {
            Int32(value) => value == 0,
            Int64(value) => value == 0,
            Double(value) => value == 0.0,
            Number::Decimal(value) => value.is_zero(),
        }
    }

    /// Sum; integers that outgrow 64 bits become a double.
    pub fn plus(self, other: Number) -> Number {
        self.combine(other, |a, b| a + b, |a, b| a + b, Decimal::plus)
    }

    /// Difference; integers that outgrow 64 bits become a double.
    pub fn subtract(self, other: Number) -> Number {
        self.combine(other, |a, b| a - b, |a, b| a - b, |a, b| a.plus(b.negate()))
    }

    /// Product; integers that outgrow 64 bits become a double.
    pub fn multiply(self, other: Number) -> Number {
        self.combine(other, |a, b| a * b, |a, b| a * b, Decimal::multiply)
    }

    /// Quotient, a double unless a decimal takes part. The caller has excluded a divisor of zero.
    pub fn divide(self, other: Number) -> Number {
        match (self, other) {
            (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
                Number::Decimal(self.to_decimal().divide(other.to_decimal()))
            }
            _ => Double(self.to_f64() / other.to_f64()),
        }
    }

    /// Remainder with the dividend's sign. The caller has excluded a divisor of zero.
    pub fn remainder(self, other: Number) -> Number {
        match (self, other) {
            (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
                let (a, b) = (self.to_decimal(), other.to_decimal());
                let quotient = a.divide(b).round_to(0, Rounding::TowardZero);
                Number::Decimal(a.plus(b.multiply(quotient).negate()))
            }
            (Double(_), _) | (_, Double(_)) => Double(self.to_f64() % other.to_f64()),
            _ => match (self.integer(), other.integer()) {
                (Some(a), Some(b)) => self.fit(other, i128::from(a) % i128::from(b)),
                _ => Double(f64::NAN),
            },
        }
    }

    fn combine(
        self,
        other: Number,
        integers: fn(i128, i128) -> i128,
        doubles: fn(f64, f64) -> f64,
        decimals: fn(Decimal, Decimal) -> Decimal,
    ) -> Number {
        match (self, other) {
            (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
                Number::Decimal(decimals(self.to_decimal(), other.to_decimal()))
            }
            (Double(_), _) | (_, Double(_)) => Double(doubles(self.to_f64(), other.to_f64())),
            _ => match (self.integer(), other.integer()) {
                (Some(a), Some(b)) => self.fit(other, integers(i128::from(a), i128::from(b))),
                _ => Double(f64::NAN),
            },
        }
    }

    /// The narrowest type that both operands allow and that holds the result.
    fn fit(self, other: Number, result: i128) -> Number {
        if let (Int32(_), Int32(_), Ok(narrow)) = (self, other, i32::try_from(result)) {
            return Int32(narrow);
        }
        i64::try_from(result).map_or(Double(result as f64), Int64)
    }
}

const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

/// Compares two numbers by their exact values; `NaN` equals itself and is below all others.
pub fn compare_numbers(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Double(a), Double(b)) => compare_doubles(a, b),
        (Number::Decimal(a), Number::Decimal(b)) => a.compare(b),
        (Number::Decimal(a), Double(b)) => compare_decimal_with_double(a, b),
        (Double(a), Number::Decimal(b)) => compare_decimal_with_double(b, a).reverse(),
        (Double(a), _) => {
            b.integer().map_or(Ordering::Equal, |b| compare_integer_with_double(b, a)).reverse()
        }
        (_, Double(b)) => a.integer().map_or(Ordering::Equal, |a| compare_integer_with_double(a, b)),
        (Number::Decimal(a), _) => a.compare(b.to_decimal()),
        (_, Number::Decimal(b)) => a.to_decimal().compare(b),
        _ => a.integer().cmp(&b.integer()),
    }
}

fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

fn compare_integer_with_double(a: i64, b: f64) -> Ordering {
    if b.is_nan() || b < -TWO_POW_63 {
        return Ordering::Greater;
    }
    if b >= TWO_POW_63 {
        return Ordering::Less;
    }
    let whole = b.trunc();
    a.cmp(&(whole as i64)).then_with(|| compare_doubles(whole, b))
}

fn compare_decimal_with_double(a: Decimal, b: f64) -> Ordering {
    let Decimal::Finite { negative, .. } = a else {
        return compare_doubles(a.to_f64(), b);
    };
    if a.is_zero() || b == 0.0 || b.is_nan() || negative != (b < 0.0) {
        let sign = if a.is_zero() {
            0.0
        } else if negative {
            -1.0
        } else {
            1.0
        };
        return compare_doubles(sign, b);
    }
    let (truncated, exact) = truncate_to_double(a);
    let order =
        compare_doubles(truncated, b.abs()).then(if exact { Ordering::Equal } else { Ordering::Greater });
    if negative { order.reverse() } else { order }
}

/// The largest double that is not above the magnitude of a finite decimal, and whether it is equal to it.
pub(crate) fn truncate_to_double(number: Decimal) -> (f64, bool) {
    let Decimal::Finite { coefficient, exponent, .. } = number else {
        return (number.to_f64().abs(), true);
    };
    if coefficient == 0 {
        return (0.0, true);
    }
    let nearest = number.to_f64().abs();
    if is_exact_double(coefficient, exponent) {
        return (nearest, true);
    }
    if nearest.is_infinite() {
        return (f64::MAX, false);
    }
    if nearest == 0.0 {
        return (0.0, false);
    }
    let digits = coefficient.to_string();
    let size = digits.len() as i32 - 1 + exponent;
    // 40 digits after the point settle nearly every case; the whole expansion of a double has up to 767.
    let order = compare_expansion(nearest, 40, &digits, size);
    let order = if order == Ordering::Equal { compare_expansion(nearest, 780, &digits, size) } else { order };
    if order == Ordering::Greater { (nearest.next_down(), false) } else { (nearest, false) }
}

fn compare_expansion(double: f64, places: usize, digits: &str, size: i32) -> Ordering {
    let text = format!("{double:.places$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let expansion = mantissa.bytes().filter(|byte| *byte != b'.');
    let padded = digits.bytes().chain(std::iter::repeat(b'0')).take(places + 1);
    exponent.cmp(&size).then_with(|| expansion.cmp(padded))
}

/// Whether `coefficient * 10^exponent` (not zero) has at most 53 significant bits.
fn is_exact_double(coefficient: u128, exponent: i32) -> bool {
    let odd = coefficient >> coefficient.trailing_zeros();
    let fives = 5u128.checked_pow(exponent.unsigned_abs());
    match fives {
        Some(fives) if exponent >= 0 => odd.checked_mul(fives).is_some_and(|product| product < 1 << 53),
        Some(fives) => odd.is_multiple_of(fives) && odd / fives < 1 << 53,
        None => false,
    }
}
