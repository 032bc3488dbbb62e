//! Operators on types.

use num_bigint::BigInt as Big;

use super::call::{Arguments, Call, is_nullish, is_true, type_name};
use super::date_text;
use super::number::{MAX_TIME, Number, big_from_f64};
use super::zone::Zone;
use crate::error::Result;
use crate::value::Value;
use crate::wtf8::Wtf8String;

/// What a value can be converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Double,
    Int,
    Long,
    String,
    Bool,
    Date,
}

impl Target {
    /// The target that an operator such as `$toInt` has.
    fn of_operator(operator: &str) -> Self {
        match operator {
            "$toInt" => Self::Int,
            "$toLong" => Self::Long,
            "$toString" => Self::String,
            "$toBool" => Self::Bool,
            "$toDate" => Self::Date,
            _ => Self::Double,
        }
    }

    /// The target that `$convert` names, by name or MongoDB's number.
    pub(super) fn named(call: &Call<'_>, value: &Value) -> Result<Self> {
        let by_number = |number: f64| match number as i64 {
            1 => Some("double"),
            2 => Some("string"),
            8 => Some("bool"),
            9 => Some("date"),
            16 => Some("int"),
            18 => Some("long"),
            _ => None,
        };
        let name = match value {
            Value::String(name) => name.as_str(),
            Value::Number(number) if number.fract() == 0.0 => by_number(*number),
            _ => None,
        };
        Ok(match name {
            Some("double" | "number") => Self::Double,
            Some("string") => Self::String,
            Some("bool") => Self::Bool,
            Some("date") => Self::Date,
            Some("int") => Self::Int,
            Some("long") => Self::Long,
            _ => {
                let why = "values are converted to double, int, long, string, bool or date";
                return Err(call.error(why));
            }
        })
    }
}

/// `$toString` and so on: null stays null.
pub(super) fn convert(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [value] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(value) {
        return Ok(Value::Null);
    }
    to(call, value, Target::of_operator(call.operator))
}

/// Converts a value.
pub(super) fn to(call: &Call<'_>, value: &Value, target: Target) -> Result<Value> {
    match target {
        Target::Bool => Ok(Value::Bool(is_true(value))),
        Target::String => to_text(call, value).map(Value::String),
        Target::Double => match value {
            Value::Bool(bool) => Ok(Value::Number(f64::from(*bool))),
            Value::Date(time) => Ok(Value::Number(*time)),
            Value::String(text) => decimal(call, text).map(Value::Number),
            other => Ok(Value::Number(call.number(other)?.to_f64())),
        },
        Target::Int => {
            let number = match whole(call, value)? {
                Number::Float(number) => number,
                Number::Big(big) => Number::Big(big).to_f64(),
            };
            if number.abs() > f64::from(i32::MAX) && number != f64::from(i32::MIN) {
                return Err(call.error("the number does not fit in 32 bits"));
            }
            Ok(Value::Number(number))
        }
        Target::Long => long(call, value),
        Target::Date => to_date(call, value),
    }
}

/// A whole number; of BigInts, or where a double would not be exact, a BigInt.
fn long(call: &Call<'_>, value: &Value) -> Result<Value> {
    let number = whole(call, value)?;
    let big = match &number {
        Number::Float(number) if number.abs() < 9_007_199_254_740_992.0 => {
            return Ok(Value::Number(*number));
        }
        Number::Float(number) => big_from_f64(*number).unwrap_or_default(),
        Number::Big(big) => big.clone(),
    };
    if i64::try_from(&big).is_err() {
        return Err(call.error("the number does not fit in 64 bits"));
    }
    Ok(Number::Big(big).into_value())
}

/// A number without its fraction.
fn whole(call: &Call<'_>, value: &Value) -> Result<Number> {
    let number = match value {
        Value::Bool(bool) => Number::Float(f64::from(*bool)),
        Value::Date(time) => Number::Float(*time),
        Value::String(text) => {
            let digits = text.as_str().unwrap_or_default();
            let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
            let is_number = unsigned.len() <= 400 && unsigned.bytes().all(|b| b.is_ascii_digit());
            match digits.parse::<Big>() {
                Ok(big) if is_number => match i32::try_from(&big) {
                    Ok(small) => Number::Float(f64::from(small)),
                    // Later a number again, if a double is exact.
                    Err(_) => {
                        let float = Number::Big(big.clone()).to_f64();
                        let exact = float.abs() < 9_007_199_254_740_992.0;
                        if exact { Number::Float(float) } else { Number::Big(big) }
                    }
                },
                _ => return Err(call.error("the string is not a whole number")),
            }
        }
        other => call.number(other)?,
    };
    match number {
        Number::Float(float) if !float.is_finite() => Err(call.error("the number is not finite")),
        Number::Float(float) => Ok(Number::Float(float.trunc() + 0.0)),
        big @ Number::Big(_) => Ok(big),
    }
}

/// The number that a string writes in decimal.
fn decimal(call: &Call<'_>, text: &Wtf8String) -> Result<f64> {
    let text = text.as_str().unwrap_or_default();
    let is_decimal =
        text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let named = matches!(text, "NaN" | "Infinity" | "-Infinity");
    match text.parse() {
        Ok(number) if is_decimal || named => Ok(number),
        _ => Err(call.error("the string is not a number")),
    }
}

fn to_date(call: &Call<'_>, value: &Value) -> Result<Value> {
    match value {
        Value::Date(time) => Ok(Value::Date(*time)),
        Value::String(text) => {
            let time = text.as_str().and_then(|text| date_text::parse_iso(text, &Zone::UTC));
            let time = time.ok_or_else(|| call.error("the string is not a date"))?;
            call.date(time as f64)
        }
        Value::Number(_) | Value::BigInt(_) => call.date(call.number(value)?.to_f64()),
        other => Err(call.wrong("a Date, a string or a number", other)),
    }
}

/// A value as text.
pub(super) fn to_text(call: &Call<'_>, value: &Value) -> Result<Wtf8String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "true".into(),
        Value::Bool(false) => "false".into(),
        Value::Number(number) => (&*number_text(*number)).into(),
        Value::BigInt(_) => match call.number(value)? {
            Number::Big(big) => (&*big.to_string()).into(),
            Number::Float(_) => "".into(),
        },
        Value::Date(time) if time.abs() <= MAX_TIME => (&*date_text::iso(*time as i64)).into(),
        Value::Date(_) => return Err(call.error("the Date is invalid")),
        other => return Err(call.wrong("a string, number, boolean or Date", other)),
    })
}

/// A number as JavaScript writes it.
///
/// Source: ECMA-262, `Number::toString`.
fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    // Rust writes the same shortest digits, but never an exponent unless asked.
    if (1e-6..1e21).contains(&number.abs()) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

/// `$type`.
pub(super) fn type_of(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [value] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::String(type_name(value).into()))
}

/// `$isNumber`.
pub(super) fn is_number(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [value] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::Bool(matches!(&**value, Value::Number(_) | Value::BigInt(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_as_javascript() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e25, "1.25e+25"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-1.5e-10, "-1.5e-10"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }
}
