//! Rounding to decimal places, exactly.

use num_bigint::{BigInt as Big, Sign};

use super::call::{Arguments, Call, is_nullish};
use super::number::{Number, big_from_f64};
use crate::error::Result;
use crate::value::Value;

/// What happens to the digits that are given up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// To the nearest, halves to the even digit.
    HalfEven,
    TowardsZero,
}

/// `$round`: halves go to the even digit, as in MongoDB.
pub(super) fn round(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    to_place(call, arguments, Mode::HalfEven)
}

/// `$trunc`.
pub(super) fn trunc(call: &Call<'_>, arguments: Arguments<'_, '_>) -> Result<Value> {
    to_place(call, arguments, Mode::TowardsZero)
}

fn to_place(call: &Call<'_>, arguments: Arguments<'_, '_>, mode: Mode) -> Result<Value> {
    let (number, place) = match arguments {
        [number] => (number, 0),
        [number, place] if is_nullish(number) || is_nullish(place) => return Ok(Value::Null),
        [number, place] => (number, call.integer(place)?),
        _ => return Err(call.wrong_count()),
    };
    if is_nullish(number) {
        return Ok(Value::Null);
    }
    if !(-20..=100).contains(&place) {
        return Err(call.error("the place has to be between -20 and 100"));
    }
    Ok(match call.number(number)? {
        Number::Float(number) if !number.is_finite() => Value::Number(number),
        Number::Float(number) if place >= 0 => {
            Value::Number(decimals(number, place as usize, mode))
        }
        Number::Float(number) => {
            let whole = big_from_f64(number.trunc()).unwrap_or_default();
            let rounded = tens(&whole, number.fract() != 0.0, place.unsigned_abs() as u32, mode);
            Value::Number(Number::Big(rounded).to_f64())
        }
        Number::Big(big) if place >= 0 => Number::Big(big).into_value(),
        Number::Big(big) => {
            Number::Big(tens(&big, false, place.unsigned_abs() as u32, mode)).into_value()
        }
    })
}

/// A finite number to decimal places. Doubles have an exact decimal form, which is what is rounded.
fn decimals(number: f64, place: usize, mode: Mode) -> f64 {
    match (place, mode) {
        (0, Mode::HalfEven) => number.round_ties_even(),
        (0, Mode::TowardsZero) => number.trunc(),
        (_, Mode::HalfEven) => format!("{number:.place$}").parse().unwrap_or(number),
        (_, Mode::TowardsZero) => {
            // The longest decimal form has 1,074 places.
            let all = format!("{number:.1074}");
            let end = all.find('.').map_or(all.len(), |point| point + 1 + place);
            all.get(..end).and_then(|cut| cut.parse().ok()).unwrap_or(number)
        }
    }
}

/// A whole number to tens, hundreds and so on; `beyond` says that there are digits after it.
fn tens(whole: &Big, beyond: bool, place: u32, mode: Mode) -> Big {
    let unit = Big::from(10).pow(place);
    let rest = whole % &unit;
    let down = whole - &rest;
    let twice: Big = Big::from(rest.into_parts().1) * 2;
    let up = match twice.cmp(&unit) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => beyond || (&down / &unit).bit(0),
        std::cmp::Ordering::Greater => true,
    };
    match (up && mode == Mode::HalfEven, whole.sign()) {
        (false, _) => down,
        (true, Sign::Minus) => down - unit,
        (true, _) => down + unit,
    }
}
