//! What operators take.

use super::place::Target;
use crate::error::Result;
use crate::value::{self, NoShapes, Value};

/// Whether two values are the same in every respect: type, sign of zero, order of fields.
pub(super) fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) | (Value::Date(left), Value::Date(right)) => {
            left.to_bits() == right.to_bits() || left.is_nan() && right.is_nan()
        }
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::BigInt(left), Value::BigInt(right)) => left == right,
        _ if std::mem::discriminant(left) != std::mem::discriminant(right) => false,
        // What refers to other parts of a document cannot be compared by itself.
        _ => match (value::encode(left, &NoShapes), value::encode(right, &NoShapes)) {
            (Ok(left), Ok(right)) => left == right,
            _ => false,
        },
    }
}

/// A number or BigInt.
pub(super) fn number(value: &Value, target: &Target) -> Result<Value> {
    match value {
        Value::Number(_) | Value::BigInt(_) => Ok(value.clone()),
        _ => Err(target.invalid("it needs a number or a BigInt")),
    }
}

/// A whole number that an array could have as many elements of.
pub(super) fn count(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) if number.trunc() == *number && number.abs() <= 9e15 => {
            Some(*number as i64)
        }
        _ => None,
    }
}

/// What a value is, for messages: its type, never its content.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Undefined => "undefined",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::BigInt(_) => "a BigInt",
        Value::String(_) => "a string",
        Value::Date(_) => "a date",
        Value::RegExp { .. } => "a regular expression",
        Value::Object(_) | Value::Reference(_) | Value::Shared { .. } => "an object",
        Value::Array(_) => "an array",
        Value::Holes(_) => "a hole",
        Value::Map(_) => "a Map",
        Value::Set(_) => "a Set",
        Value::Error { .. } => "an error",
        Value::Binary { .. } => "a binary value",
        Value::Boxed(_) => "a boxed primitive",
        Value::Blob(_) => "a Blob",
    }
}
