//! Arithmetic on JavaScript's numbers and BigInts.
//!
//! A BigInt with a BigInt gives a BigInt, exactly; so does a BigInt with a whole number. A BigInt
//! with a fraction is an error, since neither type can hold the result.

use num_bigint::{BigInt as Big, Sign};

use super::call::{Arguments, Call, is_nullish};
use crate::error::{Error, ErrorCode, Result};
use crate::query::order;
use crate::value::{BigInt, Value};

/// The largest BigInt that is calculated with, in bytes (64 KiB).
const MAX_BIGINT_BYTES: u64 = 64 << 10;

/// The latest and the negative of the earliest time of a Date, in milliseconds.
pub(super) const MAX_TIME: f64 = 8.64e15;

/// A number of either type.
#[derive(Debug, Clone)]
pub enum Number {
    /// A double.
    Float(f64),
    /// A BigInt.
    Big(Big),
}

/// Two numbers of the same type.
enum Pair {
    Floats(f64, f64),
    Bigs(Big, Big),
}

impl Number {
    /// The number that a value is; `None` for other types.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self::Float(*number)),
            Value::BigInt(bigint) => Some(Self::Big(to_big(bigint))),
            _ => None,
        }
    }

    /// The value.
    pub fn into_value(self) -> Value {
        match self {
            Self::Float(number) => Value::Number(number),
            Self::Big(big) => Value::BigInt(from_big(&big)),
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::Float(number) => *number,
            Self::Big(big) => big_to_f64(big),
        }
    }

    fn pair(self, other: Self) -> Result<Pair> {
        Ok(match (self, other) {
            (Self::Float(left), Self::Float(right)) => Pair::Floats(left, right),
            (Self::Big(left), Self::Big(right)) => Pair::Bigs(left, right),
            (Self::Big(left), Self::Float(right)) => Pair::Bigs(left, whole(right)?),
            (Self::Float(left), Self::Big(right)) => Pair::Bigs(whole(left)?, right),
        })
    }

    /// The sum.
    ///
    /// # Errors
    /// `EXPRESSION` if one is a BigInt and the other has a fraction, `RESOURCE_LIMIT` for a BigInt
    /// of more than 64 KiB; so for all operations.
    #[expect(clippy::should_implement_trait, reason = "it may fail")]
    pub fn add(self, other: Self) -> Result<Self> {
        Ok(match self.pair(other)? {
            Pair::Floats(left, right) => Self::Float(left + right),
            Pair::Bigs(left, right) => bounded(left + right)?,
        })
    }

    /// The product.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn multiply(self, other: Self) -> Result<Self> {
        Ok(match self.pair(other)? {
            Pair::Floats(left, right) => Self::Float(left * right),
            Pair::Bigs(left, right) => {
                check_bits(left.bits() + right.bits())?;
                Self::Big(left * right)
            }
        })
    }
}

/// A value as a BigInt of the library that calculates.
pub(super) fn to_big(bigint: &BigInt) -> Big {
    let sign = if bigint.negative { Sign::Minus } else { Sign::Plus };
    Big::from_bytes_le(sign, &bigint.magnitude)
}

/// A BigInt as documents have it.
pub(super) fn from_big(big: &Big) -> BigInt {
    let (sign, mut magnitude) = big.to_bytes_le();
    if sign == Sign::NoSign {
        magnitude.clear();
    }
    BigInt { negative: sign == Sign::Minus, magnitude }
}

/// The nearest double.
fn big_to_f64(big: &Big) -> f64 {
    let (bits, negative) = (big.bits(), big.sign() == Sign::Minus);
    if bits > 1024 {
        return if negative { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // Decimal text is converted with correct rounding.
    big.to_string().parse().unwrap_or(f64::NAN)
}

/// The BigInt that a whole number is.
pub(super) fn big_from_f64(number: f64) -> Option<Big> {
    if number.fract() != 0.0 || !number.is_finite() {
        return None;
    }
    let bits = number.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i64 - 1075;
    if exponent <= 0 {
        return Some(Big::from(number as i64));
    }
    let mantissa = Big::from(bits & ((1 << 52) - 1) | 1 << 52) << exponent as u64;
    Some(if number < 0.0 { -mantissa } else { mantissa })
}

fn whole(number: f64) -> Result<Big> {
    big_from_f64(number).ok_or_else(|| {
        let message = "A BigInt and a number with a fraction cannot be calculated with each other; \
                       convert one of them, with $toDouble or $toLong";
        Error::new(ErrorCode::Expression, message)
    })
}

fn bounded(big: Big) -> Result<Number> {
    check_bits(big.bits())?;
    Ok(Number::Big(big))
}

fn check_bits(bits: u64) -> Result<()> {
    if bits > MAX_BIGINT_BYTES * 8 {
        let message = "Expressions calculate with BigInts of up to 64 KiB";
        return Err(Error::new(ErrorCode::ResourceLimit, message));
    }
    Ok(())
}

impl Call<'_> {
    /// The number that an argument must be.
    pub(super) fn number(&self, value: &Value) -> Result<Number> {
        match value {
            Value::Number(number) => Ok(Number::Float(*number)),
            Value::BigInt(bigint) => {
                check_bits(bigint.magnitude.len() as u64 * 8)?;
                // What the quadratic operations on it may take.
                self.work.charge(bigint.magnitude.len().pow(2) / 16)?;
                Ok(Number::Big(to_big(bigint)))
            }
            other => Err(self.wrong("a number", other)),
        }
    }

    fn pair(&self, left: &Value, right: &Value) -> Result<Pair> {
        self.number(left)?.pair(self.number(right)?).map_err(|error| self.named(error))
    }

    /// Names the operator in an error of a calculation.
    fn named(&self, error: Error) -> Error {
        match error.code() {
            ErrorCode::Expression => self.error(error.message()),
            _ => error,
        }
    }

    /// A Date at a time.
    pub(super) fn date(&self, time: f64) -> Result<Value> {
        if time.is_nan() || time.abs() > MAX_TIME {
            return Err(self.error("the result is outside of what a Date can hold"));
        }
        Ok(Value::Date(time.trunc() + 0.0))
    }
}

/// `$add`: numbers, or one date and milliseconds.
pub(super) fn add(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let mut sum = Number::Float(0.0);
    let mut date = None;
    for argument in arguments.iter() {
        match &**argument {
            value if is_nullish(value) => return Ok(Value::Null),
            Value::Date(time) => {
                if date.replace(*time).is_some() {
                    return Err(call.error("only one of the operands can be a Date"));
                }
            }
            value => {
                let number = call.number(value)?;
                sum = sum.add(number).map_err(|error| call.named(error))?;
            }
        }
    }
    match date {
        Some(time) => call.date(time + sum.to_f64().round()),
        None => Ok(sum.into_value()),
    }
}

/// `$subtract`: numbers, two dates, or milliseconds from a date.
pub(super) fn subtract(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [left, right] = arguments else { return Err(call.wrong_count()) };
    match (&**left, &**right) {
        (left, right) if is_nullish(left) || is_nullish(right) => Ok(Value::Null),
        (Value::Date(left), Value::Date(right)) => Ok(Value::Number(left - right)),
        (Value::Date(left), right) => call.date(left - call.number(right)?.to_f64().round()),
        (left, right) => Ok(match call.pair(left, right)? {
            Pair::Floats(left, right) => Value::Number(left - right),
            Pair::Bigs(left, right) => bounded(left - right)?.into_value(),
        }),
    }
}

/// `$multiply`.
pub(super) fn multiply(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let mut product = Number::Float(1.0);
    for argument in arguments.iter() {
        if is_nullish(argument) {
            return Ok(Value::Null);
        }
        let number = call.number(argument)?;
        product = product.multiply(number).map_err(|error| call.named(error))?;
    }
    Ok(product.into_value())
}

/// `$divide`: between BigInts towards zero, as JavaScript does.
pub(super) fn divide(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [left, right] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(left) || is_nullish(right) {
        return Ok(Value::Null);
    }
    match call.pair(left, right)? {
        Pair::Floats(_, 0.0) => Err(call.error("division by zero")),
        Pair::Floats(left, right) => Ok(Value::Number(left / right)),
        Pair::Bigs(left, right) => match left.checked_div(&right) {
            Some(quotient) => Ok(Number::Big(quotient).into_value()),
            None => Err(call.error("division by zero")),
        },
    }
}

/// `$mod`: with the sign of the dividend, as JavaScript does.
pub(super) fn modulo(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [left, right] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(left) || is_nullish(right) {
        return Ok(Value::Null);
    }
    match call.pair(left, right)? {
        Pair::Floats(_, 0.0) => Err(call.error("division by zero")),
        Pair::Floats(left, right) => Ok(Value::Number(left % right)),
        Pair::Bigs(_, right) if right.sign() == Sign::NoSign => Err(call.error("division by zero")),
        Pair::Bigs(left, right) => Ok(Number::Big(left % right).into_value()),
    }
}

/// `$pow`.
pub(super) fn power(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [base, exponent] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(base) || is_nullish(exponent) {
        return Ok(Value::Null);
    }
    let (base, exponent) = match call.pair(base, exponent)? {
        Pair::Floats(base, exponent) => {
            if base == 0.0 && exponent < 0.0 {
                return Err(call.error("zero has no negative powers"));
            }
            return Ok(Value::Number(base.powf(exponent)));
        }
        Pair::Bigs(base, exponent) => (base, exponent),
    };
    if exponent.sign() == Sign::Minus {
        return Err(call.error("a BigInt has no negative powers; convert it with $toDouble"));
    }
    // 0, 1 and −1 have powers of any size.
    if base.bits() <= 1 {
        let is_odd = exponent.bit(0);
        let one = if base.sign() == Sign::Minus && !is_odd { -base } else { base };
        let one = if exponent.sign() == Sign::NoSign { Big::from(1) } else { one };
        return Ok(Number::Big(one).into_value());
    }
    let exponent = u32::try_from(exponent).unwrap_or(u32::MAX);
    check_bits(base.bits().saturating_mul(u64::from(exponent)))?;
    Ok(Number::Big(base.pow(exponent)).into_value())
}

/// Applies a function to a number, null staying null.
fn unary(
    call: &Call<'_>,
    arguments: Arguments<'_, '_>,
    function: impl FnOnce(Number) -> Result<Number>,
) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(operand) {
        return Ok(Value::Null);
    }
    function(call.number(operand)?).map(Number::into_value)
}

/// Applies a function to a number as a double.
fn real(
    call: &Call<'_>,
    arguments: Arguments<'_, '_>,
    needed: &str,
    is_defined: fn(f64) -> bool,
    function: fn(f64) -> f64,
) -> Result<Value> {
    unary(call, arguments, |number| {
        let number = number.to_f64();
        if !number.is_nan() && !is_defined(number) {
            return Err(call.error(format_args!("it needs {needed}")));
        }
        Ok(Number::Float(function(number)))
    })
}

/// `$abs`.
pub(super) fn abs(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    unary(call, arguments, |number| {
        Ok(match number {
            Number::Float(number) => Number::Float(number.abs()),
            Number::Big(big) => Number::Big(Big::from(big.into_parts().1)),
        })
    })
}

fn whole_by(
    call: &Call<'_>,
    arguments: Arguments<'_, '_>,
    function: fn(f64) -> f64,
) -> Result<Value> {
    unary(call, arguments, |number| {
        Ok(match number {
            Number::Float(number) => Number::Float(function(number)),
            big @ Number::Big(_) => big,
        })
    })
}

/// `$ceil`.
pub(super) fn ceil(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    whole_by(call, arguments, f64::ceil)
}

/// `$floor`.
pub(super) fn floor(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    whole_by(call, arguments, f64::floor)
}

/// `$sqrt`.
pub(super) fn sqrt(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    real(call, arguments, "a number that is not negative", |x| x >= 0.0, f64::sqrt)
}

/// `$ln`.
pub(super) fn ln(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    real(call, arguments, "a positive number", |x| x > 0.0, f64::ln)
}

/// `$log10`.
pub(super) fn log10(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    real(call, arguments, "a positive number", |x| x > 0.0, f64::log10)
}

/// `$exp`.
pub(super) fn exp(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    real(call, arguments, "a number", |_| true, f64::exp)
}

/// `$log` to a base.
pub(super) fn log(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [number, base] = arguments else { return Err(call.wrong_count()) };
    if is_nullish(number) || is_nullish(base) {
        return Ok(Value::Null);
    }
    let (number, base) = (call.number(number)?.to_f64(), call.number(base)?.to_f64());
    if number <= 0.0 || base <= 0.0 || base == 1.0 {
        return Err(call.error("it needs a positive number, and a positive base other than 1"));
    }
    Ok(Value::Number(number.ln() / base.ln()))
}

/// `$cmp`, `$eq` and so on.
pub(super) fn compare(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [left, right] = arguments else { return Err(call.wrong_count()) };
    let order = || order::compare(left, right);
    Ok(Value::Bool(match call.operator {
        "$eq" => order::equal(left, right),
        "$ne" => !order::equal(left, right),
        "$gt" => order().is_gt(),
        "$gte" => order().is_ge(),
        "$lt" => order().is_lt(),
        "$lte" => order().is_le(),
        _ => return Ok(Value::Number(f64::from(order() as i8))),
    }))
}

/// `$not`.
pub(super) fn not(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    let [operand] = arguments else { return Err(call.wrong_count()) };
    Ok(Value::Bool(!super::call::is_true(operand)))
}
