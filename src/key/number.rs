//! Numbers and dates: the bits of a binary floating-point number, most significant first, without
//! trailing zeros.
//!
//! The magnitude is the bit string `1`, 11 bits of exponent (biased as in IEEE 754), then the
//! fraction: 52 bits of a double, up to 63 of a BigInt. It is cut into groups of seven bits, each
//! in the high bits of a byte whose lowest bit says whether more groups follow; trailing zero
//! groups are dropped. A negative number is its magnitude with every byte inverted. So BigInts sort
//! exactly among doubles, equal numbers have equal bytes, and small integers are short.

use super::{TAG_DATE, TAG_NUMBER};

/// Seven-bit groups of the longest number: 1 + 11 + 63 bits.
const MAX_GROUPS: usize = 11;
/// The largest time value of a JavaScript Date, in milliseconds (ECMA-262, 21.4.1.1).
const MAX_TIME: f64 = 8.64e15;
const EXPONENT_BIAS: u64 = 1023;
const FRACTION_BITS: u32 = 52;

/// A decoded number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Exact as a double.
    Double(f64),
    /// An integer that no double equals.
    Big(i128),
}

/// Appends a number; `false`, with nothing appended, for NaN. −0 becomes 0.
pub fn push_number(out: &mut Vec<u8>, value: f64) -> bool {
    if value.is_nan() {
        return false;
    }
    push_double(out, TAG_NUMBER, value);
    true
}

/// Appends a date, in milliseconds since 1970; `false`, with nothing appended, if it is not a valid
/// time value of JavaScript: NaN, beyond ±8.64e15, or with a fraction.
pub fn push_date(out: &mut Vec<u8>, milliseconds: f64) -> bool {
    if !is_time(milliseconds) {
        return false;
    }
    push_double(out, TAG_DATE, milliseconds);
    true
}

/// Appends a BigInt as sign and little-endian magnitude, sorted and equal among the numbers;
/// `false`, with nothing appended, if it is not within −2⁶³ and 2⁶⁴−1.
pub fn push_bigint(out: &mut Vec<u8>, negative: bool, magnitude_le: &[u8]) -> bool {
    let mut magnitude = 0;
    for (i, &byte) in magnitude_le.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        if i >= 8 {
            return false;
        }
        magnitude |= u64::from(byte) << (8 * i);
    }
    push_integer(out, negative, magnitude)
}

/// Appends an integer; `false`, with nothing appended, if it is not within −2⁶³ and 2⁶⁴−1.
pub fn push_i128(out: &mut Vec<u8>, value: i128) -> bool {
    match u64::try_from(value.unsigned_abs()) {
        Ok(magnitude) => push_integer(out, value < 0, magnitude),
        Err(_) => false,
    }
}

/// The value of an encoded number, the nearest double for a BigInt; `None` for anything else.
pub fn as_number(key: &[u8]) -> Option<f64> {
    let (&TAG_NUMBER, payload) = key.split_first()? else { return None };
    match read(payload)? {
        (Number::Double(value), len) if len == payload.len() => Some(value),
        (Number::Big(value), len) if len == payload.len() => Some(value as f64),
        _ => None,
    }
}

/// The value of an encoded number that a double has exactly; `None` for anything else.
pub fn as_exact_number(key: &[u8]) -> Option<f64> {
    let (&TAG_NUMBER, payload) = key.split_first()? else { return None };
    match read(payload)? {
        (Number::Double(value), len) if len == payload.len() => Some(value),
        _ => None,
    }
}

/// Whether a double is a valid time value.
pub(super) fn is_time(milliseconds: f64) -> bool {
    milliseconds.abs() <= MAX_TIME && milliseconds.trunc() == milliseconds
}

/// Length of the number at the start of `bytes` (its tag excluded), each byte XORed with `mask`;
/// `None` if it has no end. Does not check that the number is canonical.
pub(super) fn payload_len(bytes: &[u8], mask: u8) -> Option<usize> {
    let first = *bytes.first()? ^ mask;
    // The lowest bit of the last group is 0, inverted in negative numbers.
    let last = mask & 1 ^ u8::from(first < 0x80);
    bytes.iter().take(MAX_GROUPS).position(|byte| byte & 1 == last).map(|i| i + 1)
}

/// Reads the number at the start of `bytes` (its tag excluded) and its length; `None` if it is
/// malformed or not canonical.
pub(super) fn read(bytes: &[u8]) -> Option<(Number, usize)> {
    let flip = if *bytes.first()? < 0x80 { 0xFF } else { 0 };
    let mut bits = 0_u128;
    let mut shift = u128::BITS - 7;
    for (i, byte) in bytes.iter().take(MAX_GROUPS).enumerate() {
        let byte = byte ^ flip;
        bits |= u128::from(byte >> 1) << shift;
        shift = shift.saturating_sub(7);
        if byte & 1 == 0 {
            let zero_group = byte == 0 && i > 0;
            return if zero_group { None } else { Some((from_bits(bits, flip != 0)?, i + 1)) };
        }
    }
    None
}

/// Appends a double that is not NaN.
fn push_double(out: &mut Vec<u8>, tag: u8, value: f64) {
    let sign = 1 << 63;
    let value_bits = (value + 0.0).to_bits();
    let flip = if value_bits & sign == 0 { 0 } else { 0xFF };
    let mut bits = value_bits | sign;
    let mut payload = [0; MAX_GROUPS];
    let mut len = 0;
    for slot in &mut payload {
        let group = (bits >> 56) as u8;
        bits <<= 7;
        len += 1;
        if bits == 0 {
            *slot = (group & !1) ^ flip;
            break;
        }
        *slot = (group | 1) ^ flip;
    }
    out.push(tag);
    out.extend_from_slice(payload.get(..len).unwrap_or_default());
}

fn push_integer(out: &mut Vec<u8>, negative: bool, magnitude: u64) -> bool {
    if negative && magnitude > 1 << 63 {
        return false;
    }
    if magnitude == 0 {
        return push_number(out, 0.0);
    }
    let exponent = magnitude.ilog2();
    let fraction = if exponent == 0 { 0 } else { magnitude << (64 - exponent) };
    let head = 1 << 11 | (EXPONENT_BIAS + u64::from(exponent));
    let mut bits = u128::from(head) << 116 | u128::from(fraction) << 52;
    let flip = if negative { 0xFF } else { 0 };
    out.push(TAG_NUMBER);
    loop {
        let group = (bits >> 120) as u8;
        bits <<= 7;
        if bits == 0 {
            out.push((group & !1) ^ flip);
            return true;
        }
        out.push((group | 1) ^ flip);
    }
}

/// The number of a magnitude's bit string, left-aligned; `None` for NaN, −0, and for fractions that
/// are neither a double's nor a BigInt's.
fn from_bits(bits: u128, negative: bool) -> Option<Number> {
    let high = (bits >> 64) as u64 & (u64::MAX >> 1);
    let low = bits as u64;
    if low == 0 {
        let value = f64::from_bits(high);
        if value.is_nan() || negative && value == 0.0 {
            return None;
        }
        return Some(Number::Double(if negative { -value } else { value }));
    }
    let largest = if negative { 62 } else { 63 };
    let exponent = (high >> FRACTION_BITS).checked_sub(EXPONENT_BIAS).filter(|e| *e <= largest)?;
    let fraction = high << (64 - FRACTION_BITS) | low >> FRACTION_BITS;
    if exponent == 0 || low << (64 - FRACTION_BITS) != 0 || fraction << exponent != 0 {
        return None;
    }
    let magnitude = i128::from(1_u64 << exponent | fraction >> (64 - exponent));
    Some(Number::Big(if negative { -magnitude } else { magnitude }))
}
