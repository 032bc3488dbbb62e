//! The order and equality of all values.
//!
//! [`push`] writes any value so that `memcmp` of the bytes is the order of the values, and equal
//! values have equal bytes: 1 = 1.0 = 1n, −0 = 0, NaN = NaN, null = undefined. For values that can
//! be keys the order is that of [`crate::key`]; the rest is put in its place:
//!
//! holes in arrays < null < false < true < NaN < numbers and BigInts of any size < invalid dates <
//! dates < strings (by UTF-16 code unit) < binary values (by bytes, whatever their type) < arrays
//! (by element) < objects (by field: name, then value, in their order; undefined ones do not
//! count) < regular expressions < Maps < Sets < errors < boxed primitives < Blobs.
//!
//! The bytes are for memory and temporary files only: no format depends on them.

use std::cmp::Ordering;

use crate::collation::Collation;
use crate::error::Result;
use crate::key::{
    self, END, TAG_ARRAY, TAG_DATE, TAG_FALSE, TAG_NULL, TAG_NUMBER, TAG_OBJECT, TAG_TRUE,
};
use crate::value::{Fields, ShapeSource, Value, ValueRef};

/// Stands before everything: sorts put there arrays without elements.
pub const TAG_LEAST: u8 = 0x04;
const TAG_HOLES: u8 = 0x08;
const TAG_NAN: u8 = 0x2C;
const TAG_INVALID_DATE: u8 = 0x3C;
const TAG_REGEXP: u8 = 0x88;
const TAG_MAP: u8 = 0x90;
const TAG_SET: u8 = 0x98;
const TAG_ERROR: u8 = 0xA0;
const TAG_BOXED: u8 = 0xA8;
const TAG_BLOB: u8 = 0xB0;
const TAG_REFERENCE: u8 = 0xB8;

/// What values are compared with each other by `$gt`, `$gte`, `$lt` and `$lte`: those of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the variants are JavaScript's types")]
pub enum Class {
    Null,
    Bool,
    Number,
    Date,
    String,
    Binary,
    Array,
    Object,
    RegExp,
    Map,
    Set,
    Error,
    Boxed,
    Blob,
}

impl Class {
    /// The class of a decoded value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null | Value::Undefined | Value::Holes(_) => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) | Value::BigInt(_) => Self::Number,
            Value::Date(_) => Self::Date,
            Value::String(_) => Self::String,
            Value::Binary { .. } => Self::Binary,
            Value::Array(_) => Self::Array,
            Value::Object(_) | Value::Reference(_) => Self::Object,
            Value::RegExp { .. } => Self::RegExp,
            Value::Map(_) => Self::Map,
            Value::Set(_) => Self::Set,
            Value::Error { .. } => Self::Error,
            Value::Boxed(_) => Self::Boxed,
            Value::Blob(_) => Self::Blob,
            Value::Shared { value, .. } => Self::of(value),
        }
    }

    /// The class of a value in a document.
    pub fn of_ref(value: ValueRef<'_>) -> Result<Self> {
        use crate::value::Kind;
        Ok(match value.kind()? {
            Kind::Null | Kind::Undefined => Self::Null,
            Kind::Bool => Self::Bool,
            Kind::Number | Kind::BigInt => Self::Number,
            Kind::Date => Self::Date,
            Kind::String => Self::String,
            Kind::Binary => Self::Binary,
            Kind::Array => Self::Array,
            Kind::Object => Self::Object,
            Kind::RegExp => Self::RegExp,
            Kind::Map => Self::Map,
            Kind::Set => Self::Set,
            Kind::Error => Self::Error,
            Kind::Boxed => Self::Boxed,
            Kind::Blob => Self::Blob,
        })
    }
}

/// Appends a value.
pub fn push(value: &Value, out: &mut Vec<u8>) {
    push_under(None, value, out);
}

/// Appends a value of which the strings are in the order of a collation; field names are not.
pub fn push_under(collation: Option<&Collation>, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Holes(count) => {
            out.push(TAG_HOLES);
            out.extend_from_slice(&count.to_be_bytes());
        }
        Value::Null | Value::Undefined => key::push_null(out),
        Value::Bool(bool) => key::push_bool(out, *bool),
        Value::Number(number) => push_number(*number, out),
        Value::BigInt(bigint) => push_bigint(bigint.negative, &bigint.magnitude, out),
        Value::Date(time) => push_date(*time, out),
        Value::String(text) => match collation {
            Some(collation) => collation.push_wtf8(out, text),
            None => key::push_wtf8(out, text),
        },
        Value::Binary { bytes, .. } => key::push_binary(out, bytes),
        Value::Array(array) => push_list(TAG_ARRAY, collation, &array.items, out),
        Value::Object(fields) => push_fields(TAG_OBJECT, collation, fields, out),
        Value::RegExp { source, flags } => {
            out.push(TAG_REGEXP);
            key::push_wtf8(out, source);
            key::push_wtf8(out, flags);
        }
        Value::Map(entries) => {
            out.push(TAG_MAP);
            for (key, value) in entries {
                push_under(collation, key, out);
                push_under(collation, value, out);
            }
            out.push(END);
        }
        Value::Set(items) => push_list(TAG_SET, collation, items, out),
        Value::Error { kind, fields } => {
            out.push(TAG_ERROR);
            push_fields(*kind as u8, collation, fields, out);
        }
        Value::Boxed(inner) => {
            out.push(TAG_BOXED);
            push_under(collation, inner, out);
        }
        Value::Blob(blob) => {
            out.push(TAG_BLOB);
            key::push_wtf8(out, &blob.media_type);
            key::push_binary(out, &blob.bytes);
            if let Some((name, time)) = &blob.file {
                key::push_wtf8(out, name);
                push_number(*time, out);
            }
            out.push(END);
        }
        Value::Shared { value, .. } => push_under(collation, value, out),
        Value::Reference(id) => {
            out.push(TAG_REFERENCE);
            out.extend_from_slice(&id.to_be_bytes());
        }
    }
}

/// Appends a value that stands in a document.
///
/// # Errors
/// `CORRUPT` for damaged documents; `RESOURCE_LIMIT` for objects that contain themselves.
pub fn push_ref<S: ShapeSource + ?Sized>(
    value: ValueRef<'_>,
    shapes: &S,
    out: &mut Vec<u8>,
) -> Result<()> {
    push_ref_under(None, value, shapes, out)
}

/// [`push_ref`] as [`push_under`].
///
/// # Errors
/// As [`push_ref`].
pub fn push_ref_under<S: ShapeSource + ?Sized>(
    collation: Option<&Collation>,
    value: ValueRef<'_>,
    shapes: &S,
    out: &mut Vec<u8>,
) -> Result<()> {
    use crate::value::Kind;
    match value.kind()? {
        Kind::Null | Kind::Undefined => key::push_null(out),
        Kind::Bool => key::push_bool(out, value.as_bool()? == Some(true)),
        Kind::Number => push_number(value.as_number()?.unwrap_or(f64::NAN), out),
        Kind::Date => push_date(value.as_date()?.unwrap_or(f64::NAN), out),
        Kind::BigInt => {
            if let Some(bigint) = value.as_bigint()? {
                push_bigint(bigint.negative, bigint.magnitude, out);
            }
        }
        Kind::String => {
            if let Some(text) = value.as_text()? {
                text.push_key(collation, out);
            }
        }
        Kind::Binary => {
            if let Some((_, bytes)) = value.as_binary()? {
                key::push_binary(out, bytes);
            }
        }
        _ => push_under(collation, &value.to_value(shapes)?, out),
    }
    Ok(())
}

/// The bytes of a value by itself.
pub fn bytes(value: &Value) -> Vec<u8> {
    bytes_under(None, value)
}

/// [`bytes`] as [`push_under`].
pub fn bytes_under(collation: Option<&Collation>, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    push_under(collation, value, &mut out);
    out
}

/// The length of the value at the start of bytes that [`push`] wrote, inverted or not; `None` if
/// there is no whole one.
pub fn encoded_len(bytes: &[u8], inverted: bool) -> Option<usize> {
    let mask = if inverted { 0xFF } else { 0 };
    let mut rest = bytes;
    // Values that are still to come in each open container; `None`: up to its end.
    let mut open: Vec<Option<usize>> = Vec::new();
    loop {
        let (tag, payload) = rest.split_first()?;
        let tag = tag ^ mask;
        if tag == END {
            if open.pop()?.is_some() {
                return None;
            }
            rest = payload;
        } else {
            let inside = match tag {
                TAG_LEAST | TAG_NULL | TAG_FALSE | TAG_TRUE | TAG_NAN | TAG_INVALID_DATE => {
                    rest = payload;
                    None
                }
                TAG_HOLES | TAG_REFERENCE => {
                    rest = payload.get(4..)?;
                    None
                }
                TAG_NUMBER => {
                    rest = payload.get(number_len(payload, mask)?..)?;
                    None
                }
                TAG_ARRAY | TAG_OBJECT | TAG_MAP | TAG_SET | TAG_BLOB => {
                    rest = payload;
                    Some(None)
                }
                TAG_ERROR => {
                    rest = payload.get(1..)?;
                    Some(None)
                }
                TAG_REGEXP => {
                    rest = payload;
                    Some(Some(2))
                }
                TAG_BOXED => {
                    rest = payload;
                    Some(Some(1))
                }
                _ => {
                    let len = key::encoded_len(rest, inverted).ok()?;
                    rest = rest.get(len..)?;
                    None
                }
            };
            if let Some(inside) = inside {
                open.push(inside);
                continue;
            }
        }
        // A value is complete, and with it perhaps those around it.
        loop {
            match open.last_mut() {
                None => return Some(bytes.len() - rest.len()),
                Some(None) => break,
                Some(Some(left)) => {
                    *left -= 1;
                    if *left > 0 {
                        break;
                    }
                    open.pop();
                }
            }
        }
    }
}

/// The length of a number's payload, of any size.
fn number_len(payload: &[u8], mask: u8) -> Option<usize> {
    let first = *payload.first()? ^ mask;
    let negative = first < 0x80;
    let flip = mask ^ if negative { 0xFF } else { 0 };
    let last = payload.iter().position(|byte| (byte ^ flip) & 1 == 0);
    let groups = last.map_or(usize::MAX, |last| last + 1);
    if groups <= GROUPS_OF_DOUBLES && payload.len() >= groups {
        return Some(groups);
    }
    // Written by its size.
    let head = 8 + GROUPS_OF_DOUBLES;
    let size = payload.get(head..)?.first_chunk::<4>()?.map(|byte| byte ^ flip);
    let end = head + 4 + u32::from_be_bytes(size) as usize;
    (payload.len() >= end).then_some(end)
}

/// Compares two values of any class.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if !left.is_nan() && !right.is_nan() => {
            left.partial_cmp(right).unwrap_or(Ordering::Equal)
        }
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Null | Value::Undefined, Value::Null | Value::Undefined) => Ordering::Equal,
        _ => bytes(left).cmp(&bytes(right)),
    }
}

/// Whether two values are equal.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left == right,
        _ => Class::of(left) == Class::of(right) && compare(left, right).is_eq(),
    }
}

fn push_list(tag: u8, collation: Option<&Collation>, items: &[Value], out: &mut Vec<u8>) {
    out.push(tag);
    for item in items {
        push_under(collation, item, out);
    }
    out.push(END);
}

fn push_fields(tag: u8, collation: Option<&Collation>, fields: &Fields, out: &mut Vec<u8>) {
    out.push(tag);
    for (name, value) in fields.iter().filter(|(_, value)| !matches!(value, Value::Undefined)) {
        key::push_wtf8(out, name);
        push_under(collation, value, out);
    }
    out.push(END);
}

fn push_number(number: f64, out: &mut Vec<u8>) {
    if !key::push_number(out, number) {
        out.push(TAG_NAN);
    }
}

fn push_date(time: f64, out: &mut Vec<u8>) {
    if time.is_nan() {
        out.push(TAG_INVALID_DATE);
    } else if !key::push_date(out, time) {
        // No Date holds such a time, but damaged documents may.
        let start = out.len();
        key::push_number(out, time);
        if let Some(tag) = out.get_mut(start) {
            *tag = TAG_DATE;
        }
    }
}

/// More seven-bit groups than a BigInt below 2¹⁰²⁴ takes.
const GROUPS_OF_DOUBLES: usize = 160;

fn push_bigint(negative: bool, magnitude: &[u8], out: &mut Vec<u8>) {
    if key::push_bigint(out, negative, magnitude) {
        return;
    }
    out.push(TAG_NUMBER);
    let start = out.len();
    push_magnitude(magnitude, out);
    if negative {
        key::invert_from(out, start);
    }
}

/// Appends a magnitude of 2⁶³ or more as keys have doubles and smaller BigInts, in as many groups
/// as it takes.
fn push_magnitude(magnitude: &[u8], out: &mut Vec<u8>) {
    let bits = bit_length(magnitude);
    if bits > 1024 {
        // Above all doubles but infinity, whose second byte is greater.
        let mut largest = Vec::new();
        key::push_number(&mut largest, f64::MAX);
        out.extend_from_slice(largest.get(1..9).unwrap_or_default());
        out.extend(std::iter::repeat_n(0xFF, GROUPS_OF_DOUBLES));
        out.extend_from_slice(&(magnitude.len() as u32).to_be_bytes());
        out.extend(magnitude.iter().rev());
        return;
    }
    // The bit string: 1, eleven bits of exponent, and the fraction, which is what follows the
    // magnitude's first bit.
    let head = 1 << 11 | (1023 + bits - 1);
    let bit = |place: usize| match place.checked_sub(12) {
        None => head >> (11 - place) & 1,
        Some(place) => bits.checked_sub(2 + place).map_or(0, |place| {
            let byte = magnitude.get(place / 8).copied().unwrap_or_default();
            usize::from(byte >> (place % 8) & 1)
        }),
    };
    let group = |group: usize| (0..7).fold(0, |bits, at| bits << 1 | bit(7 * group + at) as u8);
    let groups = (11 + bits).div_ceil(7);
    let used = (0..groups).rev().find(|at| group(*at) != 0).unwrap_or_default();
    out.extend((0..=used).map(|at| group(at) << 1 | u8::from(at < used)));
}

fn bit_length(magnitude: &[u8]) -> usize {
    magnitude.last().map_or(0, |last| magnitude.len() * 8 - last.leading_zeros() as usize)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::value::{self, Array, BigInt, BinaryKind, NoShapes};
    use crate::wtf8::Wtf8String;

    fn big(negative: bool, shift: usize, plus: u8) -> Value {
        let mut magnitude = vec![0; shift / 8 + 1];
        magnitude[shift / 8] = 1 << (shift % 8);
        magnitude[0] |= plus;
        Value::BigInt(BigInt { negative, magnitude })
    }

    fn object(fields: &[(&str, Value)]) -> Value {
        let mut object = Fields::new();
        for (name, value) in fields {
            object.insert(Wtf8String::from(*name), value.clone());
        }
        Value::Object(object)
    }

    fn array(items: &[Value]) -> Value {
        Value::Array(Array { items: items.to_vec(), fields: None })
    }

    fn in_order() -> Vec<Value> {
        let text = |text: &str| Value::String(Wtf8String::from(text));
        vec![
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::Number(f64::NAN),
            Value::Number(f64::NEG_INFINITY),
            big(true, 1100, 1),
            big(true, 1024, 0),
            big(true, 1023, 1),
            Value::Number(-(2_f64.powi(1023))),
            big(true, 64, 1),
            big(true, 64, 0),
            Value::Number(-1.5),
            Value::Number(0.0),
            Value::Number(1e-300),
            big(false, 0, 0),
            Value::Number(2_f64.powi(63)),
            big(false, 63, 1),
            big(false, 64, 0),
            big(false, 64, 1),
            Value::Number(2_f64.powi(65)),
            big(false, 65, 1),
            Value::Number(1e300),
            Value::Number(2_f64.powi(1023)),
            big(false, 1023, 1),
            Value::Number(f64::MAX),
            big(false, 1024, 0),
            big(false, 1024, 1),
            big(false, 1100, 0),
            Value::Number(f64::INFINITY),
            Value::Date(f64::NAN),
            Value::Date(-1.0),
            Value::Date(5.0),
            text(""),
            text("a"),
            text("ä"),
            text("\u{ffff}"),
            Value::Binary { kind: BinaryKind::Uint8Array, bytes: vec![] },
            Value::Binary { kind: BinaryKind::Float32Array, bytes: vec![0; 4] },
            array(&[]),
            array(&[Value::Holes(2)]),
            array(&[Value::Null]),
            array(&[Value::Number(f64::NAN)]),
            array(&[Value::Number(1.0), Value::Null]),
            array(&[array(&[])]),
            object(&[]),
            object(&[("a", Value::Null)]),
            object(&[("a", Value::Number(1.0)), ("b", Value::Null)]),
            object(&[("a", array(&[]))]),
            object(&[("b", Value::Null)]),
            Value::RegExp { source: "a".into(), flags: "".into() },
            Value::Map(vec![]),
            Value::Map(vec![(Value::Null, Value::Null)]),
            Value::Set(vec![]),
            Value::Set(vec![Value::Number(1.0)]),
            Value::Boxed(Box::new(Value::Bool(true))),
        ]
    }

    #[test]
    fn orders_values_of_all_types() {
        let values = in_order();
        for (i, left) in values.iter().enumerate() {
            for (j, right) in values.iter().enumerate() {
                assert_eq!(compare(left, right), i.cmp(&j), "{left:?} and {right:?}");
                assert_eq!(equal(left, right), i == j, "{left:?} and {right:?}");
            }
        }
    }

    #[test]
    fn equal_values_have_equal_bytes() {
        let one = big(false, 0, 0);
        let pairs = [
            (Value::Number(1.0), one),
            (Value::Number(0.0), Value::Number(-0.0)),
            (Value::Null, Value::Undefined),
            (Value::Number(2_f64.powi(70)), big(false, 70, 0)),
            (object(&[("a", Value::Undefined)]), object(&[])),
        ];
        for (left, right) in pairs {
            assert_eq!(bytes(&left), bytes(&right), "{left:?} and {right:?}");
        }
    }

    #[test]
    fn values_in_documents_have_the_same_bytes() {
        for value in in_order() {
            let document = value::encode(&object(&[("f", value.clone())]), &NoShapes).unwrap();
            let field = value::FieldName::new("f");
            let found = value::root(&document).unwrap().field(&field, &NoShapes).unwrap().unwrap();
            let mut out = Vec::new();
            push_ref(found, &NoShapes, &mut out).unwrap();
            assert_eq!(out, bytes(&value), "{value:?}");
            assert_eq!(Class::of_ref(found).unwrap(), Class::of(&value));
            assert_eq!(bytes(&found.to_value(&NoShapes).unwrap()), bytes(&value));
            let mut followed = [out.as_slice(), &[0x30, 0x80, 0]].concat();
            assert_eq!(encoded_len(&followed, false), Some(out.len()), "{value:?}");
            key::invert(&mut followed);
            assert_eq!(encoded_len(&followed, true), Some(out.len()), "{value:?}");
            assert_eq!(encoded_len(&out[..out.len() - 1], false), None, "{value:?}");
        }
    }
}
