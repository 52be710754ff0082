//! Arithmetic expressions. Null or missing operands give null; integers widen rather than wrap.

use super::operator::Operator;
use crate::error::{Error, Result};
use crate::language::value::decimal::{Decimal, Rounding};
use crate::language::value::{Number, is_nullish, type_name};
use bson::{Bson, DateTime};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::any("$add", add),
    Operator::any("$multiply", multiply),
    Operator::values("$subtract", 2, 2, subtract),
    Operator::values("$divide", 2, 2, divide),
    Operator::values("$mod", 2, 2, modulo),
    Operator::values("$abs", 1, 1, absolute),
    Operator::values("$ceil", 1, 1, |values| round_whole("$ceil", &values[0], f64::ceil, Rounding::Ceiling)),
    Operator::values("$floor", 1, 1, |values| round_whole("$floor", &values[0], f64::floor, Rounding::Floor)),
    Operator::values("$round", 1, 2, |values| round("$round", values, Rounding::HalfEven)),
    Operator::values("$trunc", 1, 2, |values| round("$trunc", values, Rounding::TowardZero)),
    Operator::values("$exp", 1, 1, |values| on_double("$exp", &values[0], |x| Ok(x.exp()))),
    Operator::values("$ln", 1, 1, |values| logarithm("$ln", 28766, &values[0], f64::ln)),
    Operator::values("$log10", 1, 1, |values| logarithm("$log10", 28761, &values[0], f64::log10)),
    Operator::values("$log", 2, 2, log),
    Operator::values("$pow", 2, 2, power),
    Operator::values("$sqrt", 1, 1, square_root),
    Operator::values("$sin", 1, 1, |values| on_double("$sin", &values[0], |x| Ok(x.sin()))),
    Operator::values("$cos", 1, 1, |values| on_double("$cos", &values[0], |x| Ok(x.cos()))),
    Operator::values("$tan", 1, 1, |values| on_double("$tan", &values[0], |x| Ok(x.tan()))),
    Operator::values("$asin", 1, 1, |values| {
        on_double("$asin", &values[0], |x| bounded("$asin", x, x.asin()))
    }),
    Operator::values("$acos", 1, 1, |values| {
        on_double("$acos", &values[0], |x| bounded("$acos", x, x.acos()))
    }),
    Operator::values("$atan", 1, 1, |values| on_double("$atan", &values[0], |x| Ok(x.atan()))),
    Operator::values("$atan2", 2, 2, arc_tangent),
    Operator::values("$sinh", 1, 1, |values| on_double("$sinh", &values[0], |x| Ok(x.sinh()))),
    Operator::values("$cosh", 1, 1, |values| on_double("$cosh", &values[0], |x| Ok(x.cosh()))),
    Operator::values("$tanh", 1, 1, |values| on_double("$tanh", &values[0], |x| Ok(x.tanh()))),
    Operator::values("$asinh", 1, 1, |values| on_double("$asinh", &values[0], |x| Ok(x.asinh()))),
    Operator::values("$acosh", 1, 1, |values| on_double("$acosh", &values[0], area_cosine)),
    Operator::values("$atanh", 1, 1, |values| {
        on_double("$atanh", &values[0], |x| bounded("$atanh", x, x.atanh()))
    }),
    Operator::values("$degreesToRadians", 1, 1, |values| {
        on_double("$degreesToRadians", &values[0], |x| Ok(x.to_radians()))
    }),
    Operator::values("$radiansToDegrees", 1, 1, |values| {
        on_double("$radiansToDegrees", &values[0], |x| Ok(x.to_degrees()))
    }),
    Operator::any("$bitAnd", |values| bitwise("$bitAnd", values, -1, |a, b| a & b)),
    Operator::any("$bitOr", |values| bitwise("$bitOr", values, 0, |a, b| a | b)),
    Operator::any("$bitXor", |values| bitwise("$bitXor", values, 0, |a, b| a ^ b)),
    Operator::values("$bitNot", 1, 1, bit_not),
];

fn area_cosine(x: f64) -> Result<f64> {
    if x < 1.0 {
        return Err(Error::location(50989, format!("cannot apply $acosh to {x}, value must be in [1, inf]")));
    }
    Ok(x.acosh())
}

/// The number in an operand, `None` for null or missing, else the error with its code.
fn operand(operator: &str, code: i32, value: &Bson) -> Result<Option<Number>> {
    if is_nullish(value) {
        return Ok(None);
    }
    Number::of(value).map(Some).ok_or_else(|| not_numeric(operator, code, value))
}

fn not_numeric(operator: &str, code: i32, value: &Bson) -> Error {
    Error::location(code, format!("{operator} only supports numeric types, not {}", type_name(value)))
}

fn add(values: &[Bson]) -> Result<Bson> {
    let mut sum = Number::Int32(0);
    let mut date = None;
    let mut null = false;
    for value in values {
        match value {
            Bson::DateTime(_) if date.is_some() => {
                return Err(Error::location(16612, "only one date allowed in an $add expression"));
            }
            Bson::DateTime(value) => date = Some(value.timestamp_millis()),
            value if is_nullish(value) => null = true,
            value => {
                let message =
                    || format!("$add only supports numeric or date types, not {}", type_name(value));
                let number = Number::of(value).ok_or_else(|| Error::type_mismatch(message()))?;
                sum = sum.plus(number);
            }
        }
    }
    match (null, date) {
        (true, _) => Ok(Bson::Null),
        (false, None) => Ok(sum.to_bson()),
        (false, Some(date)) => shift_date(date, sum),
    }
}

fn shift_date(date: i64, by: Number) -> Result<Bson> {
    let rounded = match by {
        Number::Double(value) => Number::Double(value.round()),
        other => other,
    };
    let millis = rounded.to_i64_truncated().and_then(|by| date.checked_add(by));
    let millis = millis.ok_or_else(|| Error::new(crate::Code::Overflow, "date overflow"))?;
    Ok(Bson::DateTime(DateTime::from_millis(millis)))
}

fn multiply(values: &[Bson]) -> Result<Bson> {
    let mut product = Number::Int32(1);
    let mut null = false;
    for value in values {
        if is_nullish(value) {
            null = true;
            continue;
        }
        let message = || format!("$multiply only supports numeric types, not {}", type_name(value));
        product = product.multiply(Number::of(value).ok_or_else(|| Error::type_mismatch(message()))?);
    }
    Ok(if null { Bson::Null } else { product.to_bson() })
}

fn subtract(values: &[Bson]) -> Result<Bson> {
    let (left, right) = (&values[0], &values[1]);
    if is_nullish(left) || is_nullish(right) {
        return Ok(Bson::Null);
    }
    match (left, right, Number::of(left), Number::of(right)) {
        (_, _, Some(a), Some(b)) => Ok(a.subtract(b).to_bson()),
        (Bson::DateTime(a), Bson::DateTime(b), ..) => {
            Ok(Bson::Int64(a.timestamp_millis().wrapping_sub(b.timestamp_millis())))
        }
        (Bson::DateTime(a), _, _, Some(b)) => shift_date(a.timestamp_millis(), Number::Int32(0).subtract(b)),
        _ => Err(Error::type_mismatch(format!(
            "can't $subtract {} from {}",
            type_name(right),
            type_name(left)
        ))),
    }
}

fn divide(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let (Some(a), Some(b)) = (Number::of(&values[0]), Number::of(&values[1])) else {
        let message = format!(
            "$divide only supports numeric types, not {} and {}",
            type_name(&values[0]),
            type_name(&values[1])
        );
        return Err(Error::type_mismatch(message));
    };
    if b.is_zero() {
        return Err(Error::bad_value("can't $divide by zero"));
    }
    Ok(a.divide(b).to_bson())
}

fn modulo(values: &[Bson]) -> Result<Bson> {
    if values.iter().any(is_nullish) {
        return Ok(Bson::Null);
    }
    let (Some(a), Some(b)) = (Number::of(&values[0]), Number::of(&values[1])) else {
        let message = format!(
            "$mod only supports numeric types, not {} and {}",
            type_name(&values[0]),
            type_name(&values[1])
        );
        return Err(Error::location(16611, message));
    };
    if b.is_zero() {
        return Err(Error::location(16610, "can't $mod by zero"));
    }
    Ok(a.remainder(b).to_bson())
}

fn absolute(values: &[Bson]) -> Result<Bson> {
    let Some(number) = operand("$abs", 28765, &values[0])? else { return Ok(Bson::Null) };
    let negative = match number {
        Number::Int32(value) => value < 0,
        Number::Int64(i64::MIN) => return Err(Error::location(28680, "can't take $abs of long long min")),
        Number::Int64(value) => value < 0,
        Number::Double(value) => return Ok(Bson::Double(value.abs())),
        Number::Decimal(value) => value.is_negative(),
    };
    Ok(if negative { Number::Int32(0).subtract(number) } else { number }.to_bson())
}

fn round_whole(operator: &str, value: &Bson, double: fn(f64) -> f64, rounding: Rounding) -> Result<Bson> {
    Ok(match operand(operator, 28765, value)? {
        None => Bson::Null,
        Some(Number::Double(value)) => Bson::Double(double(value)),
        Some(Number::Decimal(value)) => Number::Decimal(value.round_to(0, rounding)).to_bson(),
        Some(integer) => integer.to_bson(),
    })
}

fn round(operator: &str, values: &[Bson], rounding: Rounding) -> Result<Bson> {
    let Some(number) = operand(operator, 51081, &values[0])? else { return Ok(Bson::Null) };
    let places = match values.get(1) {
        None => 0,
        Some(places) if is_nullish(places) => return Ok(Bson::Null),
        Some(places) => {
            let whole = Number::of(places).and_then(Number::to_i64_exact);
            let whole = whole.ok_or_else(|| {
                Error::location(51082, format!("precision argument to {operator} must be a integral value"))
            })?;
            if !(-20..=100).contains(&whole) {
                let message = format!(
                    "cannot apply {operator} with precision value {whole} value must be in [-20, 100]"
                );
                return Err(Error::location(51083, message));
            }
            whole as i32
        }
    };
    Ok(match number {
        Number::Double(value) => Bson::Double(round_double(value, places, rounding)),
        Number::Decimal(value) => Number::Decimal(value.round_to(places, rounding)).to_bson(),
        integer if places >= 0 => integer.to_bson(),
        integer => {
            let rounded = integer.to_decimal().round_to(places, rounding).to_i64();
            let rounded = rounded.ok_or_else(|| Error::location(51080, "invalid conversion in $round"))?;
            match (integer, i32::try_from(rounded)) {
                (Number::Int32(_), Ok(narrow)) => Bson::Int32(narrow),
                _ => Bson::Int64(rounded),
            }
        }
    })
}

fn round_double(value: f64, places: i32, rounding: Rounding) -> f64 {
    if !value.is_finite() {
        return value;
    }
    if places == 0 {
        return if rounding == Rounding::HalfEven { value.round_ties_even() } else { value.trunc() };
    }
    // The shortest decimal form is what people mean by the digits of a double.
    Decimal::parse(&format!("{value:e}")).map_or(value, |exact| exact.round_to(places, rounding).to_f64())
}

fn on_double(operator: &str, value: &Bson, call: impl FnOnce(f64) -> Result<f64>) -> Result<Bson> {
    Ok(match operand(operator, 28765, value)? {
        None => Bson::Null,
        Some(Number::Decimal(value)) => Number::Decimal(Decimal::from_f64(call(value.to_f64())?)).to_bson(),
        Some(number) => Bson::Double(call(number.to_f64())?),
    })
}

fn bounded(operator: &str, input: f64, result: f64) -> Result<f64> {
    if input.is_nan() || (-1.0..=1.0).contains(&input) {
        return Ok(result);
    }
    Err(Error::location(50989, format!("cannot apply {operator} to {input}, value must in [-1,1]")))
}

fn logarithm(operator: &str, code: i32, value: &Bson, call: fn(f64) -> f64) -> Result<Bson> {
    on_double(operator, value, |x| {
        if x > 0.0 || x.is_nan() {
            return Ok(call(x));
        }
        Err(Error::location(code, format!("{operator}'s argument must be a positive number, but is {x}")))
    })
}

fn log(values: &[Bson]) -> Result<Bson> {
    let number = operand("$log", 28756, &values[0])?;
    let base = operand("$log", 28757, &values[1])?;
    let (Some(number), Some(base)) = (number, base) else { return Ok(Bson::Null) };
    let (number, base) = (number.to_f64(), base.to_f64());
    if number <= 0.0 {
        return Err(Error::location(
            28758,
            format!("$log's argument must be a positive number, but is {number}"),
        ));
    }
    if base <= 0.0 || base == 1.0 {
        let message = format!("$log's base must be a positive number not equal to 1, but is {base}");
        return Err(Error::location(28759, message));
    }
    Ok(Bson::Double(number.ln() / base.ln()))
}

fn power(values: &[Bson]) -> Result<Bson> {
    let base = operand("$pow", 28762, &values[0])?;
    let exponent = operand("$pow", 28763, &values[1])?;
    let (Some(base), Some(exponent)) = (base, exponent) else { return Ok(Bson::Null) };
    if base.is_zero() && exponent.to_f64() < 0.0 {
        return Err(Error::location(28764, "$pow cannot take a base of 0 and a negative exponent"));
    }
    if let (Some(whole_base), Some(whole_exponent)) = (base.integer(), exponent.integer()) {
        let exact = u32::try_from(whole_exponent).ok().and_then(|e| whole_base.checked_pow(e));
        if let Some(exact) = exact {
            let narrow = matches!((base, exponent), (Number::Int32(_), Number::Int32(_)));
            return Ok(match i32::try_from(exact) {
                Ok(fits) if narrow => Bson::Int32(fits),
                _ => Bson::Int64(exact),
            });
        }
    }
    let result = base.to_f64().powf(exponent.to_f64());
    Ok(match (base, exponent) {
        (Number::Decimal(_), _) | (_, Number::Decimal(_)) => decimal_power(base, exponent).to_bson(),
        _ => Bson::Double(result),
    })
}

fn decimal_power(base: Number, exponent: Number) -> Number {
    match exponent.to_i64_exact().filter(|whole| whole.unsigned_abs() <= 1000) {
        Some(whole) => {
            let mut result = Decimal::from_i64(1);
            for _ in 0..whole.unsigned_abs() {
                result = result.multiply(base.to_decimal());
            }
            Number::Decimal(if whole < 0 { Decimal::from_i64(1).divide(result) } else { result })
        }
        None => Number::Decimal(Decimal::from_f64(base.to_f64().powf(exponent.to_f64()))),
    }
}

fn square_root(values: &[Bson]) -> Result<Bson> {
    on_double("$sqrt", &values[0], |x| {
        if x < 0.0 {
            return Err(Error::location(28714, "$sqrt's argument must be greater than or equal to 0"));
        }
        Ok(x.sqrt())
    })
}

fn arc_tangent(values: &[Bson]) -> Result<Bson> {
    let y = operand("$atan2", 51044, &values[0])?;
    let x = operand("$atan2", 51045, &values[1])?;
    Ok(match (y, x) {
        (Some(y), Some(x)) => Bson::Double(y.to_f64().atan2(x.to_f64())),
        _ => Bson::Null,
    })
}

fn bitwise(operator: &str, values: &[Bson], start: i64, combine: fn(i64, i64) -> i64) -> Result<Bson> {
    let mut result = start;
    let mut narrow = true;
    let mut null = false;
    for value in values {
        match value {
            Bson::Int32(value) => result = combine(result, i64::from(*value)),
            Bson::Int64(value) => {
                narrow = false;
                result = combine(result, *value);
            }
            value if is_nullish(value) => null = true,
            other => {
                let message =
                    format!("{operator} only supports int and long operands, not {}.", type_name(other));
                return Err(Error::type_mismatch(message));
            }
        }
    }
    Ok(match (null, narrow) {
        (true, _) => Bson::Null,
        (false, true) => Bson::Int32(result as i32),
        (false, false) => Bson::Int64(result),
    })
}

fn bit_not(values: &[Bson]) -> Result<Bson> {
    match &values[0] {
        Bson::Int32(value) => Ok(Bson::Int32(!value)),
        Bson::Int64(value) => Ok(Bson::Int64(!value)),
        value if is_nullish(value) => Ok(Bson::Null),
        other => Err(Error::type_mismatch(format!(
            "$bitNot only supports int and long, not: {}.",
            type_name(other)
        ))),
    }
}
