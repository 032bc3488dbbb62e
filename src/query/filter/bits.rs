//! `$bitsAllSet`, `$bitsAllClear`, `$bitsAnySet`, `$bitsAnyClear`.

use crate::error::Result;
use crate::query::place::Place;
use crate::value::{Value, ValueRef};

/// The highest place of a bit that may be asked for.
const MAX_PLACE: u32 = 1 << 20;

/// A test of bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Bits {
    places: Vec<u32>,
    set: bool,
    all: bool,
}

impl Bits {
    /// Parses a mask: a number, a list of places, or binary data.
    pub(super) fn parse(
        value: &Value,
        (all, set): (bool, bool),
        place: &Place<'_>,
    ) -> Result<Self> {
        let places = match value {
            Value::Number(_) | Value::BigInt(_) => {
                let mask = integer(value).and_then(|mask| u64::try_from(mask).ok());
                let mask = mask.ok_or_else(|| place.invalid("a mask may not be negative"))?;
                (0..64).filter(|bit| mask >> bit & 1 == 1).collect()
            }
            Value::Array(array) => {
                let bit = |(at, item): (usize, &Value)| {
                    integer(item)
                        .and_then(|bit| u32::try_from(bit).ok())
                        .filter(|bit| *bit <= MAX_PLACE)
                        .ok_or_else(|| place.index(at).invalid("this is no place of a bit"))
                };
                array.items.iter().enumerate().map(bit).collect::<Result<_>>()?
            }
            Value::Binary { bytes, .. } => {
                let bits = |(at, byte): (usize, &u8)| {
                    let byte = *byte;
                    (0..8)
                        .filter(move |bit| byte >> bit & 1 == 1)
                        .map(move |bit| at as u32 * 8 + bit)
                };
                bytes.iter().take(MAX_PLACE as usize / 8).enumerate().flat_map(bits).collect()
            }
            _ => return Err(place.invalid("it needs a number, a list of places, or binary data")),
        };
        Ok(Self { places, set, all })
    }

    pub(super) fn matches(&self, value: ValueRef<'_>) -> Result<bool> {
        if let Some((_, bytes)) = value.as_binary()? {
            return Ok(self.test(|place| {
                bytes.get(place as usize / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
            }));
        }
        let Some(number) = integer_of(value)? else { return Ok(false) };
        // Beyond its bits a number has its sign.
        Ok(self.test(|place| number >> place.min(127) & 1 == 1))
    }

    fn test(&self, bit: impl Fn(u32) -> bool) -> bool {
        let mut places = self.places.iter();
        if self.all {
            places.all(|place| bit(*place) == self.set)
        } else {
            places.any(|place| bit(*place) == self.set)
        }
    }
}

/// A number without a fraction.
pub(super) fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => of_double(*number),
        Value::BigInt(bigint) => {
            let bigint =
                crate::value::BigIntRef { negative: bigint.negative, magnitude: &bigint.magnitude };
            bigint.to_i128()
        }
        _ => None,
    }
}

/// A number in a document, if it is an integer of 64 bits or a BigInt of 128.
pub(super) fn integer_of(value: ValueRef<'_>) -> Result<Option<i128>> {
    if let Some(number) = value.as_number()? {
        return Ok(of_double(number).filter(|number| i64::try_from(*number).is_ok()));
    }
    Ok(value.as_bigint()?.and_then(crate::value::BigIntRef::to_i128))
}

fn of_double(number: f64) -> Option<i128> {
    (number.trunc() == number && number.abs() < 1e38).then_some(number as i128)
}
