//! Turning values into keys.

use super::shape::ShapeSource;
use super::tags::NAMED_ARRAY;
use super::value_ref::{Elements, Kind, ValueRef};
use crate::collation::Collation;
use crate::error::Result;
use crate::key;

/// Arrays that one key may hold more than once; a few bytes could otherwise unfold into gigabytes.
const MAX_REPEATED_ARRAYS: usize = 65_536;

/// What kind of key a value makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// A key of IndexedDB: a number, date, string, binary value, or array of such.
    Key,
    /// A key in native stores and indexes only: a BigInt, or an array with BigInts.
    BigIntKey,
    /// A component of native indexes only: null, undefined (as null) or a boolean.
    Scalar,
    /// Not a key. Nothing was appended.
    NotAKey,
}

/// Appends a value's key to `out`.
///
/// Not keys: NaN, invalid dates, BigInts out of range, other types, and arrays that hold such,
/// null, booleans, holes, themselves, or the same arrays more than 65,536 times.
///
/// # Errors
/// `CORRUPT` for damaged documents; `out` is then as long as before.
pub fn push_key<S: ShapeSource + ?Sized>(
    value: ValueRef<'_>,
    shapes: &S,
    out: &mut Vec<u8>,
) -> Result<KeyForm> {
    push_key_under(None, value, shapes, out)
}

/// [`push_key`] with sort keys of a collation in place of strings.
///
/// # Errors
/// As [`push_key`].
pub fn push_key_under<S: ShapeSource + ?Sized>(
    collation: Option<&Collation>,
    value: ValueRef<'_>,
    shapes: &S,
    out: &mut Vec<u8>,
) -> Result<KeyForm> {
    let length = out.len();
    let form = push(collation, value, shapes, out);
    if !matches!(form, Ok(KeyForm::Key | KeyForm::BigIntKey | KeyForm::Scalar)) {
        out.truncate(length);
    }
    form
}

fn push<S: ShapeSource + ?Sized>(
    collation: Option<&Collation>,
    value: ValueRef<'_>,
    shapes: &S,
    out: &mut Vec<u8>,
) -> Result<KeyForm> {
    match value.kind()? {
        Kind::Array => push_array(collation, value, shapes, out),
        Kind::Null | Kind::Undefined => {
            key::push_null(out);
            Ok(KeyForm::Scalar)
        }
        Kind::Bool => {
            key::push_bool(out, value.as_bool()? == Some(true));
            Ok(KeyForm::Scalar)
        }
        kind => push_leaf(collation, value, kind, out),
    }
}

/// An array that is being written, and where it stands, to notice one that holds itself.
struct Open<'a, 's, S: ShapeSource + ?Sized> {
    at: usize,
    /// Whether the array around this one goes on where this one's elements end.
    in_place: bool,
    elements: Elements<'a, 's, S>,
}

fn push_array<S: ShapeSource + ?Sized>(
    collation: Option<&Collation>,
    array: ValueRef<'_>,
    shapes: &S,
    out: &mut Vec<u8>,
) -> Result<KeyForm> {
    let start = out.len();
    let mut form = KeyForm::Key;
    let mut stack = Vec::new();
    let mut repeated = 0;
    if !begin(array, shapes, &mut stack, out)? {
        return Ok(KeyForm::NotAKey);
    }
    while let Some(open) = stack.last_mut() {
        let Some(element) = open.elements.next() else {
            if open.elements.passed_holes() {
                return Ok(KeyForm::NotAKey);
            }
            key::end_array(out);
            close(&mut stack);
            continue;
        };
        let (_, value) = element?;
        match value.kind()? {
            Kind::Array => {
                if !begin(value, shapes, &mut stack, out)? {
                    return Ok(KeyForm::NotAKey);
                }
                if stack.last().is_some_and(|open| !open.in_place) {
                    repeated += 1;
                }
            }
            kind => match push_leaf(collation, value, kind, out)? {
                KeyForm::Key => {}
                KeyForm::BigIntKey => form = KeyForm::BigIntKey,
                KeyForm::Scalar | KeyForm::NotAKey => return Ok(KeyForm::NotAKey),
            },
        }
        if out.len() - start > key::MAX_KEY_BYTES || repeated > MAX_REPEATED_ARRAYS {
            return Ok(KeyForm::NotAKey);
        }
    }
    Ok(form)
}

/// Begins an array, unless it is inside itself or too deep.
fn begin<'a, 's, S: ShapeSource + ?Sized>(
    array: ValueRef<'a>,
    shapes: &'s S,
    stack: &mut Vec<Open<'a, 's, S>>,
    out: &mut Vec<u8>,
) -> Result<bool> {
    let at = array.at;
    let mut in_place = false;
    if let Some(around) = stack.last() {
        in_place = around.elements.position() == at && array.tag()? != NAMED_ARRAY;
        if at <= around.at && stack.iter().any(|open| open.at == at) {
            return Ok(false);
        }
    }
    let Some(elements) = array.elements(shapes)? else { return Ok(false) };
    if stack.len() >= key::MAX_DEPTH {
        return Ok(false);
    }
    key::begin_array(out);
    stack.push(Open { at, in_place, elements });
    Ok(true)
}

fn close<S: ShapeSource + ?Sized>(stack: &mut Vec<Open<'_, '_, S>>) {
    let Some(open) = stack.pop() else { return };
    if let Some(around) = stack.last_mut().filter(|_| open.in_place) {
        around.elements.resume(open.elements.position());
    }
}

fn push_leaf(
    collation: Option<&Collation>,
    value: ValueRef<'_>,
    kind: Kind,
    out: &mut Vec<u8>,
) -> Result<KeyForm> {
    let is_key = match kind {
        Kind::Number => value.as_number()?.is_some_and(|number| key::push_number(out, number)),
        Kind::Date => value.as_date()?.is_some_and(|time| key::push_date(out, time)),
        Kind::String => match value.as_text()? {
            Some(text) => {
                text.push_key(collation, out);
                true
            }
            None => false,
        },
        Kind::Binary => match value.as_binary()? {
            Some((_, bytes)) => {
                key::push_binary(out, bytes);
                true
            }
            None => false,
        },
        Kind::BigInt => {
            let fits = value
                .as_bigint()?
                .is_some_and(|bigint| key::push_bigint(out, bigint.negative, bigint.magnitude));
            return Ok(if fits { KeyForm::BigIntKey } else { KeyForm::NotAKey });
        }
        _ => false,
    };
    Ok(if is_key { KeyForm::Key } else { KeyForm::NotAKey })
}
