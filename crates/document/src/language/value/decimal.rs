//! Decimal128 taken apart, so that it can be compared exactly and computed with (round half to even).

use bson::Decimal128;
use std::cmp::Ordering;
use std::str::FromStr;

const MAX_DIGITS: u32 = 34;
const MIN_EXPONENT: i32 = -6176;
const MAX_EXPONENT: i32 = 6111;

/// A decimal floating-point number: sign, coefficient below 10^34, power of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// A finite number, `coefficient * 10^exponent`.
    Finite {
        /// Whether it is below zero (or a negative zero).
        negative: bool,
        /// At most 34 decimal digits.
        coefficient: u128,
        /// Power of ten, -6176..=6111.
        exponent: i32,
    },
    /// Infinity of either sign.
    Infinite {
        /// Whether it is negative.
        negative: bool,
    },
    /// Not a number.
    NaN,
}

use Decimal::{Finite, Infinite, NaN};

fn digits(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().map_or(0, |log| log + 1)
}

fn power_of_ten(exponent: u32) -> u128 {
    10u128.pow(exponent)
}

/// Rounds half to even after `dropped` decimal digits; `sticky` says that non-zero digits follow beyond.
fn drop_digits(coefficient: u128, dropped: u32, sticky: bool) -> u128 {
    if dropped == 0 {
        return coefficient;
    }
    if dropped > 38 {
        return 0;
    }
    let unit = power_of_ten(dropped);
    let (quotient, remainder) = (coefficient / unit, coefficient % unit);
    let round_up = match remainder.cmp(&(unit / 2)) {
        Ordering::Less => false,
        Ordering::Equal => sticky || quotient % 2 == 1,
        Ordering::Greater => true,
    };
    quotient + u128::from(round_up)
}

impl Decimal {
    /// Takes the stored form apart (IEEE 754-2008, binary integer significand).
    pub fn of(stored: Decimal128) -> Decimal {
        let bits = u128::from_le_bytes(stored.bytes());
        let negative = bits >> 127 == 1;
        match (bits >> 122) & 0x1F {
            0x1F => return NaN,
            0x1E => return Infinite { negative },
            _ => {}
        }
        let (biased, coefficient) = if (bits >> 125) & 3 == 3 {
            // The large form holds coefficients that are beyond 34 digits, which the standard reads as zero.
            (((bits >> 111) & 0x3FFF) as i32, 0)
        } else {
            (((bits >> 113) & 0x3FFF) as i32, bits & ((1 << 113) - 1))
        };
        let coefficient = if coefficient >= power_of_ten(MAX_DIGITS) { 0 } else { coefficient };
        Finite { negative, coefficient, exponent: biased + MIN_EXPONENT }
    }

    /// The stored form.
    pub fn to_stored(self) -> Decimal128 {
        let bits = match self {
            NaN => 0x1F << 122,
            Infinite { negative } => (u128::from(negative) << 127) | (0x1E << 122),
            Finite { negative, coefficient, exponent } => {
                (u128::from(negative) << 127) | (((exponent - MIN_EXPONENT) as u128) << 113) | coefficient
            }
        };
        Decimal128::from_bytes(bits.to_le_bytes())
    }

    /// An integer, exactly.
    pub fn from_i64(value: i64) -> Decimal {
        Finite { negative: value < 0, coefficient: u128::from(value.unsigned_abs()), exponent: 0 }
    }

    /// A double rounded to 15 significant digits, as MongoDB does where the two meet in arithmetic.
    pub fn from_f64(value: f64) -> Decimal {
        if value.is_nan() {
            return NaN;
        }
        if value.is_infinite() {
            return Infinite { negative: value < 0.0 };
        }
        Decimal::parse(&format!("{value:.14e}")).unwrap_or(NaN)
    }

    /// Reads text such as `1.5E+3`, `-7`, `NaN` or `Infinity`; rounds what has more than 34 digits.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        match rest.to_ascii_lowercase().as_str() {
            "nan" => return Some(NaN),
            "inf" | "infinity" => return Some(Infinite { negative }),
            _ => {}
        }
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], i64::from_str(rest[at + 1..].trim_start_matches('+')).ok()?),
            None => (rest, 0),
        };
        let (mut coefficient, mut shift, mut sticky, mut seen, mut point) =
            (0u128, 0i64, false, false, false);
        for byte in mantissa.bytes() {
            match byte {
                b'.' if !point => point = true,
                b'0'..=b'9' => {
                    seen = true;
                    if coefficient < power_of_ten(36) {
                        coefficient = coefficient * 10 + u128::from(byte - b'0');
                        shift -= i64::from(point);
                    } else {
                        sticky |= byte != b'0';
                        shift += i64::from(!point);
                    }
                }
                _ => return None,
            }
        }
        let exponent = exponent.saturating_add(shift).clamp(-100_000, 100_000) as i32;
        seen.then(|| Decimal::rounded(negative, coefficient, exponent, sticky))
    }

    /// Brings a coefficient of up to 38 digits and any exponent into range.
    fn rounded(negative: bool, coefficient: u128, exponent: i32, sticky: bool) -> Decimal {
        let (mut coefficient, mut exponent) = (coefficient, exponent);
        let too_long = digits(coefficient).saturating_sub(MAX_DIGITS);
        let too_small = u32::try_from(MIN_EXPONENT.saturating_sub(exponent)).unwrap_or(0);
        let dropped = too_long.max(too_small);
        if dropped > 0 {
            coefficient = drop_digits(coefficient, dropped, sticky);
            exponent = exponent.saturating_add(dropped as i32);
            if digits(coefficient) > MAX_DIGITS {
                coefficient /= 10;
                exponent += 1;
            }
        }
        if coefficient == 0 {
            return Finite { negative, coefficient: 0, exponent: exponent.clamp(MIN_EXPONENT, MAX_EXPONENT) };
        }
        while exponent > MAX_EXPONENT {
            if digits(coefficient) >= MAX_DIGITS {
                return Infinite { negative };
            }
            coefficient *= 10;
            exponent -= 1;
        }
        Finite { negative, coefficient, exponent }
    }

    /// The number with its sign turned.
    pub fn negate(self) -> Decimal {
        match self {
            Finite { negative, coefficient, exponent } => {
                Finite { negative: !negative, coefficient, exponent }
            }
            Infinite { negative } => Infinite { negative: !negative },
            NaN => NaN,
        }
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        match self {
            NaN => f64::NAN,
            Infinite { negative: false } => f64::INFINITY,
            Infinite { negative: true } => f64::NEG_INFINITY,
            Finite { negative, coefficient, exponent } => {
                let sign = if negative { "-" } else { "" };
                format!("{sign}{coefficient}e{exponent}").parse().unwrap_or(f64::NAN)
            }
        }
    }

    /// The whole part as an integer, where it fits.
    pub fn to_i64(self) -> Option<i64> {
        let Finite { negative, coefficient, exponent } = self else { return None };
        let magnitude = if exponent >= 0 {
            if coefficient == 0 {
                0
            } else {
                coefficient.checked_mul(10u128.checked_pow(exponent as u32)?)?
            }
        } else if exponent < -38 {
            0
        } else {
            coefficient / power_of_ten(-exponent as u32)
        };
        let value = i128::try_from(magnitude).ok()?;
        i64::try_from(if negative { -value } else { value }).ok()
    }

    /// Rounds to `places` decimal places (negative: to tens, hundreds...) in the way given.
    pub fn round_to(self, places: i32, rounding: Rounding) -> Decimal {
        let Finite { negative, coefficient, exponent } = self else { return self };
        let dropped = -places - exponent;
        if dropped <= 0 {
            return self;
        }
        let dropped = dropped as u32;
        let (quotient, inexact) = if dropped > 38 {
            (0, coefficient != 0)
        } else {
            (coefficient / power_of_ten(dropped), coefficient % power_of_ten(dropped) != 0)
        };
        let coefficient = match rounding {
            Rounding::HalfEven => drop_digits(coefficient, dropped, false),
            Rounding::TowardZero => quotient,
            Rounding::Floor => quotient + u128::from(inexact && negative),
            Rounding::Ceiling => quotient + u128::from(inexact && !negative),
        };
        Decimal::rounded(negative, coefficient, -places, false)
    }

    /// Sum.
    pub fn plus(self, other: Decimal) -> Decimal {
        match (self, other) {
            (NaN, _) | (_, NaN) => NaN,
            (Infinite { negative: a }, Infinite { negative: b }) if a != b => NaN,
            (infinite @ Infinite { .. }, _) | (_, infinite @ Infinite { .. }) => infinite,
            (
                Finite { negative: n1, coefficient: c1, exponent: e1 },
                Finite { negative: n2, coefficient: c2, exponent: e2 },
            ) => {
                if e1 >= e2 {
                    add_finite((n1, c1, e1), (n2, c2, e2))
                } else {
                    add_finite((n2, c2, e2), (n1, c1, e1))
                }
            }
        }
    }

    /// Product.
    pub fn multiply(self, other: Decimal) -> Decimal {
        match (self, other) {
            (NaN, _) | (_, NaN) => NaN,
            (
                Finite { negative: n1, coefficient: c1, exponent: e1 },
                Finite { negative: n2, coefficient: c2, exponent: e2 },
            ) => {
                const HALF: u128 = 10u128.pow(17);
                let (high1, low1, high2, low2) = (c1 / HALF, c1 % HALF, c2 / HALF, c2 % HALF);
                let middle = high1 * low2 + low1 * high2 + low1 * low2 / HALF;
                let low = (middle % HALF) * HALF + (low1 * low2) % HALF;
                let high = high1 * high2 + middle / HALF;
                let kept = digits(high);
                // Two digits more than fit, so that the rounding sees them; the rest only as "not zero".
                let guard = kept.saturating_sub(2);
                let sticky = !low.is_multiple_of(power_of_ten(guard));
                let coefficient = high * power_of_ten(MAX_DIGITS - guard) + low / power_of_ten(guard);
                Decimal::rounded(n1 != n2, coefficient, e1 + e2 + guard as i32, sticky)
            }
            (a, b) => {
                if a.is_zero() || b.is_zero() {
                    NaN
                } else {
                    Infinite { negative: a.is_negative() != b.is_negative() }
                }
            }
        }
    }

    /// Quotient; division by zero gives infinity or NaN, callers that must not check before.
    pub fn divide(self, other: Decimal) -> Decimal {
        match (self, other) {
            (NaN, _) | (_, NaN) | (Infinite { .. }, Infinite { .. }) => NaN,
            (Infinite { .. }, _) => Infinite { negative: self.is_negative() != other.is_negative() },
            (Finite { .. }, Infinite { .. }) => Decimal::from_i64(0),
            (
                Finite { negative: n1, coefficient: c1, exponent: e1 },
                Finite { negative: n2, coefficient: c2, exponent: e2 },
            ) => {
                if c2 == 0 {
                    return if c1 == 0 { NaN } else { Infinite { negative: n1 != n2 } };
                }
                let (mut quotient, mut remainder, mut exponent) = (c1 / c2, c1 % c2, e1 - e2);
                while remainder != 0 && digits(quotient) < MAX_DIGITS + 2 {
                    remainder *= 10;
                    quotient = quotient * 10 + remainder / c2;
                    remainder %= c2;
                    exponent -= 1;
                }
                Decimal::rounded(n1 != n2, quotient, exponent, remainder != 0)
            }
        }
    }

    /// Whether it is a zero of either sign.
    pub fn is_zero(self) -> bool {
        matches!(self, Finite { coefficient: 0, .. })
    }

    /// Whether its sign is minus.
    pub fn is_negative(self) -> bool {
        matches!(self, Finite { negative: true, .. } | Infinite { negative: true })
    }

    /// Exact order; `NaN` equals itself and is below all else, zeros of both signs are equal.
    pub fn compare(self, other: Decimal) -> Ordering {
        let rank = |number: Decimal| match number {
            NaN => 0,
            Infinite { negative: true } => 1,
            Finite { coefficient: 0, .. } => 3,
            Finite { negative: true, .. } => 2,
            Finite { negative: false, .. } => 4,
            Infinite { negative: false } => 5,
        };
        rank(self).cmp(&rank(other)).then_with(|| match (self, other) {
            (
                Finite { negative, coefficient: c1, exponent: e1 },
                Finite { coefficient: c2, exponent: e2, .. },
            ) if c1 != 0 => {
                let order = compare_magnitudes((c1, e1), (c2, e2));
                if negative { order.reverse() } else { order }
            }
            _ => Ordering::Equal,
        })
    }
}

/// How [`Decimal::round_to`] rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, halves to the even neighbour.
    HalfEven,
    /// Digits are cut.
    TowardZero,
    /// Down.
    Floor,
    /// Up.
    Ceiling,
}

fn compare_magnitudes((c1, e1): (u128, i32), (c2, e2): (u128, i32)) -> Ordering {
    let (size1, size2) = (digits(c1) as i32 + e1, digits(c2) as i32 + e2);
    size1.cmp(&size2).then_with(|| {
        if e1 >= e2 {
            (c1 * power_of_ten((e1 - e2) as u32)).cmp(&c2)
        } else {
            c1.cmp(&(c2 * power_of_ten((e2 - e1) as u32)))
        }
    })
}

type Parts = (bool, u128, i32);

fn add_finite((n1, c1, e1): Parts, (n2, c2, e2): Parts) -> Decimal {
    let gap = (e1 - e2) as u32;
    if c1 == 0 {
        // Zero has no magnitude to align; the smaller exponent is the exact one.
        let negative = if c2 == 0 { n1 && n2 } else { n2 };
        return Finite { negative, coefficient: c2, exponent: e2 };
    }
    let (c1, c2, exponent) = if digits(c1) + gap <= 37 {
        (c1 * power_of_ten(gap), c2, e2)
    } else {
        let scale = 36 - digits(c1);
        let cut = gap - scale;
        let (kept, lost) =
            if cut > 38 { (0, c2 != 0) } else { (c2 / power_of_ten(cut), c2 % power_of_ten(cut) != 0) };
        (c1 * power_of_ten(scale) * 10, kept * 10 + u128::from(lost), e1 - scale as i32 - 1)
    };
    if n1 == n2 {
        return Decimal::rounded(n1, c1 + c2, exponent, false);
    }
    match c1.cmp(&c2) {
        Ordering::Equal => Finite { negative: false, coefficient: 0, exponent },
        Ordering::Greater => Decimal::rounded(n1, c1 - c2, exponent, false),
        Ordering::Less => Decimal::rounded(n2, c2 - c1, exponent, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn shown(number: Decimal) -> String {
        number.to_stored().to_string()
    }

    #[test]
    fn the_stored_form_survives() {
        for text in
            ["0", "1.5", "-7E+10", "1E-6176", "9.999999999999999999999999999999999E+6144", "NaN", "-Infinity"]
        {
            assert_eq!(shown(decimal(text)), text, "{text}");
            let stored = text.parse().unwrap();
            assert_eq!(Decimal::of(stored).to_stored(), stored, "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact_until_34_digits() {
        assert_eq!(shown(decimal("0.1").plus(decimal("0.2"))), "0.3");
        assert_eq!(shown(decimal("1E+40").plus(decimal("1"))), "1.000000000000000000000000000000000E+40");
        assert_eq!(shown(decimal("1E+34").plus(decimal("-1"))), "9999999999999999999999999999999999");
        assert_eq!(shown(decimal("19.99").multiply(decimal("3"))), "59.97");
        assert_eq!(shown(decimal("1").divide(decimal("3"))), "0.3333333333333333333333333333333333");
        assert_eq!(shown(decimal("2").divide(decimal("4"))), "0.5");
        let large = decimal("9999999999999999999999999999999999");
        assert_eq!(shown(large.multiply(large)), "9.999999999999999999999999999999998E+67");
        assert_eq!(decimal("1").divide(decimal("0")), Decimal::Infinite { negative: false });
        assert_eq!(shown(decimal("2.5").round_to(0, Rounding::HalfEven)), "2");
        assert_eq!(shown(decimal("-2.5").round_to(0, Rounding::Floor)), "-3");
        assert_eq!(decimal("123.9").to_i64(), Some(123));
        assert_eq!(decimal("1E+30").to_i64(), None);
        assert_eq!(shown(Decimal::from_f64(0.1)), "0.100000000000000");
    }
}
